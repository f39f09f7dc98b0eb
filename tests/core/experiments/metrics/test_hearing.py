"""Cadences, chords and keys are heard in the notes, whatever numerals and tags say."""

from __future__ import annotations

import pytest

from tests.core.experiments.metrics.pieces import phrase_of
from workbench.core.compose import realize
from workbench.core.experiments.metrics.hearing import Hearing
from workbench.core.music.keys import parse_key

MAJOR = [
    (["I", "IV", "V7", "I"], [3, 4, 2, 1], {"PAC"}),
    (["I", "IV", "V7", "I"], [3, 4, 2, 3], {"IAC"}),
    (["I", "IV", "V65", "I"], [3, 4, 2, 1], {"IAC"}),
    (["I", "IV", "viio6", "I"], [3, 4, 2, 1], {"IAC"}),
    (["I", "V7", "I", "I6"], [3, 2, 1, 1], {"PAC"}),
    (["I", "IV", "V7", "I6"], [3, 4, 2, 1], {"IAC", "DC"}),
    (["I", "IV", "I", "V"], [3, 4, 3, 2], {"HC"}),
    (["I", "IV", "I", "V6"], [3, 4, 3, 2], set()),
    (["I", "IV", "V7", "vi"], [3, 4, 2, 1], {"DC"}),
    (["I", "V7", "IV", "I"], [3, 2, 4, 3], {"PC"}),
    (["I", "V7", "ii", "I"], [3, 2, 4, 3], {"PC"}),
    (["I", "IV", "V/V", "I"], [3, 4, "#4", 1], set()),
    (["I", "vi", "iii", "I"], [3, 1, 3, 1], set()),
    (["I", "V7", "I", "IV"], [3, 2, 3, 4], set()),
]
MINOR = [
    (["i", "iv", "V7", "i"], [3, 4, 2, 1], {"PAC"}),
    (["i", "iv", "V7", "I"], [3, 4, 2, 1], {"PICARDY"}),
    (["i", "iv", "v", "i"], [3, 4, 2, 1], set()),
    (["i", "iv6", "i", "V"], [3, 4, 3, 2], {"HC"}),
    (["i", "iv", "i", "v"], [3, 4, 3, 2], set()),
    (["i", "iv", "V", "VI"], [3, 4, 2, 1], {"DC"}),
]


def heard(chords: list[str], tune: list[object], key: str, texture: str) -> set[str]:
    score = realize(phrase_of(chords, tune, key=key, texture=texture))
    return set(Hearing(score).cadences(0, score.length, parse_key(key)))


@pytest.mark.parametrize("texture", ["chorale", "alberti", "broken-chord", "nocturne"])
@pytest.mark.parametrize("key", ["C major", "Cb major", "F# major"])
@pytest.mark.parametrize(
    ("chords", "tune", "expected"),
    MAJOR,
    ids=lambda value: "-".join(sorted(value) if isinstance(value, set) else map(str, value)),
)
def test_cadences_in_major(chords: list[str], tune: list[object], expected: set[str], key: str, texture: str) -> None:
    assert heard(chords, tune, key, texture) == expected


@pytest.mark.parametrize("texture", ["chorale", "alberti", "homophonic"])
@pytest.mark.parametrize("key", ["a minor", "ab minor", "a# minor"])
@pytest.mark.parametrize(
    ("chords", "tune", "expected"),
    MINOR,
    ids=lambda value: "-".join(sorted(value) if isinstance(value, set) else map(str, value)),
)
def test_cadences_in_minor(chords: list[str], tune: list[object], expected: set[str], key: str, texture: str) -> None:
    assert heard(chords, tune, key, texture) == expected


def test_a_tune_that_comes_to_1_over_the_last_bass_may_be_heard_either_way() -> None:
    structure = phrase_of(["I", "IV", "V7", "I"], [3, 4, 2, 3, 1], rhythm=[4, 4, 4, 1, 3])
    score = realize(structure)
    assert Hearing(score).cadences(0, score.length, parse_key("C major")) == {"PAC", "IAC"}


def test_a_phrase_of_one_bar_looks_back_for_its_dominant() -> None:
    score = realize(phrase_of(["I", "IV", "V7", "I"], [3, 4, 2, 1]))
    bar = score.meter.bar
    assert Hearing(score).cadences(3 * bar, 4 * bar, parse_key("C major")) == {"PAC"}


def test_the_same_close_is_none_in_another_key() -> None:
    score = realize(phrase_of(["I", "IV", "V7", "I"], [3, 4, 2, 1]))
    assert Hearing(score).cadences(0, score.length, parse_key("A major")) == frozenset()
    assert Hearing(score).cadences(0, score.length, parse_key("F major")) == {"HC"}


def test_chords_are_heard_as_they_are_written() -> None:
    figures = ["I", "ii", "V7", "vi", "IV", "viio6", "V65", "I"]
    score = realize(phrase_of(figures, [3, 4, 4, 3, 4, 4, 2, 1], texture="chorale"))
    hearing = Hearing(score)
    assert [hearing.chord(span)[0] for span in range(8)] == [0, 2, 7, 9, 5, 11, 7, 0]
    assert [hearing.chord(span)[1] for span in range(8)] == [
        "major", "minor", "dominant", "minor", "major", "diminished", "dominant", "major",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["C major", "F# major", "a minor", "eb minor"])
def test_a_key_is_heard(name: str) -> None:
    key = parse_key(name)
    figures = ["i", "iv", "V7", "i"] if key.is_minor else ["I", "IV", "V7", "I"]
    score = realize(phrase_of(figures, [3, 4, 2, 1], key=name))
    assert Hearing(score).key(0, score.length) == (key.pitch_class, key.is_minor)
