"""Two cells side by side: what is said of them below the players."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.core.experiments.kept import kept_run
from tests.core.experiments.reports.planted import a_sample
from workbench.core.experiments.results import Result
from workbench.core.experiments.samples import Sample
from workbench.core.library.database import Database
from workbench.views.compare import beside, beside_tabs

WICKED = "<script>alert(1)</script> **no** [go](javascript:x)"
Texts = Callable[..., str]


@pytest.fixture
def texts(database: Database, monkeypatch: pytest.MonkeyPatch) -> Texts:
    """All that is said of two samples, with the players' links written down in the session."""
    for module in (beside, beside_tabs):
        monkeypatch.setattr(module, "database", lambda: database)
    monkeypatch.setattr(
        beside, "player", lambda piece, key, link: st.session_state.update({f"player_{key}": (piece.id, link)})
    )

    def said(a: Sample, b: Sample, tab: str = "", **values: Any) -> str:
        facets = {"form": "ABA", "period": "classical", "mood": "calm", "mode": "major", "meter": "4/4"}
        cells = [
            Result(at, f"{at:020x}", "r0", name, 0, sample, {"latency": 1.0 + at, **values}, facets)
            for at, (name, sample) in enumerate((("base", a), ("tuned", b)))
        ]
        run = kept_run(database, cells)
        page = AppTest.from_function(_page, kwargs={"run": run}, default_timeout=30)
        if tab:
            page.session_state["pieces_about"] = tab
        page.run()
        assert not page.exception
        said.players = {  # type: ignore[attr-defined]
            key: page.session_state[key] for key in ("player_beside_a", "player_beside_b") if key in page.session_state
        }
        parts = (page.markdown, page.success, page.error, page.warning, page.subheader, page.code)
        return "\n".join(str(each.value) for part in parts for each in part)

    return said


def _page(run: object) -> None:
    from workbench.views.compare.beside import opened

    opened(run, (0, 1))  # type: ignore[arg-type]


def test_the_same_piece_is_called_the_same(texts: Texts) -> None:
    said = texts(a_sample(), a_sample())
    assert "A and B are the same piece." in said
    assert {link["side"] for _, link in texts.players.values()} == {"A", "B"}  # type: ignore[attr-defined]


def test_a_piece_of_another_name_is_called_the_same_music(texts: Texts) -> None:
    one = a_sample().structure
    assert one is not None
    other = replace(a_sample(), structure=one.model_copy(update={"title": WICKED}))
    said = texts(a_sample(), other)
    assert "The music of A and B is the same" in said
    assert "<script>" not in said
    assert "javascript:x)" not in said


def test_a_side_that_failed_says_why_letter_by_letter_and_the_other_is_not_linked(texts: Texts) -> None:
    failed = replace(a_sample(), structure=None, report=None, outcome="", error=WICKED)
    said = texts(a_sample(), failed)
    assert "There is nothing to hear" in said
    assert "<script>" not in said
    assert "**no**" not in said
    assert "There is nothing to compare: B failed." in said
    assert [link for _, link in texts.players.values()] == [None]  # type: ignore[attr-defined]


def test_values_say_which_is_better_in_words(texts: Texts) -> None:
    said = texts(a_sample(), a_sample(broken=True), "Values")
    assert "▼ B is worse by 1.00 s" in said


def test_what_was_repaired_is_told(texts: Texts) -> None:
    one = a_sample().structure
    assert one is not None
    raw = "Here it is:\n```json\n" + one.model_copy(update={"tempo": 77.0}).to_json() + "\n```"
    answered = replace(a_sample(), raw=raw, valid_json=False, valid_schema=False, valid_piece=False, calls=1)
    said = texts(replace(a_sample(), raw=""), answered, "First answers")
    assert "No model was asked" in said
    assert "not strict JSON" in said
    assert raw in said
    assert "Tempo 120 instead of 77" in said


def test_an_answer_that_holds_no_music_is_shown_all_the_same(texts: Texts) -> None:
    useless = replace(a_sample(), raw=WICKED, valid_json=False, outcome="fell-back", calls=1)
    said = texts(a_sample(), useless, "First answers")
    assert "It could not be used" in said
    assert WICKED in said
