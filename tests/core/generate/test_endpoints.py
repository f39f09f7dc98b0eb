"""Each place gets its own key or none, and nothing else that the environment holds for OpenAI."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from loopback import Loopback, Refuse, Status
from studio import SHORT

from workbench.core.compose import plan
from workbench.core.errors import ModelError
from workbench.core.generate.providers import Answer, Call, Message, Providers
from workbench.core.generate.providers.endpoints import OPENAI, place_of
from workbench.core.settings import Settings

KEY, TUNED_KEY = "sk-of-the-environment-0123456789", "sk-of-the-tuned-model-0123456789"
HERE, THERE = "http://here.example/v1", "http://there.example/v1"


def settings(**changes: Any) -> Settings:
    return Settings.model_validate({"OPENAI_API_KEY": KEY} | changes)


# Which key goes where -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "changes", "url", "key"),
    [
        ("", {}, None, KEY),
        ("", {"OPENAI_BASE_URL": HERE}, HERE, KEY),
        (HERE, {"OPENAI_BASE_URL": HERE}, HERE, KEY),
        (f"{HERE}/", {"OPENAI_BASE_URL": HERE}, HERE, KEY),
        (OPENAI, {}, None, KEY),
        # OpenAI's key does not go to OpenAI where it is another endpoint's.
        (OPENAI, {"OPENAI_BASE_URL": HERE}, OPENAI, None),
        (THERE, {}, THERE, None),
        (THERE, {"OPENAI_BASE_URL": HERE}, THERE, None),
        (f"{HERE}.evil.example", {"OPENAI_BASE_URL": HERE}, f"{HERE}.evil.example", None),
        ("http://here.example:81/v1", {"OPENAI_BASE_URL": HERE}, "http://here.example:81/v1", None),
        (THERE, {"WORKBENCH_MODEL_FT_URL": THERE}, THERE, None),
        (THERE, {"WORKBENCH_MODEL_FT_URL": THERE, "WORKBENCH_MODEL_FT_KEY": TUNED_KEY}, THERE, TUNED_KEY),
        (HERE, {"WORKBENCH_MODEL_FT_URL": THERE, "WORKBENCH_MODEL_FT_KEY": TUNED_KEY}, HERE, None),
        ("", {"WORKBENCH_MODEL_FT_URL": THERE, "WORKBENCH_MODEL_FT_KEY": TUNED_KEY}, None, KEY),
        ("", {"WORKBENCH_MODEL_FT_KEY": TUNED_KEY}, None, KEY),
        (THERE, {"WORKBENCH_MODEL_FT_KEY": TUNED_KEY}, THERE, None),
        # One endpoint for both: the tuned model's own key, where it has one.
        (HERE, {"OPENAI_BASE_URL": HERE, "WORKBENCH_MODEL_FT_URL": HERE}, HERE, KEY),
        (HERE, {"OPENAI_BASE_URL": HERE, "WORKBENCH_MODEL_FT_URL": HERE, "WORKBENCH_MODEL_FT_KEY": TUNED_KEY}, HERE,
         TUNED_KEY),
    ],
)  # fmt: skip
def test_a_key_goes_where_it_belongs(endpoint: str, changes: dict[str, str], url: str | None, key: str | None) -> None:
    place = place_of(endpoint, settings(**changes))
    assert (place.url, place.key) == (url, key)
    assert KEY not in repr(place)
    assert TUNED_KEY not in repr(place)


# What arrives -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment() -> Iterator[Loopback]:
    with Loopback(key=KEY) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Loopback]:
    with Loopback(key="none", models=[{"id": "acme-music-7"}, {"id": "acme-plain-8", "strict": False}]) as server:
        yield server


@pytest.fixture
def both(environment: Loopback, elsewhere: Loopback) -> tuple[Loopback, Loopback]:
    environment.forget()
    elsewhere.forget()
    return environment, elsewhere


def asked(settings: Settings, *calls: tuple[str, str]) -> list[Answer | ModelError]:
    """What comes of calls to (endpoint, model), one after the other."""

    async def ask() -> list[Answer | ModelError]:
        providers = Providers(settings)
        got: list[Answer | ModelError] = []
        for endpoint, model in calls:
            call = Call(
                (Message("user", f"Request: {SHORT.to_json()}"),), model, SHORT, plan(SHORT), timeout=5.0,
                fine_tuned=bool(endpoint), endpoint=endpoint, secret=frozenset({"acme-music-7", "acme-plain-8"}),
            )  # fmt: skip
            try:
                got.append(await providers.get("openai").answer(call, lambda _: None))
            except ModelError as problem:
                got.append(problem)
        await providers.close()
        return got

    return asyncio.run(ask())


def test_another_endpoint_gets_no_key_and_nothing_else_of_the_environment(
    both: tuple[Loopback, Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment, elsewhere = both
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: gw-secret\nAuthorization: Bearer other-secret")
    told = settings(OPENAI_BASE_URL=environment.url, WORKBENCH_MODEL_FT_KEY=TUNED_KEY)
    (answer,) = asked(told, (elsewhere.url, "acme-music-7"))
    assert isinstance(answer, Answer)
    (seen,) = elsewhere.seen
    assert seen.headers["authorization"] == "Bearer none"
    assert "secret" not in str(seen.headers)
    assert KEY not in str(seen.headers)
    assert TUNED_KEY not in str(seen.headers)
    assert seen.headers["content-type"] == "application/json"
    assert environment.seen == []


def test_the_environment_s_endpoint_and_the_tuned_model_s_each_get_their_own_key(environment: Loopback) -> None:
    environment.forget()
    with Loopback(key=TUNED_KEY) as own:
        told = settings(
            OPENAI_BASE_URL=environment.url, WORKBENCH_MODEL_FT_URL=own.url, WORKBENCH_MODEL_FT_KEY=TUNED_KEY
        )
        answers = asked(told, ("", "loop-large"), (own.url, "loop-large"), ("", "loop-large"))
        assert all(isinstance(each, Answer) for each in answers)
        assert [seen.headers["authorization"] for seen in own.seen] == [f"Bearer {TUNED_KEY}"]
    assert [seen.headers["authorization"] for seen in environment.seen] == [f"Bearer {KEY}"] * 2


def test_a_server_that_sends_elsewhere_is_not_followed(environment: Loopback) -> None:
    environment.forget()

    class Sends(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(307)
            self.send_header("Location", f"{environment.url}/chat/completions")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Sends) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        (problem,) = asked(settings(), (f"http://127.0.0.1:{server.server_port}/v1", "acme-music-7"))
        server.shutdown()
    assert isinstance(problem, ModelError)
    assert problem.kind == "http-307"
    assert environment.seen == []


def test_what_an_endpoint_refuses_is_learned_for_it_alone(both: tuple[Loopback, Loopback]) -> None:
    environment, elsewhere = both
    told = settings(OPENAI_BASE_URL=environment.url)
    first, second = asked(told, (elsewhere.url, "acme-plain-8"), (elsewhere.url, "acme-plain-8"))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert second.notes == ()


@pytest.mark.parametrize(
    ("endpoint", "changes", "hint"),
    [
        ("http://127.0.0.1:9/v1", {}, "the model's endpoint on Fine-tune"),
        ("http://127.0.0.1:9/v1", {"WORKBENCH_MODEL_FT_URL": "http://127.0.0.1:9/v1"}, "WORKBENCH_MODEL_FT_URL"),
        ("", {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "OPENAI_BASE_URL"),
        ("ftp://nowhere", {}, "the model's endpoint on Fine-tune"),
        ("http://[::1", {}, ""),
        ("\x00", {}, ""),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_told_in_words(endpoint: str, changes: dict[str, str], hint: str) -> None:
    (problem,) = asked(settings(**changes), (endpoint, "acme-music-7"))
    assert isinstance(problem, ModelError)
    assert problem.message
    assert hint in problem.hint
    assert problem.hint


def test_who_wants_a_key_that_nobody_gave_is_told_so_and_ids_stay_hidden(both: tuple[Loopback, Loopback]) -> None:
    environment, elsewhere = both
    elsewhere.queue(Status(401), Refuse("acme-music-7 does not do that"))
    told = settings(OPENAI_BASE_URL=environment.url)
    refused, declined, missing = asked(
        told, (elsewhere.url, "acme-music-7"), (elsewhere.url, "acme-music-7"), (elsewhere.url, "acme-gone-9")
    )
    assert isinstance(refused, ModelError)
    assert "WORKBENCH_MODEL_FT_URL" in refused.hint
    for problem in (declined, missing):
        assert isinstance(problem, ModelError)
        assert "fine-tuned" in problem.message
        assert "acme" not in str(problem)
