"""The summary of a run is worked out once, kept, and made again where more has ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from loopback import Loopback
from sqlalchemy import update
from studio import settings_of

from tests.core.experiments.kept import add_results, kept_run, now_of
from tests.core.experiments.reports.planted import METRICS, results
from tests.core.experiments.running import a_specification
from tests.fresh import fresh
from workbench.core.errors import InvalidInputError
from workbench.core.experiments import overviews, runs
from workbench.core.experiments.metrics import SetMetric, metrics_named
from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.overviews import Overviews, current_overview, make_overview, make_ready, overview
from workbench.core.experiments.reports.summary import summary
from workbench.core.experiments.runner import Runs
from workbench.core.experiments.runs import Run
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.experiment_tables import OverviewRow
from workbench.core.settings import Settings

NAMES = (*METRICS, "distinct")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = fresh(tmp_path_factory.mktemp("overviews") / "workbench.sqlite3")
    load_built_in(made, load_examples())
    yield made
    made.close()


@pytest.fixture
def run(database: Database) -> Run:
    return kept_run(database, results(12), metrics=NAMES)


def test_an_overview_is_the_summary_of_the_results(database: Database, run: Run) -> None:
    assert overview(database, run) is None
    made = make_overview(database, run)
    told = summary(list(runs.results(database, run.id)), NAMES)
    assert made.summary.to_dict() == told.to_dict()
    assert made.done == run.done == 36
    kept = overview(database, run)
    assert kept is not None
    assert (kept.summary, kept.done, kept.made_at) == (made.summary, made.done, made.made_at)
    assert overview(database, run, "base") is None
    against = make_overview(database, run, "base").summary
    assert {each.a for each in against.comparisons} == {"base"}
    assert overview(database, run) == kept


def test_only_the_samples_that_metrics_of_sets_look_at_are_read(
    database: Database, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def counted(*given: Any, **filters: Any) -> Any:
        asked.append(filters["position"])
        return runs.results(*given, **filters)

    monkeypatch.setattr(overviews, "results", counted)
    make_overview(database, run)
    assert [len(each) for each in asked] == [36]  # few enough that all are looked at
    plain = kept_run(database, results(4), metrics=METRICS)
    make_overview(database, plain)
    assert len(asked) == 1


def test_what_cannot_be_told_of_is_refused(database: Database, run: Run) -> None:
    with pytest.raises(InvalidInputError, match="no variant"):
        make_overview(database, run, "nobody")
    with pytest.raises(InvalidInputError, match="no result yet"):
        make_overview(database, kept_run(database, [], cells=3, state="paused"))


def test_a_kept_overview_serves_until_more_has_ended(database: Database) -> None:
    planted = results(6)
    run = kept_run(database, planted[:9], metrics=METRICS, cells=len(planted), state="paused")
    first = current_overview(database, run)
    assert current_overview(database, run) == first
    runs.claim(database, run.id, "ada")
    more = add_results(database, run, planted[9:])
    old = overview(database, more)
    assert old is not None
    assert old.done == 9 < more.done
    assert current_overview(database, more).done == 18
    make_ready(database, more)  # it goes on
    runs.let_go(database, run.id, "ada", "done")


def test_one_that_another_version_kept_is_made_again(database: Database, run: Run) -> None:
    make_overview(database, run)
    with database.writing() as session:
        session.execute(update(OverviewRow).where(OverviewRow.run_id == run.id).values(data=b"{}"))
    assert overview(database, run) is None
    assert current_overview(database, run).done == run.done


def test_pages_have_it_made_beside_them_once(database: Database, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    go = threading.Event()

    def counted(*given: Any) -> Any:
        made.append(given[1].id)
        assert go.wait(30)
        return make_overview(*given)

    monkeypatch.setattr(overviews, "make_overview", counted)
    beside = Overviews(Settings(), database)
    assert beside.wanted(run) is None
    assert beside.wanted(run) is None
    assert beside.busy(run)
    assert not beside.busy(run, "base")
    go.set()
    beside.wait()
    found = beside.wanted(run)
    assert found is not None
    assert (found.done, made, beside.busy(run)) == (run.done, [run.id], False)


def test_what_cannot_be_made_is_not_tried_again_and_again(database: Database, run: Run) -> None:
    beside = Overviews(Settings(), database)
    for _ in range(2):
        assert beside.wanted(run, "nobody") is None
        beside.wait()
    assert not beside.busy(run, "nobody")


def test_of_a_run_that_goes_on_it_is_not_made_all_the_time(database: Database) -> None:
    planted = results(4)
    run = kept_run(database, planted[:6], metrics=METRICS, cells=len(planted), state="paused")
    beside = Overviews(Settings(), database)
    runs.claim(database, run.id, "ada")
    assert beside.wanted(now_of(database, run)) is None
    beside.wait()
    more = add_results(database, run, planted[6:])
    old = beside.wanted(more)
    assert old is not None
    assert (old.done, beside.busy(more)) == (6, False)
    runs.let_go(database, run.id, "ada", "done")
    beside.wanted(now_of(database, run))
    beside.wait()
    new = beside.wanted(now_of(database, run))
    assert new is not None
    assert new.done == 12
    runs.forget_here(run.id)


def test_metrics_of_sets_see_what_a_model_was_trained_on(
    database: Database, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look(samples: Any, context: Context) -> float:
        seen.append(len(context.training))
        return float(len(samples))

    own = SetMetric("own-set", "number", "", "", "own", "Own", "Own.", "here", look)
    monkeypatch.setattr(overviews, "metrics_named", lambda names: (*metrics_named(names), own))
    trained = tuple((str(at), Context().fingerprint(load_examples()[at].structure)) for at in range(3))
    monkeypatch.setattr(overviews, "training_of", lambda _, variant: trained if variant.name == "tuned" else ())
    make_overview(database, replace(run))
    assert set(seen) == {0, 3}


# A run that ends --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(size=1_000) as server:
        yield server


def test_a_run_that_ends_beside_the_pages_is_ready_to_be_shown(server: Loopback, database: Database) -> None:
    beside = Runs(settings_of(server), database, processes=0)
    rules = [{"name": "rules", "provider": "rules"}]
    run = beside.begin(a_specification(variants=rules), curator="ada")
    beside.wait(run.id, 60)
    ended = now_of(database, run)
    assert ended.state == "done"
    found = overview(database, ended)
    assert found is not None
    assert found.done == 3


@pytest.mark.parametrize(("what", "state"), [("pause", "paused"), ("stop", "stopped")])
def test_a_run_that_is_only_about_to_go_on_heeds_a_wish(
    server: Loopback, database: Database, monkeypatch: pytest.MonkeyPatch, what: str, state: str
) -> None:
    wished = threading.Event()
    claim = runs.claim

    def late(*given: Any, **more: Any) -> Run:
        assert wished.wait(30)
        return claim(*given, **more)

    monkeypatch.setattr(runs, "claim", late)
    beside = Runs(settings_of(server), database, processes=0)
    run = beside.begin(a_specification(), curator="ada")
    getattr(beside, what)(run.id)
    wished.set()
    beside.wait(run.id, 60)
    ended = now_of(database, run)
    assert (ended.state, ended.done) == (state, 0)
    monkeypatch.setattr(runs, "claim", claim)
    beside.resume(run.id)
    beside.wait(run.id, 60)
    assert now_of(database, run).state == "done"
