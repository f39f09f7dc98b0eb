"""The HTTP API as its callers use it; and once as a server of its own, started by its environment."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Loopback, Malformed, Slow, Status, at_random
from starlette.applications import Starlette
from starlette.testclient import TestClient
from studio import TUNED

from tests.fresh import fresh
from workbench import api
from workbench.core.checks import check
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.templates import built_in, choose_template, save_version
from workbench.core.library.database import Database
from workbench.core.library.tokens import create_token
from workbench.core.music.reading import read_request, read_structure
from workbench.core.settings import Settings

ROOT = Path(__file__).parents[1]
WISH = {"valence": 0.6, "music_form": "ABA", "durationSeconds": 30, "seed": 5}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "api.sqlite3")
    yield made
    made.close()


def client_for(monkeypatch: pytest.MonkeyPatch, database: Database, settings: Settings) -> Iterator[TestClient]:
    jobs = Jobs(settings, database)
    monkeypatch.setattr(api, "settings", lambda: settings)
    monkeypatch.setattr(api, "database", lambda: database)
    monkeypatch.setattr(api, "jobs", lambda: jobs)
    with TestClient(Starlette(routes=api.ROUTES), raise_server_exceptions=False) as client:
        yield client
    jobs.close()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[TestClient]:
    yield from client_for(monkeypatch, database, Settings())


@pytest.fixture
def token(database: Database) -> str:
    return create_token(database, "tests", requests_a_minute=0)[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(client: TestClient, token: str, wish: Any = None) -> Any:
    return client.post("/api/music/generate", json=WISH if wish is None else wish, headers=bearer(token))


def test_a_request_gets_a_piece_with_its_midi(client: TestClient, token: str) -> None:
    answer = ask(client, token)
    assert answer.status_code == 200
    told = answer.json()
    assert set(told) >= {"structure", "provider", "variant", "outcome", "report", "repairs", "midi"}
    assert (told["provider"], told["variant"], told["outcome"]) == ("rules", "base", "first-try")
    structure = read_structure(told["structure"])
    assert told["report"]["valid"]
    assert check(structure, request=read_request(WISH), profile=structure.period or "classical").valid
    import io

    song = mido.MidiFile(file=io.BytesIO(base64.b64decode(told["midi"])))
    assert 25 < song.length < 40
    assert "model" not in told


def test_the_same_request_and_seed_give_the_same_piece_and_others_another(client: TestClient, token: str) -> None:
    first, again = ask(client, token).json(), ask(client, token).json()
    assert first["structure"] == again["structure"]
    free = {name: value for name, value in WISH.items() if name != "seed"}
    seeds = {ask(client, token, free).json()["seed"] for _ in range(3)}
    assert len(seeds) > 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer wbk_wrong"},
        {"Authorization": "Bearer wbk_" + "A" * 43},
        {"Authorization": "Bearer " + "x" * 5000},
    ],
    ids=str,
)
def test_without_a_token_or_with_a_wrong_one_it_is_401_in_json(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/music/generate", json=WISH, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]
    assert answer.json()["hint"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_over_the_limit_it_is_429_and_says_when_to_come_again(client: TestClient, database: Database) -> None:
    _, few = create_token(database, "few", requests_a_minute=2)
    assert [ask(client, few).status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(client, few)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["hint"]


def test_model_tokens_of_a_day_are_counted(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    with Loopback() as server:
        settings = Settings.model_validate(
            {
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": server.key,
                "WORKBENCH_PROVIDER": "openai",
                "WORKBENCH_MODEL_BASE": "loop-large",
            }
        )
        _, small = create_token(database, "small", requests_a_minute=0, tokens_a_day=1000)
        for client in client_for(monkeypatch, database, settings):
            first = ask(client, small)
            assert first.status_code == 200
            assert first.json()["usage"]["tokens_in"] > 1000
            second = ask(client, small)
            assert second.status_code == 429
            assert int(second.headers["retry-after"]) > 60 or int(second.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"not json", 422),
        (b"[]", 422),
        (b'{"valence": 7}', 422),
        (b'{"nonsense": 1}', 422),
        (b'{"valence": NaN}', 422),
        (b"[" * 3000, 413),
        (b'{"brief": "' + b"x" * 70_000 + b'"}', 413),
        (b"\xff\xfe{}", 422),
        (b'{"seed": -1}', 422),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_request_is_explained(client: TestClient, token: str, body: bytes, status: int) -> None:
    answer = client.post("/api/music/generate", content=body, headers=bearer(token))
    assert answer.status_code == status
    assert answer.json()["error"]
    assert len(answer.text) < 800


def test_only_post_is_answered(client: TestClient, token: str) -> None:
    assert client.get("/api/music/generate", headers=bearer(token)).status_code == 405


@settings(max_examples=60)
@given(body=st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["valence", "form", "key", "section_plan", "brief", "motif_seed"]), inner, max_size=5
    ),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_body_breaks_the_server(body: bytes) -> None:
    client, token = _fuzzed()
    answer = client.post("/api/music/generate", content=body, headers=bearer(token))
    assert answer.status_code in {200, 413, 422}
    assert "error" in answer.json() or answer.json()["report"]["valid"]


_kept: list[Any] = []


def _fuzzed() -> tuple[TestClient, str]:
    """One client for all examples of the property test."""
    if not _kept:
        _kept.append((TestClient(Starlette(routes=api.ROUTES), raise_server_exceptions=False), None))
        _kept[0] = (_kept[0][0], create_token(api.database(), "fuzz", requests_a_minute=0)[1])
    return _kept[0]


def test_health_needs_no_token_and_tells_when_the_database_is_gone(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/api/health").json() == {"status": "ok", "database": True, "pieces": api_pieces(client)}

    def gone() -> Database:
        from workbench.core.errors import DatabaseError

        raise DatabaseError("No database.", hint="Start it.")

    monkeypatch.setattr(api, "database", gone)
    answer = client.get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    assert client.post("/api/music/generate", json=WISH, headers=bearer("wbk_x")).status_code == 503


def api_pieces(client: TestClient) -> int:
    return int(client.get("/api/health").json()["pieces"])


def test_the_callers_never_learn_which_model_it_was(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    import random

    rng = random.Random(9)
    with Loopback() as server:
        server.behave = lambda _: at_random(rng)
        settings = Settings.model_validate(
            {
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": server.key,
                "WORKBENCH_PROVIDER": "openai",
                "WORKBENCH_MODEL_BASE": "loop-large",
                "WORKBENCH_MODEL_FT": TUNED,
                "WORKBENCH_MODEL_VARIANT": "ft",
                "WORKBENCH_MODEL_TIMEOUT": 2,
            }
        )
        _, token = create_token(database, "many", requests_a_minute=0, tokens_a_day=0)
        for client in client_for(monkeypatch, database, settings):
            variants = set()
            for seed in range(40):
                answer = ask(client, token, {"duration": 20, "seed": seed})
                assert answer.status_code == 200
                assert answer.json()["report"]["valid"]
                variants.add((answer.json()["provider"], answer.json()["variant"]))
                text = answer.text + str(answer.headers)
                assert TUNED not in text
                assert server.key not in text
            assert ("openai", "ft") in variants
            assert len(variants) > 1


# --- a server of its own ---------------------------------------------------------------------------------------------


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def curl(url: str, token: str = "", body: bytes | None = None) -> tuple[int, dict[str, Any], Any]:
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read()), refusal.headers


def test_a_server_started_with_only_environment_variables_serves_a_piece(tmp_path: Path) -> None:
    with Loopback() as server:
        server.behave = lambda _: None
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")} | {
            "WORKBENCH_DATA_DIR": str(tmp_path),
            "WORKBENCH_PROVIDER": "openai",
            "WORKBENCH_MODEL_BASE": "loop-large",
            "WORKBENCH_MODEL_FT": TUNED,
            "WORKBENCH_MODEL_VARIANT": "ft",
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": server.key,
        }
        token = run(["token", "create", "curl", "--requests-a-minute", "3"], environment).stdout.strip()
        assert token.startswith("wbk_")
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        log = tmp_path / "log.txt"
        with log.open("w") as out, subprocess.Popen(
            [sys.executable, "-m", "workbench", "serve", "--port", str(port)], env=environment, cwd=ROOT, stdout=out,
            stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            try:
                for _ in range(200):
                    try:
                        if curl(f"{url}/api/health")[0] == 200:
                            break
                    except OSError:
                        time.sleep(0.1)
                body = json.dumps(WISH).encode()
                assert curl(f"{url}/api/music/generate", body=body)[0] == 401
                assert curl(f"{url}/api/music/generate", "wbk_" + "B" * 43, body)[0] == 401
                server.queue(Malformed(), Status(404))
                status, told, _ = curl(f"{url}/api/music/generate", token, body)
                assert status == 200
                assert told["report"]["valid"]
                assert (told["variant"], told["outcome"]) == ("ft", "repaired")
                status, told, _ = curl(f"{url}/api/music/generate", token, body)
                assert (told["variant"], told["outcome"]) == ("base", "re-asked")
                server.queue(Slow(0.001))
                assert curl(f"{url}/api/music/generate", token, body)[0] == 200
                status, told, headers = curl(f"{url}/api/music/generate", token, body)
                assert status == 429
                assert int(headers["Retry-After"]) >= 1
                assert told["hint"]
                assert run(["token", "revoke", "curl"], environment).returncode == 0
                assert curl(f"{url}/api/music/generate", token, body)[0] == 401
            finally:
                process.terminate()
                process.wait(20)
        written = log.read_text() + "".join(
            path.read_bytes().decode("latin-1") for path in tmp_path.iterdir() if path.is_file()
        )
        assert TUNED not in written
        assert server.key not in written
        assert token not in written


def test_the_template_chosen_for_everybody_is_the_apis_as_well(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    usual = built_in()[0]
    saved = save_version(database, "brisk", {**usual.parts, "system": "Be brisk."})
    choose_template(database, saved.label)
    with Loopback() as server:
        settings = Settings.model_validate(
            {
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": server.key,
                "WORKBENCH_PROVIDER": "openai",
                "WORKBENCH_MODEL_BASE": "loop-large",
            }
        )
        _, token = create_token(database, "one")
        for client in client_for(monkeypatch, database, settings):
            assert ask(client, token).status_code == 200
        assert server.seen[-1].body["messages"][0]["content"] == "Be brisk."  # type: ignore[index]
