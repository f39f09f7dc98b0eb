"""What the HTTP routes answer, without a browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from loopback import Loopback, Slow
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from studio import SHORT, settings_of

from workbench import server as module
from workbench.core.compose import compose
from workbench.core.generate.generation import settings_for
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.live import Live, Order
from workbench.core.library.database import Database
from workbench.core.library.takes import Take, keep_take
from workbench.core.music.request import Request
from workbench.core.music.structure import piece_id
from workbench.server import VisitCookie, app
from workbench.views import engine
from workbench.views.pieces import Piece, shelf
from workbench.views.visits import COOKIE


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=app._user_routes)) as client:
        yield client


@pytest.fixture
def piece() -> Piece:
    return shelf().composed(Request(duration=20), 1)


def test_health_is_told(client: TestClient) -> None:
    assert client.get("/api/health").json()["status"] == "ok"


def test_a_voice_is_sent_as_ogg_and_may_be_kept_for_ever(client: TestClient, piece: Piece) -> None:
    import soundfile

    answer = client.get(f"/sound/{piece.id}/0.ogg")
    assert answer.headers["content-type"] == "audio/ogg"
    assert "immutable" in answer.headers["cache-control"]
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert len(samples) / rate == pytest.approx(piece.performance.seconds, abs=3)


@pytest.mark.parametrize("path", ["/sound/0000/0.ogg", "/files/0000/midi", "/sound/%2e%2e/0.ogg"])
def test_a_piece_that_is_gone_is_told_with_a_hint(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["hint"]


def test_a_piece_that_somebody_keeps_is_sent_by_any_process(client: TestClient) -> None:
    structure = compose(Request(duration=20), seed=4)
    name = piece_id(structure)
    assert client.get(f"/files/{name}/json").status_code == 404
    keep_take(engine.database(), Take(name, structure), "somebody")
    assert client.get(f"/files/{name}/json").json() == structure.to_dict()


def test_a_voice_or_a_file_that_does_not_exist_is_an_error_of_its_own(client: TestClient, piece: Piece) -> None:
    assert client.get(f"/sound/{piece.id}/99.ogg").json()["error"]
    assert client.get(f"/files/{piece.id}/exe").status_code == 404
    assert client.get(f"/files/{piece.id}/svg-9999").json()["error"]
    assert client.get(f"/files/{piece.id}/svg-x").status_code in {200, 500}


@pytest.mark.parametrize(
    ("kind", "first", "ending"),
    [("midi", b"MThd", "mid"), ("musicxml", b"<?xml", "musicxml"), ("wav", b"RIFF", "wav"), ("json", b"{", "json")],
)
def test_files_are_what_they_say(client: TestClient, piece: Piece, kind: str, first: bytes, ending: str) -> None:
    answer = client.get(f"/files/{piece.id}/{kind}")
    assert answer.content.startswith(first)
    assert f".{ending}" in answer.headers["content-disposition"]


def test_plotly_is_packed_for_those_who_unpack_it(client: TestClient) -> None:
    packed = client.get("/lib/plotly-0.min.js")
    plain = client.get("/lib/plotly-0.min.js", headers={"accept-encoding": "identity"})
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert "immutable" in packed.headers["cache-control"]


@pytest.mark.parametrize("status", [200, 304])
def test_a_browser_is_given_a_visit_with_the_page_and_keeps_it(status: int) -> None:
    page = Starlette(
        routes=[Route("/{path:path}", lambda _: Response(status_code=status))], middleware=[Middleware(VisitCookie)]
    )
    with TestClient(page) as client:
        assert COOKIE not in client.get("/static/x.js", headers={"accept": "*/*"}).cookies
        assert client.get("/", headers={"accept": "text/html"}).cookies[COOKIE]
        assert COOKIE not in client.get("/", headers={"accept": "text/html"}).cookies


# --- a piece that is being written -----------------------------------------------------------------------------------


@pytest.fixture
def endpoint() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def jobs(endpoint: Loopback, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    jobs = Jobs(settings_of(endpoint, WORKBENCH_MODEL_TIMEOUT=30), database)
    monkeypatch.setattr(module, "jobs", lambda: jobs)
    yield jobs
    jobs.close()


def begun(jobs: Jobs, endpoint: Loopback, delay: float) -> Live:
    endpoint.queue(Slow(delay, 32))
    batch = jobs.start([Order(SHORT, settings_for(jobs.settings, seed=3))], "me")
    return jobs.batch(batch)[0]


def test_a_listener_hears_of_each_section_as_soon_as_it_is_complete(
    client: TestClient, jobs: Jobs, endpoint: Loopback
) -> None:
    live, heard, after = begun(jobs, endpoint, 0.02), list[dict[str, Any]](), 0
    while not heard or not heard[-1]["ended"]:
        answer = client.get(f"/live/{live.id}?after={after}&dark=1")
        assert answer.status_code in {200, 204}
        assert answer.headers["cache-control"] == "no-store"
        if answer.status_code == 200:
            heard.append(answer.json())
            after = heard[-1]["sections"]
    assert [news["sections"] for news in heard[:3]] == [1, 2, 3]
    assert [news["growing"] for news in heard] == [True] * (len(heard) - 1) + [False]
    measures = [news["measures"] for news in heard]
    assert measures == sorted(measures)
    assert len({news["piece"] for news in heard}) >= 3
    assert all(news["dark"] and news["plan"] and news["roll"] and news["voices"] for news in heard)
    assert live.generation is not None
    assert heard[-1]["measures"] == live.generation.structure.measures


def test_where_there_is_no_news_the_answer_is_empty(
    client: TestClient, jobs: Jobs, endpoint: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LISTEN_SECONDS", 0.2)
    live = begun(jobs, endpoint, 1.0)
    answer = client.get(f"/live/{live.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    jobs.stop(live.id)
    assert jobs.wait(live.id, 10)
    assert client.get(f"/live/{live.id}").status_code == 204, "nothing came of it"


@pytest.mark.parametrize("after", ["", "99", "-1", "x", "9" * 400, "0&after=1"])
def test_an_ended_piece_is_told_whatever_was_heard_before(
    client: TestClient, jobs: Jobs, endpoint: Loopback, after: str
) -> None:
    live = begun(jobs, endpoint, 0.0)
    assert jobs.wait(live.id, 20)
    news = client.get(f"/live/{live.id}?after={after}").json()
    assert news["ended"]
    assert not news["growing"]


@pytest.mark.parametrize("run", ["unknown", "%2e%2e", "0" * 300])
def test_a_generation_that_this_process_does_not_know_is_told_with_a_hint(
    client: TestClient, jobs: Jobs, run: str
) -> None:
    answer = client.get(f"/live/{run}")
    assert answer.status_code == 404
    assert answer.json()["hint"]
