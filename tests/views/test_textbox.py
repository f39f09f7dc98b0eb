"""The text box: what was typed counts for its version, within its bounds."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from workbench.views import textbox as module
from workbench.views.textbox import textbox


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What browsers have told, by key."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(module.st, "session_state", told)
    return told


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is sent to the browser, instead of sending it."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "_BOX", lambda **arguments: sent.append(arguments))
    return sent


def test_it_begins_with_its_text(state: dict[str, Any], drawn: list[dict[str, Any]]) -> None:
    assert textbox("In your words", "A walk", key="brief") == "A walk"
    assert drawn[0]["data"]["text"] == "A walk"
    assert (drawn[0]["data"]["label"], drawn[0]["data"]["most"]) == ("In your words", 4000)


def test_what_was_typed_counts_and_is_told(state: dict[str, Any], drawn: list[dict[str, Any]]) -> None:
    heard: list[str] = []
    state["brief"] = {"typed": {"version": 0, "text": "雪の夜道"}}
    assert textbox("In your words", "A walk", key="brief", on_typed=heard.append) == "雪の夜道"
    assert drawn[0]["data"]["text"] == "雪の夜道", "a box that is drawn anew shows what was typed"
    drawn[0]["on_typed_change"]()
    assert heard == ["雪の夜道"]


def test_what_was_typed_into_another_version_comes_too_late(state: dict[str, Any], drawn: list[dict[str, Any]]) -> None:
    state["brief"] = {"typed": {"version": 0, "text": "old"}}
    assert textbox("In your words", "new", key="brief", version=1) == "new"


def test_no_more_is_taken_than_there_is_room_for(state: dict[str, Any], drawn: list[dict[str, Any]]) -> None:
    state["brief"] = {"typed": {"version": 0, "text": "é" * 50}}
    assert textbox("In your words", "", key="brief", most=20) == "é" * 20


@pytest.mark.parametrize("told", [None, {}, {"typed": None}, {"typed": "text"}, {"typed": {"version": 0}}])
def test_what_no_box_would_tell_does_no_harm(
    state: dict[str, Any], drawn: list[dict[str, Any]], told: dict[str, Any] | None
) -> None:
    if told is not None:
        state["brief"] = told
    assert textbox("In your words", "", key="brief") == ""


def test_it_is_drawn_on_a_page() -> None:
    def page() -> None:
        import streamlit as st

        from workbench.views.textbox import textbox

        st.write(textbox("In your words", "A walk", key="brief", rows=5, code=True))

    screen = AppTest.from_function(page).run()
    assert not screen.exception
    assert screen.markdown[0].value == "A walk"
