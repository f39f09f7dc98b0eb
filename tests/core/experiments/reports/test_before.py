"""A run against one before it: what was planted is found, and what is asked otherwise is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.core.experiments.kept import add_results, now_of
from tests.core.experiments.reports.planted import VARIANTS, results
from tests.fresh import fresh
from workbench.core.errors import InvalidInputError
from workbench.core.experiments import runs
from workbench.core.experiments.reports.before import BeforeAfter, before_after
from workbench.core.experiments.reports.changed import changes
from workbench.core.experiments.requests import expand
from workbench.core.experiments.results import Result
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.database import Database

REQUESTS = 60


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = fresh(tmp_path_factory.mktemp("before") / "workbench.sqlite3")
    yield made
    made.close()


def kept(
    database: Database, found: list[Result], *, first: int = 0, settled: dict[str, Any] | None = None, **more: Any
) -> Run:
    """A run of these results, whose requests ``rN`` last N seconds more, from ``first`` on."""
    names = dict.fromkeys(each.variant for each in found)
    listed = [{"id": f"r{at}", "duration": 20 + at} for at in range(first, first + REQUESTS)]
    specification = read_specification(
        {
            "name": "steps", "requests": {"list": listed},
            "variants": [{"name": each, "provider": "rules"} for each in names],
        } | more
    )  # fmt: skip
    run = runs.begin(
        database, specification, expand(specification), curator="ada", cells=len(found), settled=settled
    )  # fmt: skip
    runs.claim(database, run.id, "ada")
    add_results(database, run, found)
    runs.let_go(database, run.id, "ada", "done")
    runs.forget_here(run.id)
    return now_of(database, run)


def moved(found: list[Result], *, seconds: float = 0.0, first: int = 0, seed: int = 0) -> list[Result]:
    """The same answers, of ``tuned`` so many seconds later, under the keys from ``first`` on."""
    return [
        replace(
            each, request=f"r{first + int(each.request[1:])}", seed=seed,
            values={
                **each.values, "latency": float(each.values["latency"] or 0) + seconds * (each.variant == "tuned"),
            },
        )
        for each in found
    ]  # fmt: skip


@pytest.fixture(scope="module")
def first(database: Database) -> Run:
    return kept(database, results(REQUESTS))


@pytest.fixture(scope="module")
def slower(database: Database, first: Run) -> tuple[Run, BeforeAfter]:
    assert first.done
    run = kept(database, moved(results(REQUESTS), seconds=1.0))
    return run, before_after(database, run, first)


def test_what_got_worse_is_found_by_its_size_and_nothing_else_is(slower: tuple[Run, BeforeAfter]) -> None:
    _, told = slower
    assert (told.shared, told.only_now, told.only_before) == (REQUESTS, 0, 0)
    assert set(told.variants) == set(VARIANTS)
    found = [each for each in told.changes if each.comparison.found]
    assert [(each.variant, each.comparison.measure.name) for each in found] == [("tuned", "latency")]
    assert found[0].comparison.verdict == "worse"
    assert found[0].comparison.difference.value == pytest.approx(1.0)
    assert found[0].mark.words == f"worse than {told.before}"
    assert told.findings[0].startswith(f"Latency, tuned: {told.before} is better: 1.0")
    assert "1 worse" in told.lead
    assert told.family == len(told.changes) == 12, "three variants by four metrics are corrected together"


def test_a_request_is_the_same_by_what_it_asks_for(database: Database, first: Run) -> None:
    # r10 … r69 of this run are asked under the same words as before; the keys of a list are anybody's.
    run = kept(database, moved(results(REQUESTS), first=10), first=10)
    told = before_after(database, run, first, ["latency"])
    assert (told.shared, told.only_now, told.only_before) == (REQUESTS - 10, 10, 10)
    other = kept(database, moved(results(REQUESTS)), requests={
        "list": [{"id": f"r{at}", "duration": 200 + at} for at in range(REQUESTS)]
    })  # fmt: skip
    with pytest.raises(InvalidInputError, match="share no request"):
        before_after(database, other, first)


def test_other_seeds_are_told(database: Database, first: Run) -> None:
    run = kept(database, moved(results(REQUESTS), seed=7), seeds=[7])
    told = before_after(database, run, first, ["latency"])
    assert told.shared == REQUESTS
    assert "no seed in common" in told.notes[0]
    assert told.changed == ("Seeds: 0 → 7.",)
    more = [
        replace(each, position=each.position + 1000, cell=f"x{each.cell[1:]}")
        for each in moved(results(REQUESTS), seed=7)
    ]  # fmt: skip
    both = kept(database, [*results(REQUESTS), *more], seeds=[0, 7])
    told = before_after(database, both, first, ["latency"])
    assert told.notes == ("Only seeds in both are compared: 0.",)
    assert all(each.comparison.of_b.values == REQUESTS for each in told.changes)
    assert not any(each.comparison.found for each in told.changes)


def test_what_is_asked_otherwise_is_told_in_words(database: Database, first: Run) -> None:
    run = kept(
        database, moved(results(REQUESTS)), settled={"variants": {"base": "x"}, "library": 3},
        variants=[
            {"name": "tuned", "provider": "adapt", "editor": True}, {"name": "base", "provider": "rules"},
            {"name": "another", "provider": "rules"},
        ],
        metrics=["latency"],
    )  # fmt: skip
    told = changes(run, first)
    assert told[:2] == ("New variant: another.", "Gone variant: same.")
    assert "tuned: provider rules → adapt, editor no → yes." in told
    assert "Metrics: all → latency." in told
    assert not any(each.startswith("base") for each in told), "how it was settled before is not known"
    again = kept(database, results(REQUESTS), settled={"variants": {"base": "y"}, "library": 4})
    said = changes(again, kept(database, results(REQUESTS), settled={"variants": {"base": "x"}, "library": 3}))
    assert said == (
        "base: the model, the template or the settings behind it are others now.",
        "The library has changed: other examples may be shown or adapted.",
    )


def test_what_cannot_be_compared_is_refused(database: Database, first: Run) -> None:
    with pytest.raises(InvalidInputError, match="not compared with itself"):
        before_after(database, first, first)
    strange = kept(database, [replace(each, variant=f"{each.variant} 2") for each in results(REQUESTS)])
    with pytest.raises(InvalidInputError, match="share no variant"):
        before_after(database, strange, first)
    empty = kept(database, [], variants=[{"name": "base", "provider": "rules"}])
    with pytest.raises(InvalidInputError, match="no result yet"):
        before_after(database, empty, first)
    assert before_after(database, kept(database, results(REQUESTS)), first, ["nothing"]).lead == (
        "Nothing can be compared."
    )


def test_it_is_plain_json(slower: tuple[Run, BeforeAfter]) -> None:
    told = json.loads(json.dumps(slower[1].to_dict()))
    assert told["lead"] == slower[1].lead
    assert told["changes"][0]["comparison"]["words"]
