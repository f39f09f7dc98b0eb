"""Uploads and creations at a hosted service are done once, whatever fails and whoever is killed in between."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fine_tuning_asking import CHAT, Kept, calls, creations, ended, hosted_of, ordered, started
from fine_tuning_jobs import Plan
from loopback import Behaviour, Cut, Loopback, Status
from loopback_http import Incoming

from workbench.core.errors import (
    ModelError,
    ModelRefusedError,
    ModelUnreachableError,
)
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.training import Order

AT_ONCE: Any = {"retry_after": 0.01}


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture(scope="module")
def hosted(running: Loopback) -> HostedTraining:
    return hosted_of(running)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return ordered(tmp_path, CHAT[:12], CHAT[12:])


def test_a_second_try_uploads_nothing_again(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.plan = Plan(available=False)
    kept = Kept()
    with pytest.raises(ModelRefusedError) as refused:
        started(hosted, order, kept)
    assert refused.value.kind == "training-not-available"
    assert "files are kept" in refused.value.message
    assert "open weights" in refused.value.hint
    assert sorted(kept.all["files"].values()) == sorted(server.tuning.files)
    server.tuning.plan = Plan()
    started(hosted, order, kept)
    assert calls(server, "POST", "/v1/files") == 2
    assert len(server.tuning.jobs) == 1


def test_a_file_is_kept_before_the_next_is_uploaded(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.queue(None, *[Status(500, **AT_ONCE)] * 3)
    kept = Kept()
    with pytest.raises(ModelUnreachableError):
        started(hosted, order, kept)
    assert list(kept.all["files"].values()) == list(server.tuning.files)
    assert len(server.tuning.files) == 1
    started(hosted, order, kept)
    assert len(server.tuning.files) == 2


def test_a_file_that_is_gone_or_changed_is_uploaded_again(
    hosted: HostedTraining, server: Loopback, order: Order
) -> None:
    kept = Kept()
    started(hosted, order, kept)
    gone = next(iter(server.tuning.files))
    del server.tuning.files[gone]
    started(hosted, order, kept)
    assert calls(server, "POST", "/v1/files") == 3
    assert gone not in kept.all["files"].values()
    order.train.write_bytes(b"".join(CHAT[:11]))
    started(hosted, order, kept)
    assert calls(server, "POST", "/v1/files") == 4


def test_a_job_waits_until_its_files_are_processed(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.plan = Plan(file_polls=1)
    assert ended(hosted, started(hosted, order)).state == "succeeded"


@pytest.mark.parametrize("lost", [Cut(0.5), Cut(0.5, how="reset")], ids=["closed", "reset"])
def test_a_creation_whose_answer_was_lost_is_found_again(
    hosted: HostedTraining, server: Loopback, order: Order, lost: Behaviour
) -> None:
    server.tuning.behave = creations(lost)
    kept = Kept()
    with pytest.raises(ModelError):
        started(hosted, order, kept)
    assert calls(server, "POST", "/v1/fine_tuning/jobs") == 1
    handle = started(hosted, order, kept)
    assert list(server.tuning.jobs) == [handle["job"]]


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.parametrize("saved", [True, False], ids=["just kept", "not yet kept"])
@pytest.mark.parametrize("moment", range(6))
def test_a_start_that_is_killed_goes_on_where_it_was(
    hosted: HostedTraining, server: Loopback, order: Order, moment: int, saved: bool
) -> None:
    kept, times = Kept(), []

    def keep(held: Mapping[str, Any]) -> None:
        times.append(held)
        if len(times) == moment + 1:
            if saved:
                kept(held)
            raise Killed
        kept(held)

    with pytest.raises(Killed):
        hosted.start(order, kept.all, keep)
    handle = started(hosted, order, kept)
    assert list(server.tuning.jobs) == [handle["job"]]
    assert calls(server, "POST", "/v1/files") == 2
    assert sorted(kept.all["files"].values()) == sorted(server.tuning.files)


@pytest.mark.parametrize("code", [404, 405])
def test_without_lists_a_start_that_was_killed_begins_anew(
    hosted: HostedTraining, server: Loopback, order: Order, code: int
) -> None:
    digest = hashlib.sha256(order.train.read_bytes()).hexdigest()
    kept = Kept()
    kept({"sending": digest, "asked": True})

    def behave(incoming: Incoming) -> Behaviour | None:
        listing = incoming.path.partition("?")[0] in ("/v1/files", "/v1/fine_tuning/jobs")
        return Status(code) if listing and incoming.method == "GET" else None

    server.tuning.behave = behave
    handle = started(hosted, order, kept)
    assert list(server.tuning.jobs) == [handle["job"]]


def test_while_the_list_of_jobs_fails_none_is_created_again(
    hosted: HostedTraining, server: Loopback, order: Order
) -> None:
    server.tuning.behave = creations(Cut(0.5))
    kept = Kept()
    with pytest.raises(ModelError):
        started(hosted, order, kept)

    def behave(incoming: Incoming) -> Behaviour | None:
        return Status(500, **AT_ONCE) if incoming.path.startswith("/v1/fine_tuning/jobs?") else None

    server.tuning.behave = behave
    with pytest.raises(ModelUnreachableError):
        started(hosted, order, kept)
    assert len(server.tuning.jobs) == 1


def test_a_file_that_the_endpoint_finds_broken_is_told_and_sent_anew(
    hosted: HostedTraining, server: Loopback, order: Order
) -> None:
    server.tuning.plan = Plan(file_polls=1, file_fails="Line 3 is odd.")
    kept = Kept()
    with pytest.raises(ModelRefusedError, match=r"cannot use the uploaded file\. Line 3 is odd\."):
        started(hosted, order, kept)
    server.tuning.plan = Plan()
    started(hosted, order, kept)
    assert calls(server, "POST", "/v1/files") == 3
