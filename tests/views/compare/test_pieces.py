"""The Pieces tab: its filters, its list, and what stands in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.core.experiments.kept import kept_run
from tests.core.experiments.reports.planted import a_sample, results
from workbench.core.experiments import boards
from workbench.core.experiments.boards import board
from workbench.core.experiments.reports.filters import Filter
from workbench.core.experiments.runs import Run
from workbench.core.library.database import Database
from workbench.views.compare import beside, pieces_tab, places
from workbench.views.compare.pieces_list import found_places, rows_of


@pytest.fixture
def run(database: Database) -> Iterator[Run]:
    """Twelve requests of three variants; ``tuned`` failed in the last."""
    found = results(12)
    failed = replace(found[-2], sample=replace(a_sample(), structure=None, report=None, error="It broke."))
    boards.forget_boards()
    yield kept_run(database, [*found[:-2], failed, found[-1]])
    boards.forget_boards()


@pytest.fixture
def tab(run: Run, database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The tab alone; what it would show below the list is written down in the session."""
    monkeypatch.setattr(pieces_tab, "database", lambda: database)
    monkeypatch.setattr(pieces_tab, "opened", lambda _, place: st.session_state.update(shown=place))
    monkeypatch.setattr(beside, "database", lambda: database)

    def drawn(**address: str) -> AppTest:
        page = AppTest.from_function(_page, kwargs={"run": run}, default_timeout=30)
        for name, value in address.items():
            page.query_params[name] = value
        return page.run()

    return drawn


def _page(run: object) -> None:
    from workbench.views.compare.pieces_tab import pieces_tab

    pieces_tab(run)


def box(page: AppTest, label: str) -> Any:
    return next(each for each in page.selectbox if each.label == label)


def shown(page: AppTest) -> Any:
    assert not page.exception
    return page.session_state["shown"]


def test_the_first_pair_of_the_first_two_variants_is_shown(tab: Callable[..., AppTest]) -> None:
    page = tab()
    assert (box(page, "A").value, box(page, "B").value) == ("base", "tuned")
    assert shown(page) == (0, 1)
    assert any("12 pairs" in each.value for each in page.markdown)
    page.button(key="pieces_next").click().run()
    assert shown(page) == (3, 4)
    assert page.query_params["pair"] == "3-4"
    page.button(key="pieces_previous").click().run()
    assert shown(page) == (0, 1)


def test_pairs_of_which_one_alone_is_valid_are_found(tab: Callable[..., AppTest], run: Run, database: Database) -> None:
    page = tab()
    box(page, "Show").select("only-b").run()
    frame = board(database, run).frame
    valid = frame["valid-before-repair"]
    wanted = [(at, at + 1) for at in range(0, len(frame), 3) if (valid[at], valid[at + 1]) == (0, 1)]
    assert wanted
    assert shown(page) == wanted[0]
    assert all(each.label != "Element" for each in page.selectbox)
    box(page, "Show").select("differ").run()
    assert box(page, "Element").value == "cadences"
    box(page, "Show").select("worst").run()
    assert "Latency" in str(box(page, "Metric").options) or "latency" in str(box(page, "Metric").options)


def test_a_variant_that_is_chosen_on_one_side_leaves_the_other(tab: Callable[..., AppTest]) -> None:
    page = tab()
    box(page, "A").select("tuned").run()
    assert (box(page, "A").value, box(page, "B").value) == ("tuned", "base")
    assert "tuned" not in box(page, "B").options
    box(page, "A").select("").run()
    assert box(page, "B").value == ""
    assert len(shown(page)) == 1


def test_an_empty_list_says_what_to_do(tab: Callable[..., AppTest]) -> None:
    page = tab()
    page.text_input[0].input("no such words anywhere").run()
    assert not page.exception
    assert any("Nothing here" in each.value for each in page.markdown)
    assert not page.dataframe


def test_who_clicked_a_value_finds_the_pieces_behind_it(
    tab: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [{"variants": ("tuned",), "metric": "valid-before-repair", "low": 1.0, "failed": False}]
    wanted: Callable[[], Any] = lambda: waiting.pop() if waiting else None  # noqa: E731
    monkeypatch.setattr("workbench.views.compare.pieces_filter.wanted_pieces", wanted)
    page = tab()
    assert (box(page, "A").value, box(page, "B").value) == ("tuned", "")
    assert box(page, "Metric").value == "valid-before-repair"
    assert {each.label: each.value for each in page.number_input}["Valid before repair from"] == 1.0
    assert len(shown(page)) == 1
    page.button(key="pieces_clear").click().run()
    assert (box(page, "A").value, box(page, "B").value) == ("base", "tuned")


def test_failed_cells_are_found(tab: Callable[..., AppTest]) -> None:
    page = tab()
    box(page, "Pieces").select("no").run()
    assert shown(page) == (33, 34)


@pytest.mark.parametrize("pair", ["", "-", "1-", "a-b", "1-2-3", "-1-2", "9" * 40, "١-٢", "<b>"])
def test_an_address_that_names_no_place_shows_the_first(tab: Callable[..., AppTest], pair: str) -> None:
    assert shown(tab(pair=pair)) == (0, 1)


def test_the_address_chooses_the_variants_too(tab: Callable[..., AppTest]) -> None:
    page = tab(pair="5-4")
    assert (box(page, "A").value, box(page, "B").value) == ("same", "tuned")
    assert shown(page) == (5, 4)


def test_an_address_beyond_the_run_is_answered_in_words(run: Run, tab: Callable[..., AppTest]) -> None:
    assert shown(tab(pair="900-901")) == (900, 901)
    assert places.PAIR == "pair"


def test_a_row_of_the_list_tells_both_sides(run: Run, database: Database) -> None:
    known = board(database, run)
    filter = Filter(a="base", b="tuned", metric="latency", better="lower")
    told = rows_of(known, filter, found_places(known, filter))
    assert list(told) == ["Request", "Seed", "A: base", "Outcome A", "B: tuned", "Outcome B", "B against A"]
    assert told["Outcome B"][-1] == "Failed"
    assert all("B is better by" in each or "B is worse by" in each for each in told["B against A"])
    assert len(set(map(len, told.values()))) == 1
