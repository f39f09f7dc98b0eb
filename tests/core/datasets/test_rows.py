"""Rows say what they were made from and what is in them; faults are told in bounded memory."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.datasets.faults import MAX_TOLD, Fault, Severity, Tally
from workbench.core.datasets.rows import Change, Row, digest_of, key_of, plain_messages, row_from, source_of
from workbench.core.errors import InvalidInputError
from workbench.core.generate.providers.calls import Message
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import own_rights

SNOW = next(each for each in load_examples() if each.id == "rounded-binary-modern-snow")
OWN = own_rights("AIRIA Workbench", "written for this test")
CHANGES = (Change("key", "c minor"), Change("tempo", "84"))
ROW = Row(
    key=key_of("examples/snow", CHANGES),
    kind="pair",
    request=SNOW.request.to_dict(),
    prompt=(Message("system", "Compose ♭."), Message("user", "Snow.")),
    answer=wire_text(SNOW.structure),
    rejected="{}",
    shown=("elise", "march"),
    source={"id": "examples/snow", "revision": 3, "origin": "built-in"},
    changes=CHANGES,
    rights=OWN.to_dict(),
)


# Keys


def test_a_key_says_the_source_and_its_changes() -> None:
    assert ROW.key == "examples/snow~key=c minor~tempo=84"
    assert source_of(ROW.key) == "examples/snow"


def test_the_key_of_an_original_is_its_source() -> None:
    assert key_of("examples/elise", ()) == source_of("examples/elise") == "examples/elise"


values = st.sampled_from(["Eb major", "c# minor", "72", "warm"])
ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)
change_lists = st.lists(st.builds(Change, st.sampled_from(["key", "tempo", "mood"]), values), max_size=3)


@given(one=ids, other=ids, changes=change_lists, others=change_lists)
def test_different_pieces_have_different_keys(
    one: str, other: str, changes: list[Change], others: list[Change]
) -> None:
    first, second = key_of(f"examples/{one}", changes), key_of(f"pairs/decisions/{one}/{other}", changes)
    assert source_of(first) == f"examples/{one}"
    assert source_of(second) == f"pairs/decisions/{one}/{other}"
    assert (first == key_of(f"examples/{other}", others)) == ((one, changes) == (other, others))


# Sources


# Rows


def test_a_row_comes_back_from_json_as_it_was() -> None:
    assert row_from(ROW.to_dict()) == ROW
    assert row_from(json.loads(ROW.to_json())) == ROW
    again = row_from(json.loads(ROW.to_json()))
    assert isinstance(again.prompt[0], Message)
    assert isinstance(again.changes[0], Change)
    assert again.digest == ROW.digest


def test_the_object_has_the_fields_in_their_order() -> None:
    assert list(ROW.to_dict()) == list(Row.__dataclass_fields__)


def test_the_same_row_is_the_same_text_however_it_was_put_together() -> None:
    shuffled = list(ROW.to_dict().items())
    random.Random(1).shuffle(shuffled)
    other = row_from(dict(shuffled))
    assert other.to_json() == replace(ROW, request=dict(reversed(ROW.request.items()))).to_json() == ROW.to_json()
    assert "♭" in ROW.to_json()


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "examples/ice"}, {"kind": "chat"}, {"request": {}}, {"prompt": ROW.prompt[:1]},
        {"prompt": (Message("user", "Compose ♭."), ROW.prompt[1])}, {"answer": ROW.answer + " "}, {"rejected": ""},
        {"shown": ("march", "elise")}, {"source": {**ROW.source, "revision": 4}}, {"changes": ()},
        {"changes": CHANGES[::-1]}, {"rights": {}},
    ],
)  # fmt: skip
def test_the_digest_changes_with_whatever_is_in_the_row(changed: dict[str, Any]) -> None:
    assert replace(ROW, **changed).digest != ROW.digest


def test_a_digest_is_the_hash_of_the_text() -> None:
    assert ROW.digest == digest_of(ROW.to_json())
    assert len(ROW.digest) == 64
    # The SHA-256 of nothing, as FIPS 180-4 has it.
    assert digest_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_conversation_ends_with_the_answer() -> None:
    assert ROW.messages == [
        {"role": "system", "content": "Compose ♭."}, {"role": "user", "content": "Snow."},
        {"role": "assistant", "content": ROW.answer},
    ]  # fmt: skip
    assert plain_messages(ROW.prompt) == ROW.messages[:-1]


def test_the_answer_is_the_piece() -> None:
    assert ROW.structure == SNOW.structure.model_copy(update={"schema_version": None})  # which no model writes


def test_only_a_pair_has_a_rejected_piece() -> None:
    assert replace(ROW, rejected="").rejected_structure is None
    assert replace(ROW, rejected=ROW.answer).rejected_structure == ROW.structure
    with pytest.raises(InvalidInputError):
        _ = ROW.rejected_structure


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", "7", "{", '{"key": "C major"}', "\ufeff", "NaN", "[" * 999])
def test_an_answer_that_is_no_piece_is_refused(answer: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        _ = replace(ROW, answer=answer).structure
    assert caught.value.hint


@given(answer=st.text(max_size=60))
def test_any_text_as_answer_is_refused_in_words(answer: str) -> None:
    with pytest.raises(InvalidInputError):
        _ = replace(ROW, answer=answer).structure


# Faults


def fault(number: int, check: str = "schema", severity: Severity = "error") -> Fault:
    return Fault(check, severity, f"It is wrong {number}.", "Mend it.", f"row {number}", number)


def tally_of(*faults: Fault) -> Tally:
    tally = Tally()
    tally.add(*faults)
    return tally


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Fault("a", "error", "Wrong."), "Wrong."),
        (Fault("a", "error", "Wrong.", "Mend it."), "Wrong. Mend it."),
        (Fault("a", "error", "Wrong.", key="examples/x"), "examples/x: Wrong."),
        (Fault("a", "error", "Wrong.", key="examples/x", line=7), "line 7: Wrong."),
    ],
)
def test_a_fault_says_where_it_is(given: Fault, said: str) -> None:
    assert str(given) == said


def test_a_fault_is_a_json_object() -> None:
    assert fault(1).to_dict() == {
        "check": "schema", "severity": "error", "message": "It is wrong 1.", "hint": "Mend it.", "key": "row 1",
        "line": 1,
    }  # fmt: skip


def test_a_tally_tells_the_first_hundred_and_counts_the_rest() -> None:
    tally = tally_of(*(fault(number, "ab"[number % 2]) for number in range(1000)), fault(1000, "a", "warning"))
    assert MAX_TOLD == 100
    assert tally.told == [fault(number, "ab"[number % 2]) for number in range(100)]
    assert tally.counts == {("a", "error"): 500, ("b", "error"): 500, ("a", "warning"): 1}
    assert (tally.errors, tally.of("warning")) == (1000, 1)
    plain = tally.to_dict()
    assert (plain["errors"], plain["warnings"], len(plain["findings"])) == (1000, 1, 100)
    assert plain["counts"] == [
        {"check": "a", "severity": "error", "count": 500}, {"check": "a", "severity": "warning", "count": 1},
        {"check": "b", "severity": "error", "count": 500},
    ]  # fmt: skip
    assert json.loads(json.dumps(plain)) == plain


def test_an_empty_tally_has_nothing() -> None:
    assert Tally().to_dict() == {"errors": 0, "warnings": 0, "findings": [], "counts": []}
    assert Tally().told is not Tally().told


faults = st.lists(
    st.builds(fault, st.integers(0, 9), st.sampled_from("abc"), st.sampled_from(["error", "warning"])), max_size=130
)  # fmt: skip


@given(first=faults, second=faults, third=faults)
def test_merging_is_the_same_in_whatever_groups(first: list[Fault], second: list[Fault], third: list[Fault]) -> None:
    left, right, inner = tally_of(*first), tally_of(*first), tally_of(*second)
    left.merge(tally_of(*second))
    left.merge(tally_of(*third))
    inner.merge(tally_of(*third))
    right.merge(inner)
    assert left == right == tally_of(*first, *second, *third)


@given(given=faults)
def test_an_empty_tally_changes_nothing(given: list[Fault]) -> None:
    before, after = tally_of(*given), Tally()
    before.merge(Tally())
    after.merge(before)
    assert before == after == tally_of(*given)


def test_merging_leaves_the_other_as_it_was() -> None:
    one, other = tally_of(fault(1)), tally_of(fault(2))
    one.merge(other)
    one.add(fault(3))
    assert other == tally_of(fault(2))
