"""The Compose screen as Streamlit runs it, from the entrypoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    "tab", ["Score", "About", "Findings", "Change", "JSON", "Trace", "Downloads", "Prompts", "History"]
)
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


# --- with the rules alone --------------------------------------------------------------------------------------------


def texts(screen: AppTest) -> str:
    return " ".join(text.value for text in screen.markdown)


def labelled(elements: Any, label: str) -> Any:
    return next(each for each in elements if each.label == label)


def opened(screen: AppTest, tab: str) -> AppTest:
    screen.session_state["tab"] = tab
    screen.run()
    assert not screen.exception
    return screen


def test_without_an_endpoint_the_form_says_who_writes(screen: AppTest) -> None:
    screen.run()
    writers = next(box for box in screen.selectbox if box.label == "Written by")
    assert list(writers.options) == ["Rules", "An example, adapted"]
    assert "OPENAI_API_KEY" in texts(screen)


def test_an_example_is_adapted_to_the_request(screen: AppTest) -> None:
    screen.run()
    before = screen.session_state["take"]
    next(box for box in screen.selectbox if box.label == "Written by").set_value("adapt").run()
    screen.button(key="another").click().run()
    assert not screen.exception
    take = screen.session_state["take"]
    assert take.piece_id != before.piece_id
    assert take.generation_id


def test_locked_sections_stay_while_the_rules_write_the_rest(screen: AppTest) -> None:
    screen.query_params |= {"form": "ABA", "duration": "60", "seed": "4"}
    opened(screen, "Change")
    before = screen.session_state["take"]
    locks = [box for box in screen.checkbox if box.label.startswith("Keep ")]
    assert len(locks) == len(before.structure.sections)
    locks[1].check().run()
    screen.button(key="regenerate").click().run()
    assert not screen.exception
    after = screen.session_state["take"]
    assert after.structure.sections[1] == before.structure.sections[1]
    assert after.structure.sections[0] != before.structure.sections[0]
    assert (after.change, after.parent_id) == ("regenerated", before.id)
    assert [box.value for box in screen.checkbox if box.label.startswith("Keep ")][:2] == [False, True]
    for box in [box for box in screen.checkbox if box.label.startswith("Keep ")]:
        box.check()
    screen.run()
    assert screen.button(key="regenerate").disabled, "nothing is left to be written"


def test_a_section_is_changed_by_hand(screen: AppTest) -> None:
    screen.query_params |= {"form": "ABA", "duration": "40", "key": "C major", "period": "classical", "seed": "4"}
    opened(screen, "Change")
    first = screen.session_state["take"]
    [box for box in screen.selectbox if box.label == "Key"][-1].select("G major").run()
    labelled(screen.button, "Change the key").click().run()
    assert screen.session_state["take"].structure.sections[0].key == "G major"
    screen.text_input(key=f"edit_degrees_{screen.session_state['take'].piece_id}_0").set_value("1 banana").run()
    labelled(screen.button, "Change the motif").click().run()
    assert "banana" in screen.error[0].value
    assert not screen.exception
    assert screen.session_state["take"].parent_id == first.id


def test_a_take_is_named_transposed_and_sent_to_the_curators(screen: AppTest) -> None:
    screen.query_params |= {"form": "ABA", "duration": "40", "key": "C major", "seed": "4"}
    opened(screen, "Change")
    labelled(screen.text_input, "Name of this take").set_value("Snow *at night*").run()
    labelled(screen.button, "Name it").click().run()
    assert screen.title[0].value == r"Snow \*at night\*"
    labelled(screen.selectbox, "Duplicate in").select("F# major").run()
    labelled(screen.button, "Duplicate").click().run()
    assert screen.session_state["take"].structure.key == "F# major"
    labelled(screen.text_input, "What is good about it").set_value("The bridge").run()
    labelled(screen.button, "Send to curators").click().run()
    assert labelled(screen.button, "Send to curators").disabled
    assert "It is in their queue." in texts(screen)


def test_what_the_rules_wrote_has_a_trace_that_replays(screen: AppTest) -> None:
    screen.run()
    opened(screen, "Trace")
    assert "was not generated here" in texts(screen)
    screen.button(key="another").click().run()
    assert "Valid at the first try" in texts(screen)
    labelled(screen.button, "Replay").click().run()
    assert not screen.exception
    assert "The same piece, by the same way: valid at the first try." in screen.success[0].value


def test_the_prompt_is_shown_for_the_request_on_the_page(screen: AppTest) -> None:
    screen.query_params |= {"form": "rondo", "seed": "4"}
    opened(screen, "Prompts")
    assert any("rondo" in code.value for code in screen.code)
    assert "messages" in texts(screen)
    many = len(screen.code)
    labelled(screen.slider, "Examples").set_value(0).run()
    assert len(screen.code) < many
    for part in ("request", "plan", "example", "retry", "editor"):
        labelled(screen.radio, "Part").set_value(part).run()
        assert not screen.exception
        assert not screen.error


def test_takes_are_found_opened_compared_and_deleted(screen: AppTest) -> None:
    screen.query_params |= {"form": "rondo", "key": "Eb major", "seed": "4"}
    opened(screen, "History")
    first = screen.session_state["take"]
    labelled(screen.selectbox, "Form").select("minuet-trio").run()
    screen.button(key="another").click().run()
    second = screen.session_state["take"]
    assert "2 takes" in texts(screen)
    labelled(screen.text_input, "Find a take").set_value("RONDO").run()
    assert "1 take" in texts(screen)
    assert labelled(screen.button, "Open").key == f"history_open_{first.id}"
    labelled(screen.text_input, "Find a take").set_value("nothing like it").run()
    assert "0 takes" in texts(screen)
    labelled(screen.text_input, "Find a take").set_value("").run()
    screen.button(key=f"history_compare_{first.id}").click().run()
    assert "Compared with it" in texts(screen)
    assert "form: minuet-trio → rondo" in texts(screen).lower().replace("\\", "")
    screen.button(key=f"history_delete_{first.id}").click().run()
    assert not screen.exception
    assert "1 take" in texts(screen)
    assert "Compared with it" not in texts(screen)
    assert screen.button(key=f"history_open_{second.id}").disabled, "it is the one on the page"


def test_a_generation_that_is_not_kept_here_is_told_and_the_piece_is_shown(screen: AppTest) -> None:
    screen.query_params |= {"seed": "4", "run": "0123456789abcdef"}
    screen.run()
    assert not screen.exception
    assert "not kept here" in screen.warning[0].value
    assert "run" not in screen.query_params
    assert screen.title[0].value
