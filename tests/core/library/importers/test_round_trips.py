"""What the workbench writes, it reads: its own MusicXML and MIDI come back as the same music."""

from __future__ import annotations

import re
from functools import cache

import pytest

from workbench.core.compose import compose
from workbench.core.compose.perform import perform
from workbench.core.compose.realize import realize
from workbench.core.generate.agreement import agrees
from workbench.core.library.importers import read_any
from workbench.core.music.request import Request
from workbench.core.music.score import Score
from workbench.core.music.structure import MusicStructure
from workbench.core.render import midi_bytes, musicxml

PIECES = (
    ("ABA", "C major", "4/4"), ("rondo", "f# minor", "2/4"), ("theme-variation", "Eb major", "6/8"),
    ("sonata", "a minor", "3/4"), ("minuet-trio", "Db major", "3/4"), ("binary", "g minor", "12/8"),
    ("rounded-binary", "B major", "2/2"), ("binary", "d# minor", "9/8"), ("ABA", "ab minor", "3/8"),
)  # fmt: skip
ALL = pytest.mark.parametrize("number", range(len(PIECES)), ids=[" ".join(piece) for piece in PIECES])


@cache
def composed(number: int) -> tuple[MusicStructure, Score]:
    form, key, meter = PIECES[number]
    piece = compose(Request(form=form, key=key, time_signature=meter, duration=40, seed=number))  # type: ignore[arg-type]
    return piece, realize(piece)


def tune_of(score: Score) -> list[tuple[int, int, int]]:
    """Onset, length and pitch class of the tune's notes (it may come to lie in another octave)."""
    lead = score.voice == 0
    columns = (score.onset[lead], score.duration[lead], score.midi[lead] % 12)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def read_back(name: str, data: bytes) -> MusicStructure:
    (piece,) = read_any(name, data)
    assert piece.structure is not None
    assert agrees(piece.structure)
    return piece.structure


@ALL
def test_musicxml_comes_back_as_the_same_music(number: int) -> None:
    piece, score = composed(number)
    back = read_back("x.musicxml", musicxml(score))
    assert (back.key, back.time_signature, back.measures) == (piece.key, piece.time_signature, piece.measures)
    assert back.tempo == pytest.approx(piece.tempo, abs=0.01)
    assert tune_of(realize(back)) == tune_of(score)
    keys = [section.key for section in piece.sections for _ in range(section.measures)]
    assert [section.key for section in back.sections for _ in range(section.measures)] == keys


@ALL
def test_midi_comes_back_as_the_same_music(number: int) -> None:
    piece, score = composed(number)
    back = read_back("x.mid", midi_bytes(perform(score, seed=number)))
    assert (back.key, back.time_signature, back.measures) == (piece.key, piece.time_signature, piece.measures)
    assert back.tempo == pytest.approx(piece.tempo, rel=0.06)
    assert tune_of(realize(back)) == tune_of(score)
    # "A (2)" is an A that has been divided.
    names = [section.name for section in back.sections if not re.search(r" \(\d+\)$", section.name)]
    assert names == [section.name for section in piece.sections]


def test_a_piece_that_was_imported_and_exported_is_read_the_same_again() -> None:
    _, score = composed(0)
    once = read_back("x.musicxml", musicxml(score))
    again = read_back("x.musicxml", musicxml(realize(once)))
    assert (again.key, again.measures) == (once.key, once.measures)
    assert tune_of(realize(again)) == tune_of(realize(once))
