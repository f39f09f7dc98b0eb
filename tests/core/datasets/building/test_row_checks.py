"""What a row has to pass by itself; whatever it holds, a check gives faults and never breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.datasets.building.making import Terms, make_row
from workbench.core.datasets.building.row_checks import ROW_CHECKS, Looked, carried, check_row
from workbench.core.datasets.faults import Fault
from workbench.core.datasets.rows import Change, Row, Source
from workbench.core.generate.counting import count_messages, count_tokens
from workbench.core.generate.providers.calls import Message
from workbench.core.generate.templates import built_in
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import own_rights, read_rights
from workbench.core.music.structure import MusicStructure

SNOW = next(each for each in load_examples() if each.id == "rounded-binary-modern-snow")
BOURREE = next(each for each in load_examples() if each.id == "binary-baroque-bourree")
TERMS = Terms(built_in()[0], True, "commercial_training", "", "gpt-4.1-mini", 65_536)
OTHER = SNOW.structure.model_copy(update={"tempo": SNOW.structure.tempo + 5})


def source(example: Any = SNOW, **more: Any) -> Source:
    rights = read_rights(dict(example.rights))
    given = {"structure": example.structure, "rejected": None} | more
    return Source(f"examples/{example.id}", 1, "built-in", example.request, rights=rights, **given)


ROW = make_row(source(), (), TERMS).row
PAIR = make_row(source(rejected=OTHER), (), TERMS).row


def faults(row: Row, terms: Terms = TERMS, made_from: MusicStructure | None = None) -> tuple[Fault, ...]:
    return check_row(Looked(row, terms, made_from))


def test_a_row_that_was_made_of_a_good_piece_has_no_fault() -> None:
    assert faults(ROW, made_from=SNOW.structure) == ()
    assert faults(PAIR, made_from=SNOW.structure) == ()
    assert (ROW.kind, PAIR.kind) == ("chat", "pair")


def test_every_fault_is_an_error_of_the_row_with_a_hint() -> None:
    broken = replace(ROW, answer="{}", rights={}, prompt=())
    found = faults(broken, replace(TERMS, limit=1))
    assert {each.check for each in found} >= {"schema", "rights", "tokens", "format"}
    assert all((each.severity, each.key) == ("error", ROW.key) and each.hint for each in found)


@pytest.mark.parametrize(("over", "count"), [(0, 0), (1, 1)])
def test_a_row_may_be_as_long_as_the_limit_and_no_longer(over: int, count: int) -> None:
    tokens = count_messages(ROW.prompt, "gpt-4.1-mini").tokens + count_tokens(ROW.answer, "gpt-4.1-mini").tokens
    found = faults(ROW, replace(TERMS, limit=tokens - over))
    assert [each.check for each in found] == ["tokens"] * count


def test_without_a_known_limit_no_row_is_too_long() -> None:
    assert faults(ROW, replace(TERMS, limit=None)) == ()


def test_a_pair_is_as_long_as_its_longer_answer() -> None:
    longer = replace(PAIR, rejected=PAIR.answer * 2)
    assert Looked(longer, TERMS).tokens_out.tokens > Looked(PAIR, TERMS).tokens_out.tokens
    assert Looked(longer, TERMS).tokens_out == count_tokens(longer.rejected, "gpt-4.1-mini")


def test_the_two_answers_of_a_pair_differ() -> None:
    fault, *others = faults(replace(PAIR, rejected=PAIR.answer))
    assert {each.check for each in others} <= {"format"}
    assert (fault.check, fault.message) == ("schema", "The chosen and the rejected answer are the same.")


def test_a_rejected_answer_is_a_structure_in_the_schema_s_order() -> None:
    messages = [each.message for each in faults(replace(PAIR, rejected="{}"))]
    assert any(each.startswith("The rejected answer is no MusicStructure: ") for each in messages)
    data = json.loads(PAIR.rejected)
    reordered = json.dumps(dict(reversed(data.items())), ensure_ascii=False, separators=(",", ":"))
    [fault] = faults(replace(PAIR, rejected=reordered))
    assert fault.check == "round-trip"
    assert fault.message == "The rejected answer's JSON was changed: it is not written as the schema orders it."


def test_an_answer_carries_all_of_the_piece() -> None:
    for example in load_examples():
        row = make_row(source(example), (), TERMS).row
        assert carried(row.structure) == carried(example.structure), example.id


def test_a_derived_row_is_compared_with_the_derived_piece() -> None:
    made = make_row(source(), (Change("key", "G major"),), TERMS)
    assert check_row(Looked(made.row, TERMS, made.structure)) == ()
    [fault] = check_row(Looked(made.row, TERMS, SNOW.structure))
    assert fault.message == "The answer is not the piece that it was made from."


def test_the_recipe_s_profile_stands_in_place_of_the_piece_s_own() -> None:
    """A modern piece is not allowed what only modern music may do, once the recipe asks for the baroque."""
    assert faults(ROW) == faults(ROW, replace(TERMS, profile="modern")) == ()
    found = faults(ROW, replace(TERMS, profile="baroque"))
    assert {each.check for each in found} == {"music.chords.in-style"}
    assert found[0].message == "bar 8: I[add6] is unusual in the baroque style (extended)."


@pytest.mark.parametrize(
    ("licence", "use", "allowed"),
    [
        ("CC0-1.0", "commercial_training", True), ("CC-BY-NC-4.0", "commercial_training", False),
        ("CC-BY-NC-4.0", "training", True), ("LicenseRef-all-rights-reserved", "training", False),
    ],
)  # fmt: skip
def test_rights_are_those_for_the_use_of_the_recipe(licence: str, use: str, allowed: bool) -> None:
    row = replace(ROW, rights=own_rights("Ada", "written for this test", licence).to_dict())
    found = faults(row, replace(TERMS, use=use))
    assert [each.check for each in found] == ([] if allowed else ["rights"])
    assert allowed or f"do not allow {use.replace('_', ' ')}: " in found[0].message


@pytest.mark.parametrize("said", [{}, {"layers": []}, {"layers": [{"layer": "work"}]}])
def test_rights_of_which_nothing_is_said_allow_nothing(said: dict[str, Any]) -> None:
    [fault] = faults(replace(ROW, rights=said))
    assert fault.check == "rights"
    assert "not said: " in fault.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.text(max_size=60) | JSON.map(json.dumps))
def test_whatever_the_answer_is_it_is_told(answer: str) -> None:
    found = faults(replace(ROW, answer=answer))
    assert "schema" in {each.check for each in found}


@given(st.sampled_from(sorted(json.loads(ROW.answer))), JSON)
def test_whatever_a_member_of_the_answer_is_a_changed_one_is_told(name: str, value: Any) -> None:
    data = json.loads(ROW.answer)
    if json.dumps(data[name]) == json.dumps(value):
        return
    changed = json.dumps(data | {name: value}, ensure_ascii=False, separators=(",", ":"))
    assert faults(replace(ROW, answer=changed), made_from=SNOW.structure)


@given(JSON, JSON)
def test_whatever_is_said_of_rights_and_request_only_makes_faults(said: Any, asked: Any) -> None:
    rights = said if isinstance(said, dict) else {"layers": said}
    request = asked if isinstance(asked, dict) else {"brief": asked}
    found = faults(replace(ROW, rights=rights, request=request))
    assert "rights" in {each.check for each in found}


@given(st.lists(st.tuples(st.text(max_size=10), st.text(max_size=20)), max_size=4))
def test_whatever_the_prompt_is_it_only_makes_faults(prompt: list[tuple[str, str]]) -> None:
    found = faults(replace(ROW, prompt=tuple(Message(role, said) for role, said in prompt)))  # type: ignore[arg-type]
    assert {each.check for each in found} <= {"format"}
    if not prompt:
        assert found


def test_checks_are_registered_under_the_names_that_they_tell() -> None:
    assert list(ROW_CHECKS) == [
        "schema", "round-trip", "round-trip.rejected", "music", "rights", "tokens", "format",
    ]  # fmt: skip


def test_the_answer_is_compact_and_in_the_order_of_the_schema() -> None:
    assert ROW.answer == wire_text(SNOW.structure)
    assert json.dumps(json.loads(ROW.answer), ensure_ascii=False, separators=(",", ":")) == ROW.answer
    assert "\n" not in ROW.answer
