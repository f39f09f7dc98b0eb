"""A board finds what the filters of results find, without reading a sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.core.experiments.kept import add_results, kept_run
from tests.core.experiments.metrics.pieces import REQUEST, changed, composed, sample_of
from tests.fresh import fresh
from workbench.core.errors import InvalidInputError
from workbench.core.experiments import boards, runs
from workbench.core.experiments.boards import Board, board
from workbench.core.experiments.elements import ELEMENTS, Element, signatures
from workbench.core.experiments.packing import packed, unpacked
from workbench.core.experiments.reports.filters import Choice, Filter, pairs_where, where
from workbench.core.experiments.results import Result
from workbench.core.experiments.samples import Sample
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import BoardRow
from workbench.core.music.structure import MusicStructure

VARIANTS = ("a", "b", "Größe")
METRICS = ("valid", "latency", "never")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = fresh(tmp_path_factory.mktemp("boards") / "workbench.sqlite3")
    yield made
    made.close()


def pieces() -> list[MusicStructure]:
    """A piece, and what comes of it when one thing is changed."""
    whole = composed(REQUEST.model_copy(update={"duration": 24.0})).structure
    assert whole is not None
    changes: list[Any] = [
        lambda data: data["sections"][0].update(cadence="HC"), lambda data: data.update(tempo=133.5),
        lambda data: data.update(title="STRASSE im Regen"), lambda data: data.update(timeSignature="3/4"),
        lambda data: data["sections"].pop(), lambda data: data["sections"][0].update(texture="none at all"),
    ]  # fmt: skip
    return [whole, *(changed(whole, each) for each in changes)]


def mixed(requests: int = 14, seed: int = 3) -> list[Result]:
    """Results of three variants: some without a piece, some without a value, some that are not there."""
    random, found = Random(seed), list[Result]()
    samples = [replace(sample_of(each), model=f"Model {at}") for at, each in enumerate(pieces())]
    gone: Sample = replace(samples[0], structure=None, report=None, outcome="", error="Timed OUT after 60 s")
    for position in range(requests * 2 * len(VARIANTS)):
        number, at = divmod(position, len(VARIANTS))
        sample = random.choice([*samples, gone])
        asked = sample.request.model_copy(update={"brief": random.choice([None, "Straße at dusk", "x"])})
        values: dict[str, Any] = {
            "valid": random.choice([True, False, None]), "latency": random.choice([None, 0.5, 1.0, 2.25]), "never": None
        }  # fmt: skip
        facets = {"form": random.choice(["ABA", "AB"]), "period": "classical", "mood": "", "mode": "major"}
        result = Result(
            position, f"{position:020x}", f"R{number // 2}", VARIANTS[at], number % 2, replace(sample, request=asked),
            values, facets | {"meter": "4/4"},
        )  # fmt: skip
        if random.random() < 0.9:
            found.append(result)
    return found


@pytest.fixture(scope="module", params=["traits", "from before"])
def both(request: pytest.FixtureRequest, database: Database) -> tuple[list[Result], Board]:
    run = kept_run(database, mixed(), traits=request.param == "traits")
    return list(runs.results(database, run.id)), board(database, run)


filters: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "a": st.sampled_from([*VARIANTS, "other"]), "b": st.sampled_from(VARIANTS),
        "element": st.sampled_from(get_args(Element)),
    },
    optional={
        "variants": st.lists(st.sampled_from([*VARIANTS, "other"]), max_size=2).map(tuple),
        "failed": st.booleans(), "outcomes": st.sampled_from([("first-try",), ("",), ("repaired", "first-try")]),
        "facets": st.dictionaries(
            st.sampled_from(["form", "mood", "nothing"]), st.sampled_from(["ABA", "", ["AB", ""]]), max_size=2
        ),
        "text": st.sampled_from(["r1", "STRASSE", "straße", "model 3", "timed out", " x ", "\x1f", "nobody"]),
        "metric": st.sampled_from([*METRICS, "unheard-of"]), "low": st.sampled_from([0.0, 0.5, 1.0]),
        "high": st.sampled_from([0.0, 1.0, 2.0]), "unknown": st.booleans(),
        "choice": st.sampled_from(get_args(Choice)), "better": st.sampled_from(["higher", "lower", ""]),
        "most": st.integers(0, 9),
    },
)  # fmt: skip


def told(find: Any) -> Any:
    """What is found, or what is said against it."""
    try:
        return find()
    except InvalidInputError as problem:
        return problem.message, problem.field


@given(asked=filters)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_board_finds_what_the_results_hold(both: tuple[list[Result], Board], asked: dict[str, Any]) -> None:
    results, found = both
    try:
        filter = Filter(**asked)
    except InvalidInputError:
        return
    the_same(results, found, filter)


def test_every_choice_of_pairs_finds_the_same(both: tuple[list[Result], Board]) -> None:
    results, found = both
    for a, b in permutations(VARIANTS, 2):
        for choice in ("", "only-a", "only-b", "worst", "best"):
            for metric in METRICS:
                the_same(results, found, Filter(a=a, b=b, choice=choice, metric=metric))  # type: ignore[arg-type]
        for element in get_args(Element):
            the_same(results, found, Filter(a=a, b=b, choice="differ", element=element))


def test_every_bound_of_values_finds_the_same(both: tuple[list[Result], Board]) -> None:
    for metric in METRICS:
        for low, high in product((None, 0.0, 0.5, 1.0), (None, 0.0, 1.0, 2.25)):
            the_same(*both, Filter(metric=metric, low=low, high=high))
        the_same(*both, Filter(metric=metric, unknown=True))


def the_same(results: list[Result], found: Board, filter: Filter) -> None:
    assert told(lambda: found.positions(filter)) == told(lambda: [each.position for each in where(results, filter)])
    pairs = told(lambda: [(each.request, each.seed, each.a, each.b, each.gap) for each in found.pairs(filter)])
    assert pairs == told(
        lambda: [
            (each.request, each.seed, each.a.position, each.b.position, each.gap)
            for each in pairs_where(results, filter)
        ]
    )


def test_pairs_that_differ_are_found_by_every_element(both: tuple[list[Result], Board]) -> None:
    results, found = both
    counts = {each: len(found.pairs(Filter(a="a", b="b", choice="differ", element=each))) for each in get_args(Element)}
    assert counts["form"] == 0 < min(counts[each] for each in ("cadences", "tempo", "meter", "sections", "texture"))
    assert all(results)


def test_a_board_says_what_its_cells_are(both: tuple[list[Result], Board]) -> None:
    results, found = both
    assert found.frame.index.tolist() == [each.position for each in results]
    assert found.metrics == ("latency", "never", "valid")
    assert set(found.variants) == set(VARIANTS)
    for (position, row), result in zip(found.frame.iterrows(), results, strict=True):
        assert (position, row["cell"], row["request"], row["seed"]) == (
            result.position, result.cell, result.request, result.seed
        )  # fmt: skip
        piece = result.sample.structure
        assert row["model"] == result.sample.model
        assert row["title"] == ((piece.title if piece else None) or "")
        assert {name: row[f"element:{name}"] for name in ELEMENTS} == (
            signatures(piece) if piece else dict.fromkeys(ELEMENTS, "")
        )
        assert (row["state"], row["fault"]) == (("done", "") if piece else ("failed", "http-500"))


def test_signatures_are_the_same_exactly_where_the_element_is() -> None:
    made = pieces()
    whole = {"tempo": 120, "title": "one"}
    made += [made[0].model_copy(update=whole), made[0].model_copy(update={**whole, "tempo": 120.0})]
    for one in made:
        for other in made:
            first, second = signatures(one), signatures(other)
            for name, part in ELEMENTS.items():
                assert (first[name] == second[name]) == (part(one) == part(other)), name


def test_a_board_grows_with_its_run_and_is_kept_when_that_rests(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = mixed(6)
    early, late = results[::2], results[1::2]
    run = kept_run(database, early, cells=len(results), state="paused")
    assert [len(board(database, run).frame), stored(database, run.id)] == [len(early), len(early)]
    runs.claim(database, run.id, "ada")
    grown = board(database, add_results(database, run, late))
    runs.let_go(database, run.id, "ada", "done")
    assert stored(database, run.id) == len(early)  # it goes on: nothing is kept yet
    whole = list(runs.results(database, run.id))
    asked = Filter(a="a", b="b", choice="worst", metric="latency")
    assert grown.pairs(asked) == board(database, grown.run).pairs(asked)
    assert grown.positions(Filter()) == [each.position for each in whole]
    boards.forget_boards()
    ended = runs.find_run(database, run.id)
    assert ended is not None
    assert board(database, ended).frame.equals(grown.frame)
    assert stored(database, run.id) == len(results)
    boards.forget_boards()
    monkeypatch.setattr(boards, "frame_of_run", None)  # what is kept is all that is read
    assert board(database, ended).frame.equals(grown.frame)


def test_a_board_that_is_kept_damaged_is_made_again(database: Database) -> None:
    run = kept_run(database, mixed(3))
    before = board(database, run).frame
    boards.forget_boards()
    with database.writing() as session:
        session.execute(update(BoardRow).where(BoardRow.run_id == run.id).values(data=b"no board"))
    assert board(database, run).frame.equals(before)


def test_a_run_of_nothing_has_an_empty_board(database: Database) -> None:
    run = kept_run(database, [], cells=5, state="paused")
    found = board(database, run)
    assert (len(found.frame), found.metrics, found.variants, found.positions(Filter())) == (0, (), (), [])
    assert found.positions(Filter(metric="valid")) == []
    with pytest.raises(InvalidInputError, match="no variant"):
        found.pairs(Filter(a="a", b="b"))


@given(st.binary(max_size=60))
def test_other_bytes_are_no_board(data: bytes) -> None:
    assert unpacked(data) is None


def test_a_packed_board_is_the_same_again(both: tuple[list[Result], Board]) -> None:
    frame = both[1].frame
    again = unpacked(packed(frame))
    assert again is not None
    assert again.equals(frame)
    assert unpacked(packed(frame)[:-9]) is None


def stored(database: Database, id: str) -> int | None:
    with database.reading() as session:
        return session.scalar(select(BoardRow.done).where(BoardRow.run_id == id))
