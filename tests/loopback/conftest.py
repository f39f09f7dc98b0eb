"""A running server for each module of tests, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loopback import Loopback
from loopback_asking import Clients
from openai import OpenAI


@pytest.fixture(scope="module")
def running() -> Iterator[Clients]:
    with Loopback() as server, Clients(server) as clients:
        yield clients
        assert server.until(lambda server: server.in_flight == 0)


@pytest.fixture
def server(running: Clients) -> Loopback:
    """The running server, as if new."""
    assert running.server.until(lambda server: server.in_flight == 0)
    running.server.forget()
    return running.server


@pytest.fixture
def client(running: Clients, server: Loopback) -> OpenAI:
    return running.client


@pytest.fixture
def clients(running: Clients, server: Loopback) -> Clients:
    return running


@pytest.fixture(scope="module")
def usual(running: Clients) -> str:
    """The answer that comes when nothing goes wrong."""
    return running.meet(None, "sync whole").text


@pytest.fixture(params=["sync whole", "sync stream", "async whole", "async stream"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sync stream", "async stream"])
def streamed(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["sync whole", "async whole"])
def whole(request: pytest.FixtureRequest) -> str:
    return str(request.param)
