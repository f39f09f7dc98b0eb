"""The coverage map counts what is there, names what is not, and asks for what would fill it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from workbench.core.compose import compose
from workbench.core.library.coverage import MOODS, Cell, cell_of, coverage
from workbench.core.library.examples import Example, load_examples
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request

SHIPPED = load_examples()
CELLS = len(FORM_IDS) * len(PERIODS) * 9


def example(id: str, **changes: Any) -> Example:
    """A joyful classical rondo, but for what is changed."""
    base = SHIPPED[0]
    request = base.request.model_copy(update={"valence": 0.8, "arousal": 0.9, "period": None})
    request = request.model_copy(update={name: changes[name] for name in ("valence", "arousal") if name in changes})
    form, period = changes.get("form", "rondo"), changes.get("period", "classical")
    return replace(
        base, id=id, request=request, structure=base.structure.model_copy(update={"form": form, "period": period})
    )


def test_every_example_is_counted_once() -> None:
    found = coverage(SHIPPED)
    assert found.total == len(SHIPPED)
    ids = [id for held in found.cells.values() for id in held.ids]
    assert sorted([*ids, *found.outside]) == sorted(example.id for example in SHIPPED)
    assert len(found.cells) == CELLS


def test_an_example_lies_where_its_form_period_and_mood_are() -> None:
    found = coverage([example("a"), example("b"), example("c", form="sonata", valence=-0.8)])
    assert found.cells[Cell("rondo", "classical", "joyful")].ids == ("a", "b")
    assert found.cells[Cell("sonata", "classical", "agitated")].count == 1
    assert sum(held.count for held in found.cells.values()) == 3


def test_forms_periods_and_moods_can_be_counted_by_themselves() -> None:
    found = coverage([example("a"), example("b", period="modern"), example("c", form="sonata", arousal=0.1)])
    assert found.held(form="rondo").ids == ("a", "b")
    assert found.held(period="classical").ids == ("a", "c")
    assert found.held(mood="serene").ids == ("c",)
    assert found.held(form="rondo", mood="joyful", period="modern").count == 1
    assert found.held().count == 3


def test_the_period_is_the_structure_s_or_else_the_request_s() -> None:
    plain = example("a", period=None)
    asked = replace(plain, request=plain.request.model_copy(update={"period": "baroque"}))
    assert cell_of(asked).period == "baroque"
    assert coverage([plain]).outside == ("a",)


def test_what_has_no_place_in_the_map_is_told() -> None:
    found = coverage([example("a", form="fugue"), example("b")])
    assert found.outside == ("a",)
    assert found.total == 2


def test_quality_is_the_mean_of_the_findings() -> None:
    found = coverage([example("a"), example("b"), example("c", form="ABA")], {"a": 2, "b": 5, "gone": 90})
    assert found.cells[Cell("rondo", "classical", "joyful")].findings == 3.5
    assert found.cells[Cell("ABA", "classical", "joyful")].findings is None
    assert found.held(period="classical").findings == 3.5
    assert found.quality == 3.5
    assert coverage([example("a")]).quality is None


def test_an_empty_library_is_one_hole() -> None:
    found = coverage([])
    assert found.filled == 0
    assert len(found.holes) == CELLS
    assert all(hole.distance is None for hole in found.holes)


def test_a_filled_cell_is_no_hole() -> None:
    found = coverage([example("a")])
    assert len(found.holes) == CELLS - 1
    assert found.filled == pytest.approx(1 / CELLS)
    assert Cell("rondo", "classical", "joyful") not in [hole.cell for hole in found.holes]


def test_holes_come_the_emptiest_corner_first() -> None:
    library = [
        example(f"{form}-{period}", form=form, period=period)
        for form in FORM_IDS
        for period in PERIODS
        if (form, period) != ("sonata", "romantic")
    ]
    holes = coverage(library).holes
    assert {(hole.cell.form, hole.cell.period) for hole in holes[:9]} == {("sonata", "romantic")}
    assert holes[8].cell.mood == "joyful", "of which there is most"
    assert [hole.distance for hole in holes[9:]] == sorted((hole.distance or 0 for hole in holes[9:]), reverse=True)
    assert holes[9].distance == 2
    assert holes[-1].distance == 1


def test_holes_are_told_in_words() -> None:
    holes = {hole.cell: hole.words for hole in coverage([example("a")]).holes}
    assert holes[Cell("rondo", "classical", "excited")] == (
        "There is no excited rondo, classical: the next mood is there."
    )
    assert holes[Cell("rondo", "classical", "melancholic")].endswith("none of a mood near it.")
    assert holes[Cell("ABA", "baroque", "calm")] == ("There is no calm ternary, baroque: none of this form and period.")


@pytest.mark.parametrize("form", FORM_IDS)
@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("mood", MOODS)
def test_the_request_for_a_hole_falls_into_it(form: str, period: str, mood: str) -> None:
    request = Cell(form, period, mood).request
    assert (request.form, request.period) == (form, period)
    assert mood_word(request.valence, request.arousal) == mood
    assert Request.model_validate(request.to_dict()) == request


def test_a_piece_for_a_hole_fills_it() -> None:
    hole = coverage(SHIPPED).holes[0]
    piece = replace(SHIPPED[0], id="new", request=hole.cell.request, structure=compose(hole.cell.request))
    after = coverage([*SHIPPED, piece])
    assert after.cells[hole.cell].ids == ("new",)
    assert len(after.holes) == len(coverage(SHIPPED).holes) - 1


def test_the_nine_words_are_those_of_the_plane() -> None:
    assert len(set(MOODS)) == 9
    assert MOODS[0] == mood_word(-1, 1)
    assert MOODS[-1] == mood_word(1, 0)


def test_the_map_can_be_written_as_json() -> None:
    data = json.loads(json.dumps(coverage([example("a")], {"a": 1}).to_dict()))
    assert data["cells"] == [
        {"form": "rondo", "period": "classical", "mood": "joyful", "count": 1, "ids": ["a"], "findings": 1}
    ]
    assert len(data["holes"]) == CELLS - 1
    assert data["holes"][0]["request"]["form"]
    assert (data["total"], data["findings"], data["outside"]) == (1, 1, [])
