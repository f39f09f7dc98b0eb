"""A performance as a Standard MIDI File.

The file keeps the performance's seconds *and* the score's bars: its tempo map follows ``Performance.grid`` and
``times``, so a bar line in a sequencer is a bar line of the music, and a note played late lies late of it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.meters import DIVISIONS
from workbench.core.music.score import Performance, Score

if TYPE_CHECKING:
    import pretty_midi

TICKS = 480
"""Ticks in a quarter."""

_DIVISIONS_PER_TICK = DIVISIONS // TICKS
_CHANNELS = 15  # sixteen less the drums' one


def midi_bytes(performance: Performance) -> bytes:
    """The performance as a MIDI file of type 1: one track and one channel a voice, 480 ticks to the quarter.

    Holds the tempo map, the meter, a key signature and a marker for each section, names and General MIDI programs.
    No two notes of one pitch overlap within a channel: the earlier ends where the later begins.
    """
    return bytes(midi_score(performance).dumps_midi())


def midi_score(performance: Performance) -> Any:
    """The file's content as a ``symusic.Score`` in ticks, for whoever goes on working with it."""
    import symusic

    score = performance.score
    file = symusic.Score(TICKS)
    ticks, tempos = _tempo_map(performance)
    file.tempos = symusic.Tempo.from_numpy(ticks, tempos)
    file.time_signatures.append(symusic.TimeSignature(0, score.meter.numerator, score.meter.denominator))
    key = None
    for section in score.sections:
        at = section.start // _DIVISIONS_PER_TICK
        if section.key != key:
            key = section.key
            file.key_signatures.append(symusic.KeySignature(at, key.signature, int(key.is_minor)))
        file.markers.append(symusic.TextMeta(at, section.name))
    start, duration, pitch, velocity, voice = _notes(performance)
    for index, part in enumerate(score.voices):
        track = symusic.Track(part.name, part.instrument.program, False)
        own = voice == index
        track.notes = symusic.Note.from_numpy(start[own], duration[own], pitch[own], velocity[own])
        file.tracks.append(track)
    return file


def pretty_midi_of(performance: Performance) -> pretty_midi.PrettyMIDI:
    """The same file as a ``pretty_midi.PrettyMIDI``, with one instrument a voice that has notes."""
    import pretty_midi

    # Read back from the bytes: pretty_midi's own tempo map cannot be written to.
    return pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(performance)))


def _tempo_map(performance: Performance) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where the tempo changes (ticks), and the microseconds of a quarter from there on."""
    grid, times = performance.grid, performance.times
    if len(grid) < 2:
        return np.zeros(1, np.int32), np.array([round(60e6 / performance.score.tempo)], np.int32)
    quarter = np.diff(times) / np.diff(grid) * (DIVISIONS * 1e6)
    tempos = np.clip(np.round(quarter), 1, 2**24 - 1).astype(np.int32)
    keep = np.concatenate([[True], np.diff(tempos) != 0])
    ticks = (grid[:-1][keep] // _DIVISIONS_PER_TICK).astype(np.int32)
    ticks[0] = 0
    return ticks, tempos[keep]


def _ticks(seconds: NDArray[np.float64], performance: Performance) -> NDArray[np.int32]:
    """Clock times as ticks; beyond the end the last tempo goes on."""
    grid, times = performance.grid / _DIVISIONS_PER_TICK, performance.times
    if len(grid) < 2:
        return np.maximum(0, np.round(seconds * performance.score.tempo / 60 * TICKS)).astype(np.int32)
    ticks = np.interp(seconds, times, grid)
    late = seconds > times[-1]
    if late.any():
        slope = (grid[-1] - grid[-2]) / (times[-1] - times[-2])
        ticks[late] = grid[-1] + (seconds[late] - times[-1]) * slope
    return np.asarray(np.round(ticks), np.int32)


def _notes(performance: Performance) -> tuple[NDArray[Any], ...]:
    """Start, duration (ticks), pitch, velocity and voice of each note, sorted by channel, pitch and start."""
    score: Score = performance.score
    start, end = _ticks(performance.start, performance), _ticks(performance.end, performance)
    string = (score.voice % _CHANNELS) * 128 + score.midi
    order = np.lexsort((start, string))
    start, end, string = start[order], end[order], string[order]
    again = np.empty(len(order), bool)
    again[:-1] = (string[1:] == string[:-1]) & (end[:-1] > start[1:])
    again[-1:] = False
    end[:-1] = np.where(again[:-1], start[1:], end[:-1])
    # A note struck again at the very same tick is the same stroke: only the last of them sounds.
    twice = np.zeros(len(order), bool)
    twice[:-1] = (string[1:] == string[:-1]) & (start[1:] == start[:-1])
    length = np.maximum(end - start, 1)
    kept = order[~twice]
    pitch = score.midi[kept].astype(np.int8)
    velocity = np.clip(performance.velocity[kept], 1, 127).astype(np.int8)
    return start[~twice], length[~twice].astype(np.int32), pitch, velocity, score.voice[kept]
