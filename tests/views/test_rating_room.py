"""What a rater is sent: sounds by tokens, and words of the request alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.core.experiments.ratings.heard_run import heard_run
from workbench.core.experiments.ratings.contests import begin_contest
from workbench.core.experiments.ratings.judging import turn_of
from workbench.core.experiments.ratings.sounds import Booth
from workbench.core.library.database import Database
from workbench.core.music.request import Request
from workbench.server import app
from workbench.views import blind_sounds
from workbench.views.rating_room import request_words


@pytest.fixture
def client(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    booth = Booth(database)
    monkeypatch.setattr(blind_sounds, "booth", lambda: booth)
    with TestClient(Starlette(routes=app._user_routes)) as client:
        yield client


def test_a_sound_is_sent_by_its_token_and_says_nothing_else(client: TestClient, database: Database) -> None:
    contest = begin_contest(database, heard_run(database, 1), curator="ada")
    turn = turn_of(database, contest.id, "Ada")
    assert turn is not None
    for token in (turn.blind.a, turn.blind.b):
        answer = client.get(f"/blind/{contest.id}/{token}.ogg")
        assert (answer.status_code, answer.content[:4]) == (200, b"OggS")
        assert set(answer.headers) == {"cache-control", "content-length", "content-type"}
        assert answer.headers["cache-control"] == "no-store"
    for path in (
        f"{contest.id}/{turn.pair.piece_a}",
        f"{contest.id}/{turn.blind.token}",
        f"nobody/{turn.blind.a}",
        "a/%00",
    ):
        refused = client.get(f"/blind/{path}.ogg")
        assert (refused.status_code, refused.json()["error"]) == (404, "There is no such sound.")


def test_the_request_in_words_is_what_was_asked() -> None:
    asked = Request(form="ABA", period="baroque", key="D major", tempo=90, time_signature="3/4", duration=40, id="gpt")
    told = request_words(asked.model_copy(update={"brief": "A lullaby"}))
    assert told == "thoughtful, baroque, ternary, D major, in 3/4, 90 quarters a minute, about 40 s, “A lullaby”"
