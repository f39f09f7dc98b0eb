"""A line that comes back is an answer to one of the questions, good or bad, or it says nothing; whatever is in it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import plan
from workbench.core.experiments.batches.lines import read_line, written
from workbench.core.experiments.heard import Said, read_said
from workbench.core.generate.providers import Call, Message, Tokens
from workbench.core.generate.secrecy import scrubber
from workbench.core.generate.wire import wire_schema
from workbench.core.music.request import Request
from workbench.core.settings import Settings

SETTINGS = Settings.model_validate({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk-secret-of-tests"})
CELLS = {"one": 120}
scrub = scrubber(SETTINGS)


def line(body: Any, status: Any = 200, error: Any = None, cell: Any = "one") -> bytes:
    return json.dumps({"custom_id": cell, "response": {"status_code": status, "body": body}, "error": error}).encode()


def body(content: Any = '{"a": 1}', finish: Any = "stop", refusal: Any = None, usage: Any = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def said(raw: bytes) -> Said | None:
    found = read_line(raw, CELLS, "gpt-4o", scrub)
    return None if found is None else found.said


def test_a_question_is_a_line_that_asks_for_the_whole_answer() -> None:
    request = Request(duration=30, brief="Grüße\nan alle")
    messages = (Message("system", "Compose."), Message("user", "in\ntwo lines"))
    call = Call(messages, "gpt-4o", request, plan(request), wire_schema(), 0.5, 7, 900)
    raw = written(call, "one", SETTINGS)
    assert raw.count(b"\n") == 1
    told = json.loads(raw)
    assert (told["custom_id"], told["method"], told["url"]) == ("one", "POST", "/v1/chat/completions")
    assert [each["content"] for each in told["body"]["messages"]] == ["Compose.", "in\ntwo lines"]
    assert (told["body"]["seed"], told["body"]["temperature"], told["body"]["max_tokens"]) == (7, 0.5, 900)
    assert told["body"]["response_format"]["json_schema"]["schema"] == wire_schema()
    assert not {"stream", "stream_options", "extra_body"} & set(told["body"])


def test_answers_good_and_bad_are_the_models() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20}
    good = said(line(body("sk-secret-of-tests", usage=usage)))
    assert good == Said("[secret]", "stop", Tokens(100, 20), batched=True)
    assert read_said(good.to_dict()) == good
    uncounted = said(line(body("one two three")))
    assert uncounted is not None
    assert (uncounted.tokens.into, uncounted.tokens.exact) == (120, False)
    for bad, kind in (
        (body(None, refusal="No."), "declined"), (body("x", "content_filter"), "declined"), (body(""), "empty"),
        (body("half", None), "broke-off"), (body("x" * 2_000_000), "too-long"),
    ):  # fmt: skip
        found = said(line(bad | {"usage": usage}))
        assert found is not None
        assert (found.kind, found.is_the_models, found.batched, found.tokens) == (kind, True, True, Tokens(100, 20))


def test_what_is_no_answer_says_why() -> None:
    for raw, fault in (
        (line({"error": {}}, 400), "http-400"), (line(None, 500), "http-500"),
        (line(body(), 200, {"code": "x"}), "http-200"), (line({}), "no-answer"), (line(7), "no-answer"),
        (line({"choices": [7]}), "no-answer"),
        (b'{"custom_id": "one", "response": null, "error": {"code": "batch_expired"}}', "batch_expired"),
        (b'{"custom_id": "one"}', "no-answer"),
        (b'{"custom_id": "one", "error": {"code": "sk-secret-of-tests"}}', "[secret]"),
    ):  # fmt: skip
        found = read_line(raw, CELLS, None, scrub)
        assert found is not None
        assert (found.said, found.fault) == (None, fault)


NAMES = ("custom_id", "response", "error", "body", "choices", "message", "content", "usage", "status_code")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(value=JSON, raw=st.binary(max_size=60))
def test_whatever_a_line_holds_is_read(value: Any, raw: bytes) -> None:
    assert read_line(raw, CELLS, None, scrub) is None
    for strange in (value, {"custom_id": "one", "response": value}, {"custom_id": value, "response": {}}):
        found = read_line(json.dumps(strange).encode(), CELLS, None, scrub)
        assert found is None or (found.cell == "one" and (found.said is None) == bool(found.fault))
    for inner in (value, {"choices": value}, {"choices": [{"message": value}]}, body(value, value, value, value)):
        found = read_line(line(inner), CELLS, None, scrub)
        assert found is not None
        assert found.said is None or read_said(found.said.to_dict()) == found.said
