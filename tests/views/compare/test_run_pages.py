"""The list of runs, the form for a new one and how a run stands, as Streamlit draws them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from tests.core.experiments.kept import kept_run, now_of
from tests.core.experiments.reports.planted import results
from tests.core.experiments.small_split import a_version
from workbench.core.experiments.runner import Runs
from workbench.core.experiments.runs import Run, count_runs
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import RunRow
from workbench.core.settings import Settings
from workbench.views import engine
from workbench.views.compare import offering, standing

SPECIFICATION = {
    "name": "brought", "requests": {"grid": {"form": ["ABA"], "duration": [20, 25]}}, "seeds": [3, 4],
    "variants": [{"name": "one", "provider": "rules"}, {"name": "two", "provider": "adapt"}], "metrics": ["finished"],
}  # fmt: skip


def _page() -> None:
    import streamlit as st

    from workbench.core.experiments.runs import find_run
    from workbench.views.compare.new_run import new_run
    from workbench.views.compare.places import choose_tab, chosen_run, told
    from workbench.views.compare.run_list import run_list
    from workbench.views.compare.standing import standing
    from workbench.views.engine import database

    told()
    run = find_run(database(), chosen_run())
    if chosen_run() == "new":
        new_run()
    elif run is None:
        run_list()
    else:
        choose_tab()
        standing(run)
    st.session_state.shown = chosen_run()


@pytest.fixture
def own(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """The pages' database, and what runs there."""
    made = Runs(Settings.model_validate({"WORKBENCH_DATA_DIR": str(tmp_path)}), database, processes=0)
    monkeypatch.setattr(engine, "shared_database", lambda _: database)
    for each in (standing, offering):
        monkeypatch.setattr(each, "experiments", lambda: made)
    yield made
    for id in list(made._threads):
        made.wait(id, 30)


@pytest.fixture
def page(own: Runs) -> AppTest:
    del own
    return AppTest.from_function(_page, default_timeout=60)


def drawn(page: AppTest, address: str = "") -> AppTest:
    if address:
        page.query_params["run"] = address
    page.run()
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    return "\n".join(str(each.value) for each in (*page.markdown, *page.warning, *page.error))


def by_label(widgets: Any, label: str, at: int = 0) -> Any:
    return [each for each in widgets if each.label == label][at]


def pressed(page: AppTest, label: str, at: int = 0) -> AppTest:
    by_label(page.button, label, at).click().run()
    assert not page.exception
    return page


# --- the list --------------------------------------------------------------------------------------------------------


def test_where_there_is_no_run_it_is_said_what_to_do(page: AppTest) -> None:
    assert "There is none yet." in texts(drawn(page))
    assert drawn(pressed(page, "New run")).session_state.shown == "new"


def test_runs_are_listed_searched_and_opened(page: AppTest, database: Database) -> None:
    kept = [kept_run(database, results(1)) for _ in range(9)]
    assert sum(each.label.startswith("kept ") for each in drawn(page).button) == 9
    by_label(page.text_input, "Find a run").set_value("kept 7").run()
    assert [each.label for each in page.button if each.label.startswith("kept ")] == ["kept 7"]
    pressed(page, "kept 7")
    assert page.session_state.shown == kept[6].id


def test_a_run_that_there_is_not_is_told_of(page: AppTest) -> None:
    assert "There is no run nobody." in texts(drawn(page, "nobody"))


# --- the form --------------------------------------------------------------------------------------------------------


def test_a_specification_is_pasted_changed_and_run(page: AppTest, database: Database, own: Runs) -> None:
    drawn(page, "new")
    by_label(page.text_area, "Or paste it").set_value("{]").run()
    pressed(page, "Load the text")
    assert page.error
    assert by_label(page.text_input, "Name of the run").value == "first comparison", "what was there is not lost"
    by_label(page.text_area, "Or paste it").set_value(json.dumps(SPECIFICATION)).run()
    pressed(page, "Load the text")
    assert by_label(page.text_input, "Name of the run").value == "brought"
    assert "2 requests × 2 variants × 2 seeds = 8 cells" in texts(page)
    pressed(page, "Copy", 1)
    assert by_label(page.text_input, "Name", 2).value == "two 2"
    assert "two and two 2 are asked in the very same way." in texts(page)
    pressed(page, "Remove", 1)
    by_label(page.text_input, "Seeds").set_value("3").run()
    assert "2 requests × 2 variants × 1 seed = 4 cells" in texts(page)
    assert json.loads(page.code[0].value)["metrics"] == ["finished"]
    pressed(page, "Start")
    own.wait(page.session_state.shown, 60)
    assert "Done" in texts(drawn(page))
    assert count_runs(database) == 1


