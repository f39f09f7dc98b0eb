"""Pointers and values in a musician's words."""

from __future__ import annotations

import pytest

from workbench.views.places import place_words, value_at, value_words

DATA = {"sections": [{"name": "Minuet", "phrases": [{"chords": ["I", "V"]}, {"melody": {"degrees": [1, "#4"]}}]}]}


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("", "the text"),
        ("/timeSignature", "meter"),
        ("/sections/0/phrases/0/chords/1", "Minuet, phrase 1, chord 2"),
        ("/sections/0/phrases/1/melody/degrees/1", "Minuet, phrase 2, note 2"),
        ("/sections/0/chordProgression", "Minuet, chords"),
        ("/sections/7/cadence", "section 8, cadence"),
        ("/leitmotifs/0/tag", "leitmotif 1, tag"),
        ("/humanize/peakBoost", "humanize, peak"),
    ],
)
def test_a_pointer_in_words(pointer: str, words: str) -> None:
    assert place_words(DATA, pointer) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "nothing"), (["I", "V7"], "I V7"), ([1.0, 0.5], "1 0.5"), ("vii", "vii"), (96, "96"), ({}, "{}")],
)
def test_a_value_in_words(value: object, words: str) -> None:
    assert value_words(value) == words
    assert len(value_words("x" * 500)) == 60


def test_the_value_at_a_pointer() -> None:
    assert value_at(DATA, "/sections/0/phrases/1/melody/degrees/1") == "#4"
    assert value_at(DATA, "/sections/9/name") is None
