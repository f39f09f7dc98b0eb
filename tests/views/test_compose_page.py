"""The Compose screen as Streamlit runs it, from the entrypoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ENTRYPOINT = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture
def screen() -> AppTest:
    return AppTest.from_file(ENTRYPOINT, default_timeout=60)


def test_the_first_visit_shows_a_piece(screen: AppTest) -> None:
    screen.run()
    assert not screen.exception
    assert screen.title[0].value
    assert screen.query_params["seed"] == "1"


def test_compose_makes_another_take_with_a_new_seed(screen: AppTest) -> None:
    screen.run()
    first = screen.session_state["take"]
    screen.button(key="compose").click().run()
    assert not screen.exception
    second = screen.session_state["take"]
    assert second.piece_id != first.piece_id
    assert screen.query_params["seed"] == str(second.seed)


def test_a_changed_setting_keeps_the_seed_so_that_one_hears_what_it_did(screen: AppTest) -> None:
    screen.run()
    next(box for box in screen.selectbox if box.label == "Form").select("rondo").run()
    screen.button(key="compose").click().run()
    take = screen.session_state["take"]
    assert (take.request.form, take.seed) == ("rondo", 1)
    assert screen.query_params["form"] == "rondo"
    screen.button(key="another").click().run()
    assert screen.session_state["take"].request.form == "rondo"
    assert screen.session_state["take"].seed != 1


def test_a_typed_seed_is_obeyed(screen: AppTest) -> None:
    screen.run()
    next(box for box in screen.number_input if box.label == "Seed").set_value(4321).run()
    screen.button(key="compose").click().run()
    assert screen.session_state["take"].seed == 4321


def test_a_link_is_read(screen: AppTest) -> None:
    screen.query_params["form"] = "minuet-trio"
    screen.query_params["key"] = "Eb major"
    screen.query_params["seed"] = "9"
    screen.run()
    take = screen.session_state["take"]
    assert (take.request.form, take.request.key, take.seed) == ("minuet-trio", "Eb major", 9)
    assert next(box for box in screen.selectbox if box.label == "Form").value == "minuet-trio"


@pytest.mark.parametrize(
    "params",
    [
        {"mood": "9,9"},
        {"mood": "nan,inf"},
        {"form": "<script>alert(1)</script>", "seed": "-5"},
        {"seed": "9" * 30},
        {"seed": ["1", "2"]},
        {"tempo": "1e9"},
        {"duration": "0"},
        {"motif": "1," * 5000},
        {"key": "H# dorian"},
        {"for": "x" * 9000},
        {"rhythm": "-1,0,zero"},
        {"nonsense": "1"},
        {"piece": "../../etc/passwd"},
        {"**bold** [x](javascript:alert(1))": "1"},
    ],
    ids=lambda params: str(params)[:40],
)
def test_a_link_that_cannot_be_read_is_explained_once(screen: AppTest, params: dict[str, object]) -> None:
    for name, value in params.items():
        screen.query_params[name] = value
    screen.run()
    assert not screen.exception
    assert len(screen.warning) == 1
    assert len(screen.warning[0].value) < 500
    screen.button(key="compose").click().run()
    assert not screen.warning


def test_a_mistyped_rhythm_is_told_and_nothing_is_composed(screen: AppTest) -> None:
    screen.run()
    next(box for box in screen.text_input if box.label.startswith("Rhythm")).set_value("1 zero").run()
    assert screen.error
    assert screen.button(key="compose").disabled


def test_a_file_from_airia_is_opened(screen: AppTest, airia_files: list[Path]) -> None:
    screen.run()
    screen.file_uploader[0].upload(airia_files[0].name, airia_files[0].read_bytes()).run()
    assert not screen.exception
    take = screen.session_state["take"]
    assert take.structure is not None
    assert screen.query_params["piece"] == take.piece_id


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"key": 5}', b"[" * 3000])
def test_a_file_that_cannot_be_read_changes_nothing(screen: AppTest, content: bytes) -> None:
    screen.run()
    before = screen.session_state["take"]
    screen.file_uploader[0].upload("broken.json", content).run()
    assert not screen.exception
    assert screen.error
    assert screen.session_state["take"] is before


@pytest.mark.parametrize("tab", ["Score", "About", "Findings", "JSON", "Downloads"])
def test_every_tab_opens(screen: AppTest, tab: str) -> None:
    screen.session_state["tab"] = tab
    screen.run()
    assert not screen.exception


def test_a_fault_in_a_file_is_mended_from_the_findings(screen: AppTest, airia_files: list[Path]) -> None:
    faulty = next(path for path in airia_files if path.name == "piece-104.json")
    screen.session_state["tab"] = "Findings"
    screen.run()
    screen.file_uploader[0].upload(faulty.name, faulty.read_bytes()).run()
    assert "1 error" in " ".join(text.value for text in screen.markdown)
    assert any("B major → Bb major" in text.value for text in screen.markdown)
    screen.button(key="improve").click().run()
    assert not screen.exception
    assert screen.session_state["take"].structure.sections[1].key == "Bb major"
    assert "1 error" not in " ".join(text.value for text in screen.markdown)
    assert "improved" in " ".join(text.value for text in screen.markdown)