def test_what_was_typed_is_found_again_in_another_session(page: AppTest, own: Runs) -> None:
    page.session_state.visit_token = "a-visitor-of-these-tests"
    drawn(page, "new")
    by_label(page.text_input, "Name of the run").set_value("typed").run()
    by_label(page.number_input, "Budget, US dollars").set_value(3.5).run()
    again = AppTest.from_function(_page, default_timeout=60)
    again.session_state.visit_token = "a-visitor-of-these-tests"
    drawn(again, "new")
    assert by_label(again.text_input, "Name of the run").value == "typed"
    assert by_label(again.number_input, "Budget, US dollars").value == 3.5
    pressed(again, "Start over")
    assert by_label(again.text_input, "Name of the run").value == "first comparison"


def test_faults_are_told_as_one_types_and_nothing_can_be_started(page: AppTest) -> None:
    drawn(page, "new")
    by_label(page.text_input, "Name", 1).set_value("rules").run()
    by_label(page.text_input, "Seeds").set_value("0, 0").run()
    assert "Two variants are called 'rules'." in texts(page)
    assert "Two seeds are 0." in texts(page)
    assert "Another variant has this name." in texts(page)
    assert not [each for each in page.button if each.label.startswith("Start") and each.label != "Start over"]


def test_requests_are_taken_from_a_split_of_a_version(page: AppTest, database: Database) -> None:
    version = a_version(database, summary={"held_out": [], "splits": {"train": 1, "validation": 0, "test": 3}})
    drawn(page, "new")
    by_label(page.radio, "From").set_value("dataset").run()
    assert by_label(page.selectbox, "Version").value == version.id
    assert "3 requests × 2 variants × 1 seed = 6 cells" in texts(page)
    by_label(page.radio, "Split").set_value("validation").run()
    assert "small 1 has no validation rows." in texts(page)


def test_a_model_that_may_cost_is_only_asked_after_a_yes(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Settings.model_validate({"OPENAI_API_KEY": "sk-none", "WORKBENCH_MODEL_BASE": "gpt-4o-mini"})
    monkeypatch.setattr(offering, "settings", lambda: there)
    drawn(page, "new")
    pressed(page, "Add a variant")
    start = next(each for each in page.button if each.label.startswith("Start and spend"))
    start.click().run()
    assert by_label(page.button, "Start").disabled
    assert by_label(page.checkbox, "I know that this may cost money").value is False


# --- how a run stands ------------------------------------------------------------------------------------------------


def stood(database: Database, run: Run, **values: Any) -> Run:
    with database.writing() as session:
        session.execute(update(RunRow).where(RunRow.id == run.id).values(**values))
    return now_of(database, run)


@pytest.mark.parametrize(
    ("values", "said", "buttons"),
    [
        ({"state": "done"}, "Done", []),
        ({"state": "paused", "message": "No money is left."}, "No money is left.", ["Go on", "Go on with it"]),
        ({"state": "failed", "message": "A process has died."}, "A process has died.", ["Go on", "Go on with it"]),
        ({"state": "queued"}, "Waiting", ["Go on", "Go on with it"]),
        ({"state": "stopped", "settled": {"imported": True}}, "Stopped", []),
    ],
)  # fmt: skip
def test_each_state_is_told_with_what_can_be_done(
    page: AppTest, database: Database, values: dict[str, Any], said: str, buttons: list[str]
) -> None:
    run = stood(database, kept_run(database, results(1)), **values)
    drawn(page, run.id)
    assert said in texts(page).replace("\\", "")
    assert [each.label for each in page.button if each.label not in ("All runs", "Run again")] == buttons


def test_a_run_whose_process_is_gone_is_interrupted_and_goes_on(page: AppTest, database: Database, own: Runs) -> None:
    from workbench.core.experiments.runner import order
    from workbench.core.experiments.specification import read_specification

    run = order(own._settings, database, read_specification(SPECIFICATION), curator="ada")
    stood(database, run, state="running", owner="gone@nowhere:1:x", beat_at=run.created_at.replace(year=2020))
    drawn(page, run.id)
    assert "Interrupted" in texts(page)
    pressed(page, "Go on")
    own.wait(run.id, 60)
    assert "Done" in texts(drawn(page))
    assert now_of(database, run).done == 8


def test_failures_are_told_by_kind_and_lead_to_their_pieces(page: AppTest, database: Database) -> None:
    found = results(2)
    failed = [replace(each, sample=replace(each.sample, structure=None, error="It broke.")) for each in found[:3]]
    run = stood(database, kept_run(database, [*failed, *found[3:]]), failed=3)
    drawn(page, run.id)
    assert "3 failed: the endpoint had an error." in texts(page).replace("\\", "")
    pressed(page, "Look at what failed")
    assert page.session_state.compare_tab == "Pieces"
    assert page.session_state.compare_wanted == {"failed": True}


def test_run_again_fills_in_the_form(page: AppTest, database: Database) -> None:
    run = kept_run(database, results(1))
    drawn(page, run.id)
    pressed(page, "Run again")
    assert page.session_state.shown == "new"
    assert by_label(page.text_input, "Name of the run").value == "kept"
    assert by_label(page.radio, "From").value == "list"
