"""MIDI is brought onto its own bars: early and late notes, triplets, pick-ups, keys, markers, free playing."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from typing import Any

import mido
import pytest

from workbench.core.compose.realize import realize
from workbench.core.errors import InvalidInputError
from workbench.core.generate.agreement import agrees
from workbench.core.library.importers import ImportedPiece, read_any
from workbench.core.library.importers.midi import read_midi
from workbench.core.music.structure import Phrase

TICKS = 480
Played = tuple[float, float, int]
"""Onset and end in quarters, and a MIDI number."""


def track_of(notes: Sequence[Played], *metas: tuple[float, Any], channel: int = 0, name: str = "") -> Any:
    events = [(at, 0, message) for at, message in metas]
    for onset, end, midi in notes:
        events.append((onset, 2, mido.Message("note_on", note=midi, velocity=80, channel=channel)))
        events.append((end, 1, mido.Message("note_off", note=midi, channel=channel)))
    track, now = mido.MidiTrack(), 0
    if name:
        track.append(mido.MetaMessage("track_name", name=name))
    for at, _, message in sorted(events, key=lambda each: each[:2]):
        ticks = max(now, round(at * TICKS))
        track.append(message.copy(time=ticks - now))
        now = ticks
    return track


def file_of(*tracks: Any, kind: int = 1) -> bytes:
    file = mido.MidiFile(type=kind, ticks_per_beat=TICKS)
    file.tracks.extend(tracks)
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def meter(name: str) -> Any:
    numerator, denominator = map(int, name.split("/"))
    return mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)


def piece_of(data: bytes) -> ImportedPiece:
    (piece,) = read_any("x.mid", data)
    assert piece.structure is not None
    assert agrees(piece.structure)
    assert realize(piece.structure).measures == piece.structure.measures
    return piece


def phrases_of(piece: ImportedPiece) -> list[Phrase]:
    assert piece.structure is not None
    return [phrase for section in piece.structure.sections for phrase in section.phrases or ()]


def harmony(*roots: int, bar: float = 4) -> list[Played]:
    return [
        (number * bar, number * bar + bar * 0.95, root + step)
        for number, root in enumerate(roots)
        for step in (0, 4, 7)
    ]


LINE: list[Played] = [
    (0, 0.9, 76),
    (1, 1.9, 79),
    (2, 3.9, 72),
    (4, 4.45, 74),
    (4.5, 4.9, 76),
    (5, 7.8, 74),
    (8, 11.8, 72),
]


def test_notes_a_little_off_the_beat_are_brought_onto_it() -> None:
    rng = random.Random(1)
    loose = [(max(0.0, on + rng.uniform(-0.02, 0.02)), off + rng.uniform(-0.02, 0.02), midi) for on, off, midi in LINE]
    piece = piece_of(file_of(track_of(loose, name="Melody"), track_of(harmony(48, 43, 48), channel=1)))
    melody = phrases_of(piece)[0].melody
    assert melody is not None
    assert melody.degrees == (10, 12, 8, 9, 10, 9, 8)
    assert melody.rhythm == (1, 1, 2, 0.5, 0.5, 3, 4)


def test_triplets_and_sixteenths_are_told_apart() -> None:
    line = [(n / 3, n / 3 + 0.3, 72) for n in range(3)] + [(1 + n / 4, 1.22 + n / 4, 74) for n in range(4)]
    notes = read_midi(file_of(track_of([*line, (2, 3.9, 72)]))).parts[0].notes
    assert [str(note.onset) for note in notes] == ["0", "1/3", "2/3", "1", "5/4", "3/2", "7/4", "2"]
    assert [str(note.duration) for note in notes] == ["1/3"] * 3 + ["1/4"] * 4 + ["2"]


def test_meter_tempo_and_texts_are_read() -> None:
    metas = (
        (0, meter("3/4")),
        (0, mido.MetaMessage("set_tempo", tempo=500_000)),
        (0, mido.MetaMessage("key_signature", key="C")),
        (0, mido.MetaMessage("copyright", text="CC BY 4.0")),
        (6, mido.MetaMessage("marker", text="Trio")),
    )
    notes = harmony(48, 43, 48, 53, 43, 48, bar=3)
    piece = piece_of(file_of(track_of([], *metas, name="Minuet"), track_of(notes, name="Piano")))
    assert piece.structure is not None
    assert (piece.structure.time_signature, piece.structure.tempo) == ("3/4", 120)
    assert (piece.source.title, piece.source.licence) == ("Minuet", "CC BY 4.0")
    assert [section.name for section in piece.structure.sections] == ["A", "Trio"]
    assert {"meter", "tempo", "title", "licence", "sections"} <= {fact.what for fact in piece.read}
    assert {"key", "numerals", "tune"} <= {fact.what for fact in piece.guessed}


def test_a_file_without_meter_is_in_four_by_guess() -> None:
    piece = piece_of(file_of(track_of(harmony(48, 43, 48))))
    known = piece.fact("meter")
    assert known is not None
    assert (known.value, known.confidence) == ("4/4", 0.5)


def test_a_pick_up_bar_counts_for_none() -> None:
    metas = ((0, meter("1/4")), (1, meter("4/4")))
    notes = [(0.0, 0.9, 67), *((on + 1, off + 1, midi) for on, off, midi in harmony(48, 43, 48))]
    piece = piece_of(file_of(track_of(notes, *metas)))
    assert piece.structure is not None
    assert piece.structure.measures == 3


def test_silent_bars_before_the_music_are_left_out() -> None:
    late = [(on + 8, off + 8, midi) for on, off, midi in harmony(48, 43, 48)]
    piece = piece_of(file_of(track_of(late)))
    assert piece.structure is not None
    assert piece.structure.measures == 3
    assert any("2 silent bars" in note for note in piece.notes)


def test_notes_are_named_in_the_key_that_is_heard() -> None:
    minor = [(number * 4.0, number * 4 + 3.9, midi) for number, root in enumerate((46, 41, 46)) for midi in
             ((root, root + 3 + (root == 41), root + 7))]  # fmt: skip
    line: list[Played] = [(0, 3.9, 70), (4, 7.9, 69), (8, 11.9, 70)]
    key = mido.MetaMessage("key_signature", key="Bbm")
    piece = piece_of(file_of(track_of(line, (0, key), name="Melody"), track_of(minor, channel=1)))
    assert piece.structure is not None
    assert piece.structure.key == "bb minor"
    assert phrases_of(piece)[0].chords == ("i", "V", "i")
    melody = phrases_of(piece)[0].melody
    assert melody is not None
    assert [str(degree).lstrip("#") for degree in melody.degrees] == ["1", "-1", "1"]


def test_free_playing_is_told() -> None:
    rng = random.Random(2)
    free = [(on + rng.uniform(0.1, 0.4), off + 0.5, midi) for on, off, midi in harmony(*[48, 53, 43, 48] * 4, bar=2.83)]
    piece = piece_of(file_of(track_of(free)))
    assert any("freely" in note for note in piece.notes)
    known = piece.fact("meter")
    assert known is not None
    assert known.confidence < 0.8


def test_percussion_is_left_out() -> None:
    drums = track_of([(n / 2, n / 2 + 0.2, 38) for n in range(24)], channel=9)
    piece = piece_of(file_of(track_of(harmony(48, 43, 48)), drums))
    assert any("Percussion" in note for note in piece.notes)
    with pytest.raises(InvalidInputError, match="no notes"):
        read_any("x.mid", file_of(drums))


def test_the_tune_is_the_marked_or_the_highest_part() -> None:
    low, high = track_of(LINE, channel=1, name="x"), track_of([(0, 11.9, 96)], channel=2, name="y")
    assert [part.name for part in read_midi(file_of(low, high)).parts] == ["y", "x"]
    marked = track_of(LINE, channel=1, name="Lead vocal")
    assert [part.name for part in read_midi(file_of(high, marked)).parts] == ["Lead vocal", "y"]


@pytest.mark.parametrize(("name", "match"), [("5/4", "5/4"), ("7/8", "7/8")])
def test_a_meter_without_counterpart_is_refused(name: str, match: str) -> None:
    with pytest.raises(InvalidInputError, match=match):
        read_any("x.mid", file_of(track_of(harmony(48, 43, 48), (0, meter(name)))))


def test_independent_patterns_and_time_codes_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="type 2"):
        read_any("x.mid", file_of(track_of(harmony(48, 43, 48)), kind=2))
    data = bytearray(file_of(track_of(harmony(48, 43, 48))))
    data[12:14] = b"\xe7\x28"
    with pytest.raises(InvalidInputError, match="seconds"):
        read_any("x.mid", bytes(data))
