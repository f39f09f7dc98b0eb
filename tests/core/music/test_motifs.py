"""What can be done to a motif."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.music.degrees import MAX_DEGREE, parse_degree
from workbench.core.music.motifs import TRANSFORMATIONS, MotifCell, transform

degrees = st.integers(-MAX_DEGREE, MAX_DEGREE) | st.sampled_from(["#4", "b7", "#-1", "b6", "##21", "bb-21"])
cells = st.lists(st.tuples(degrees, st.sampled_from([0.25, 0.5, 1.0, 1.5])), min_size=1, max_size=12).map(
    lambda notes: MotifCell(tuple(degree for degree, _ in notes), tuple(length for _, length in notes))
)
CELL = MotifCell((5, 4, 0, 3, 1), (1, 0.5, 0.5, 1, 1))


@pytest.mark.parametrize(
    ("name", "degrees_", "rhythm"),
    [
        ("theme", (5, 4, 0, 3, 1), (1, 0.5, 0.5, 1, 1)),
        ("sequence-up", (6, 5, 0, 4, 2), (1, 0.5, 0.5, 1, 1)),
        ("sequence-down", (4, 3, 0, 2, -1), (1, 0.5, 0.5, 1, 1)),
        ("inversion", (5, 6, 0, 7, 9), (1, 0.5, 0.5, 1, 1)),
        ("retrograde", (1, 3, 0, 4, 5), (1, 1, 0.5, 0.5, 1)),
        ("augmentation", (5, 4, 0, 3, 1), (2, 1, 1, 2, 2)),
        ("diminution", (5, 4, 0, 3, 1), (0.5, 0.25, 0.25, 0.5, 0.5)),
        ("fragmentation", (5, 4, 0), (1, 0.5, 0.5)),
        ("unheard-of", (5, 4, 0, 3, 1), (1, 0.5, 0.5, 1, 1)),
    ],
)
def test_each_transformation(name: str, degrees_: tuple[int, ...], rhythm: tuple[float, ...]) -> None:
    assert transform(CELL, name) == (degrees_, rhythm)


def test_alterations_are_carried_and_mirrored() -> None:
    cell = MotifCell((1, "#4", 5), (1, 1, 1))
    assert transform(cell, "sequence-up").degrees == (2, "#5", 6)
    assert transform(cell, "inversion").degrees == (1, "b-3", -4)


@given(cells, st.sampled_from(TRANSFORMATIONS), st.integers(1, 7))
def test_every_transformation_gives_a_motif_that_can_be_read(cell: MotifCell, name: str, steps: int) -> None:
    result = transform(cell, name, steps=steps)
    assert len(result.degrees) == len(result.rhythm) >= 1
    for degree in result.degrees:
        parse_degree(degree)


@given(cells)
def test_a_retrograde_twice_is_the_motif(cell: MotifCell) -> None:
    assert transform(transform(cell, "retrograde"), "retrograde") == cell
    assert transform(transform(cell, "augmentation"), "diminution") == cell


@given(cells)
def test_rests_stay_rests(cell: MotifCell) -> None:
    for name in ("sequence-up", "sequence-down", "inversion"):
        assert [degree == 0 for degree in transform(cell, name).degrees] == [degree == 0 for degree in cell.degrees]
