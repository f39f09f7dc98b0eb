"""Format compliance: what counts as fitting, what is told of the rest, and how an endpoint is asked for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import KEY, Empty, Garbage, Hang, LengthStop, Loopback, Refuse, Say, Status

from tests.core.finetune.local_material import short_rows
from workbench.core.errors import (
    InvalidInputError,
    ModelBrokeOffError,
    ModelBusyError,
    ModelRefusedError,
    ModelUnreachableError,
)
from workbench.core.finetune.compliance import Compliance, endpoint_asker, measure
from workbench.core.generate.providers.calls import Answer, Message, Tokens

ROWS = short_rows(examples=4, keys=1)
ASK = ROWS[0].prompt


def saying(*answers: str | Answer | Exception) -> Any:
    waiting = iter(answers)

    def ask(_: Sequence[Message]) -> str | Answer:
        said = next(waiting)
        if isinstance(said, Exception):
            raise said
        return said

    return ask


def test_the_rows_own_answers_fit() -> None:
    by_prompt = {row.prompt: row.answer for row in ROWS}
    found = measure(lambda messages: by_prompt[tuple(messages)], ROWS)
    assert (found.rows, found.json, found.fits) == (len(ROWS),) * 3
    assert found.failures == ()
    assert found.tokens > 0
    assert not found.exact, "the tokens were counted here"
    assert found.interval[0] > 0.5
    assert found.interval[1] == 1.0


@pytest.mark.parametrize(
    ("spoilt", "strict"),
    [
        (lambda text: text[:-1], False),
        (lambda text: f"```json\n{text}\n```", False),
        (lambda text: text + " Enjoy!", False),
        (lambda text: text.replace('"measures":4', '"measures":"4"', 1), True),
        (lambda text: text.replace('"measures":4', '"bars":4', 1), True),
        (lambda text: text.replace("{", '{"mood":"glad",', 1), True),
        (lambda text: text.replace("{", '{"key":"C major",', 1), False),
        (lambda _: "[]", False),
        (lambda _: "", False),
        (lambda _: "[" * 5000, False),
    ],
)
def test_what_would_have_to_be_repaired_does_not_fit(spoilt: Any, strict: bool) -> None:
    text = spoilt(ROWS[0].answer)
    assert text != ROWS[0].answer
    found = measure(saying(text), ROWS[:1])
    assert (found.json, found.fits, found.valid) == (int(strict), 0, 0)
    assert found.failures[0].row == ROWS[0].key
    assert found.failures[0].reason.endswith(".")


def test_another_piece_than_the_plan_s_fits_and_is_not_valid() -> None:
    answer = json.loads(ROWS[0].answer)
    answer["sections"] = answer["sections"][:1]
    found = measure(saying(json.dumps(answer)), ROWS[:1])
    assert (found.json, found.fits, found.valid) == (1, 1, 0)


def test_an_answer_that_breaks_off_counts_and_a_server_that_is_gone_ends_it() -> None:
    cut = Answer(ROWS[0].answer[:80], "length", Tokens(9, 40))
    broken = ModelBrokeOffError("It broke off.", partial='{"key"')
    found = measure(saying(cut, broken, ROWS[2].answer), ROWS[:3])
    assert (found.rows, found.fits) == (3, 1)
    assert [each.reason for each in found.failures] == ["It was cut off for its length.", "It broke off."]
    assert not found.exact
    with pytest.raises(ModelUnreachableError):
        measure(saying(ROWS[0].answer, ModelUnreachableError("Gone.")), ROWS)


def test_no_more_are_asked_than_wanted_and_each_is_told() -> None:
    heard: list[tuple[int, int]] = []
    clock = iter(range(100))
    found = measure(
        saying(ROWS[0].answer, "no", "no"), iter(ROWS), most=3, told=lambda *how: heard.append(how),
        clock=lambda: float(next(clock)),
    )  # fmt: skip
    assert heard == [(1, 1), (2, 1), (3, 1)]
    assert found.seconds == 3.0
    assert found.words.startswith("1 of 3 fit the schema before any repair: 33 % (95 % interval 1 to 91 %)")
    with pytest.raises(InvalidInputError, match="no held-out row"):
        measure(saying(), [])


def test_what_was_measured_can_be_kept_and_read() -> None:
    found = measure(saying("no", ROWS[1].answer), ROWS[:2])
    kept = json.loads(json.dumps(found.to_dict()))
    assert Compliance.from_dict(kept) == found
    assert (kept["rate"], kept["low"] < 0.5 < kept["high"]) == (0.5, True)
    for spoilt in ({"fits": 3}, {"rows": True}, {"seconds": "soon"}, {"failures": 1}, {"tokens": -1}):
        with pytest.raises(InvalidInputError, match="no format compliance"):
            Compliance.from_dict({**kept, **spoilt})
    with pytest.raises(InvalidInputError):
        Compliance.from_dict({})


@given(st.text(max_size=60))
def test_any_text_is_counted_and_none_fits(text: str) -> None:
    found = measure(saying(text), ROWS[:1])
    assert (found.rows, found.fits) == (1, 0)
    assert found.failures


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


def test_an_endpoint_is_asked_for_its_likeliest_answer_without_a_schema(server: Loopback) -> None:
    server.queue(Say(ROWS[0].answer))
    with endpoint_asker(server.url, "loop-large", api_key=KEY, max_tokens=500) as ask:
        found = measure(ask, ROWS[:1])
    assert (found.fits, found.exact) == (1, True)
    body = server.seen[-1].body
    assert body is not None
    assert body["temperature"] == 0
    assert body["max_tokens"] == 500
    assert "response_format" not in body
    assert body["messages"] == [message.to_dict() for message in ASK]


@pytest.mark.parametrize("said", [Empty(), LengthStop(), Refuse()])
def test_an_endpoint_that_answers_badly_counts_as_such(server: Loopback, said: Any) -> None:
    server.queue(said)
    with endpoint_asker(server.url, "loop-large", api_key=KEY) as ask:
        found = measure(ask, ROWS[:1])
    assert (found.rows, found.fits) == (1, 0)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Garbage(), ModelBrokeOffError),
        (Status(401, message=f"Incorrect API key provided: {KEY}"), ModelRefusedError),
        (Status(404), ModelRefusedError),
        (Status(429, retry_after=0.01), ModelBusyError),
        (Status(503, retry_after=0.01), ModelUnreachableError),
        (Hang(), ModelUnreachableError),
    ],
)
def test_an_endpoint_that_fails_is_told_in_words_without_the_key(
    server: Loopback, said: Any, error: type[Exception]
) -> None:
    server.queue(*[said] * 3)
    with endpoint_asker(server.url, "loop-large", api_key=KEY, timeout=0.3) as ask, pytest.raises(error) as problem:
        ask(ASK)
    server.forget()
    assert str(problem.value)
    assert KEY not in str(problem.value)


def test_an_endpoint_that_is_not_there_is_told() -> None:
    with endpoint_asker("http://127.0.0.1:9/v1", "any") as ask, pytest.raises(ModelUnreachableError) as problem:
        ask(ASK)
    assert "reached" in problem.value.message
