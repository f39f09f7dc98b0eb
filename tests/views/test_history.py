"""What differs between two takes, in a musician's words."""

from __future__ import annotations

import pytest

from workbench.core.compose import compose
from workbench.core.compose.edits import transpose, with_cadence
from workbench.core.music.differences import Difference, differences
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.history import UNTOLD, difference_line


def named(*names: str) -> MusicStructure:
    """A piece whose sections are called so."""
    made = compose(Request(duration=30, form="binary"), seed=1)
    sections = [section.model_copy(update={"name": name}) for section, name in zip(made.sections, names, strict=False)]
    return made.model_copy(update={"sections": tuple(sections)})


BEFORE, AFTER = named("A", "Bridge"), named("A", "Coda")
TUNE = "/sections/0/phrases/1/melody/degrees/3"


@pytest.fixture(scope="module")
def piece() -> MusicStructure:
    return compose(Request(duration=40, form="ABA", key="G major"), seed=3)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Difference("/tempo", "tempo", 96.0, 78.5), "Tempo: 96 → 78.5"),
        (Difference("/timeSignature", "meter", "3/4", "3/8"), "Meter: 3/4 → 3/8"),
        (Difference("/sections/0/key", "key", "G major", "e minor"), "A, key: G major → e minor"),
        (Difference("/sections/1", "section-removed", "Bridge", None, (9, 12)), "Bridge is gone"),
        (Difference("/sections/1", "section-added", None, "Coda", (9, 12)), "Coda is new"),
        (Difference("/sections/0/phrases/1", "phrase-added", None, "b continuation"), "A, phrase 2 is new"),
        (
            Difference("/sections/0/phrases/0/chords/2", "chords", ("I6", "V43"), ("ii6",), (2, 3)),
            "A, phrase 1, chord 3: I6 V43 → ii6",
        ),
        (
            Difference(TUNE, "tune", ((1, 0.5), ("#4", 0.5)), ((5, 1.0),), (3, 4)),
            "A, phrase 2, bars 3–4: 1 #4 → 5",
        ),
        (Difference(TUNE, "tune", ((1, 1.0),), ((1, 0.5),), (3, 3)), "A, phrase 2, bar 3: lengths 1 → lengths 0.5"),
        (Difference(TUNE, "tune", None, ((5, 1.0), (3, 1.0)), (3, 4)), "A, phrase 2, bars 3–4: nothing → 5 3"),
        (
            Difference("/sections/0/melody/motifs/0", "motif", {"degrees": [1, 2], "rhythm": [1, 1]}, None),
            "A, motif 1: 1 2 → nothing",
        ),
        (
            Difference(
                "/sections/0/phrases/0/motif", "motif", {"ref": "m1"}, {"ref": "m1", "transformation": "inversion"}
            ),
            "A, phrase 1, motif: m1 → m1 inversion",
        ),
    ],
    ids=lambda each: str(each)[:30],
)  # fmt: skip
def test_a_difference_in_words(found: Difference, words: str) -> None:
    assert difference_line(found, BEFORE, AFTER).replace("\\", "") == words


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_difference_between_two_pieces_is_short_and_free_of_json(piece: MusicStructure, seed: int) -> None:
    other = compose(Request(duration=20 + 15 * seed, form=("rondo", "ABA", "sonata")[seed % 3]), seed=seed)
    for one, two in ((piece, other), (other, piece)):
        for found in differences(one, two):
            if found.kind not in UNTOLD | {"humanization"}:
                words = difference_line(found, one, two)
                assert len(words) < 220
                assert not set(words) & set('{}"'), words


def test_what_one_change_does_is_told_in_few_lines(piece: MusicStructure) -> None:
    changed = with_cadence(piece, 0, "DC")
    lines = [difference_line(each, piece, changed) for each in differences(piece, changed)]
    assert any("cadence: " in line and line.endswith("→ DC") for line in lines)
    assert len(lines) <= 6
    moved = transpose(piece, "Bb major")
    lines = [difference_line(each, piece, moved) for each in differences(piece, moved)]
    assert "Key: G major → Bb major" in lines
