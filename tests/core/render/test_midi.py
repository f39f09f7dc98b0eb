import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
from handmade import FOUR_AT_ONE_PIANO, TRIO, build, long_score, play

from workbench.core.music.meters import DIVISIONS
from workbench.core.music.score import Performance, Score
from workbench.core.render.midi import TICKS, midi_bytes, pretty_midi_of


def read(performance: Performance):
    import symusic

    return symusic.Score.from_midi(midi_bytes(performance))


def slowing(score: Score) -> Performance:
    """A performance whose every beat is a little longer than the last, notes where the beats put them."""
    straight = play(score)
    lengths = np.diff(straight.times) * np.linspace(1, 1.6, len(straight.times) - 1)
    times = np.concatenate([[0.0], np.cumsum(lengths)])
    at = [np.interp(column, straight.grid, times) for column in (score.onset, score.onset + score.duration)]
    return replace(straight, start=at[0], end=at[1], times=times)


def test_every_note_is_there_with_its_ticks_and_velocity(tune: Score):
    file = read(play(tune, velocity=91))
    notes = sorted((note.time, note.pitch, note.duration) for track in file.tracks for note in track.notes)
    scale = DIVISIONS // TICKS
    assert notes == sorted(
        zip((tune.onset // scale).tolist(), tune.midi.tolist(), (tune.duration // scale).tolist(), strict=True)
    )
    assert {note.velocity for track in file.tracks for note in track.notes} == {91}


def test_bars_of_the_file_are_bars_of_the_music_however_the_tempo_bends(tune: Score):
    file = read(slowing(tune))
    starts = {note.time for note in file.tracks[0].notes}
    assert {0, 1920, 3 * 1920} <= starts


def test_seconds_of_the_file_are_seconds_of_the_performance(tune: Score):
    performance = slowing(tune)
    midi = pretty_midi_of(performance)
    starts = sorted(note.start for instrument in midi.instruments for note in instrument.notes)
    assert np.allclose(starts, np.sort(performance.start), atol=0.002)


def test_a_note_ahead_of_the_beat_stays_ahead(tune: Score):
    performance = play(tune)
    early = performance.start.copy()
    early[4] -= 0.03
    midi = pretty_midi_of(replace(performance, start=early))
    starts = [note.start for instrument in midi.instruments for note in instrument.notes]
    assert np.isclose(starts, early[4], atol=0.002).any()


def test_one_pitch_never_overlaps_itself_in_a_channel():
    score = build(["C5:1 C5:1 C5:2"])
    straight = play(score)
    legato = replace(straight, end=straight.end + 0.4)
    notes = sorted((note.time, note.end) for note in read(legato).tracks[0].notes)
    assert all(before[1] <= after[0] for before, after in pairwise(notes))
    assert len(notes) == 3


def test_a_unison_of_two_voices_keeps_both_notes_and_a_silent_voice_takes_no_track():
    score = build(["C4:4", "C4:2 E4:2", "r:4", "C3:4"], voices=FOUR_AT_ONE_PIANO)
    assert [len(track.notes) for track in read(play(score)).tracks] == [1, 2, 1]


def test_sections_bring_key_signatures_and_markers():
    score = build(["C5:16 G5:16"], sections=[("A", "C major", 4), ("B", "bb minor", 4)], numerals=("i",))
    file = read(play(score))
    assert [(mark.time, mark.text) for mark in file.markers] == [(0, "A"), (7680, "B")]
    assert [(key.time, key.key, key.tonality) for key in file.key_signatures] == [(0, 0, 0), (7680, -5, 1)]


def test_instruments_meter_and_names_are_written():
    file = read(play(build(["E5:3", "A4:3", "C3:3"], voices=TRIO, meter="6/8")))
    assert [(track.name, track.program) for track in file.tracks] == [("Violin", 40), ("Viola", 41), ("Cello", 42)]
    assert (file.time_signatures[0].numerator, file.time_signatures[0].denominator) == (6, 8)


def test_a_silent_score_is_still_a_file():
    assert read(play(build(["r:4"]))).ticks_per_quarter == TICKS


def test_the_same_performance_gives_the_same_bytes():
    score = long_score(320)
    assert midi_bytes(play(score)) == midi_bytes(play(score))


def test_a_file_of_type_one_opens_in_other_readers(tune: Score):
    midi = pretty_midi_of(play(tune))
    assert [instrument.name for instrument in midi.instruments] == ["Melody", "Bass"]
    assert midi_bytes(play(tune))[:4] == b"MThd"
    assert io.BytesIO(midi_bytes(play(tune))).read()[9] == 1
