"""What the hosted backend refuses before anything is uploaded, and what it makes of an endpoint that fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fine_tuning_asking import CHAT, calls, ended, hosted_of, ordered, started
from loopback import KEY, Behaviour, Cut, Garbage, Hang, Leaky, Loopback, Slow, Status
from loopback_http import Incoming

from workbench.core.errors import (
    InvalidInputError,
    ModelBrokeOffError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelUnreachableError,
)
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.backends.openai_models import offered
from workbench.core.finetune.backends.registry import make_backend
from workbench.core.finetune.training import Order
from workbench.core.settings import Settings

AWAY = Settings.model_validate({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
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


# Failures of the endpoint


@pytest.mark.parametrize(
    ("behaviour", "error", "says"),
    [
        (Status(429, **AT_ONCE), ModelBusyError, "too many requests"),
        (Status(429, 0.01, "insufficient_quota"), ModelBusyError, "quota"),
        (Status(500, **AT_ONCE), ModelUnreachableError, "fails (500)"),
        (Status(502, **AT_ONCE), ModelUnreachableError, "fails (502)"),
        (Status(401), ModelRefusedError, "refuses the key"),
        (Status(403), ModelRefusedError, "may not be used"),
        (Leaky(), ModelRefusedError, "refuses the call (400)"),
        (Garbage(), ModelBrokeOffError, "no answer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Behaviour) else "",
)
def test_a_failing_endpoint_is_told_in_words_without_the_key(
    hosted: HostedTraining, server: Loopback, order: Order, behaviour: Behaviour, error: type[ModelError], says: str
) -> None:
    handle = started(hosted, order)
    server.tuning.queue(*[behaviour] * 3)
    with pytest.raises(error) as caught:
        hosted.status(handle)
    assert says in caught.value.message
    assert caught.value.hint
    assert KEY not in f"{caught.value!s} {caught.value!r}"
    assert caught.value.__cause__ is None
    server.tuning.forget()


def test_passing_trouble_is_tried_again(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.queue(Status(429, **AT_ONCE), Status(503, **AT_ONCE), None, Slow(0.01))
    handle = started(hosted, order)
    server.tuning.queue(Cut(0), None)
    assert hosted.status(handle).state == "queued"


def test_a_silent_endpoint_is_left_in_time(server: Loopback, hosted: HostedTraining, order: Order) -> None:
    handle = started(hosted, order)
    server.tuning.queue(*[Hang(5)] * 3)
    with pytest.raises(ModelUnreachableError, match=r"within 0\.1 seconds"):
        hosted_of(server, WORKBENCH_MODEL_TIMEOUT="0.1").status(handle)


def test_an_endpoint_that_is_not_there_is_told() -> None:
    away = HostedTraining(AWAY)
    with pytest.raises(ModelUnreachableError, match="cannot be reached"):
        away.models()


def test_a_model_that_is_not_trained_is_told_when_the_job_is_created(hosted: HostedTraining, order: Order) -> None:
    with pytest.raises(ModelRefusedError, match=r"does not train this model.*not available for fine-tuning"):
        started(hosted, replace(order, model="loop-gone"))


def test_an_unknown_job_is_told(hosted: HostedTraining) -> None:
    with pytest.raises(ModelRefusedError, match="does not know this job") as caught:
        hosted.events({"job": "ftjob-gone"})
    assert "OPENAI_BASE_URL" in caught.value.hint


def test_checkpoints_that_fail_do_not_hide_how_a_running_job_stands(
    hosted: HostedTraining, server: Loopback, order: Order
) -> None:
    handle = started(hosted, order)
    hosted.status(handle)

    def behave(incoming: Incoming) -> Behaviour | None:
        return Status(500, **AT_ONCE) if "checkpoints" in incoming.path else None

    server.tuning.behave = behave
    assert hosted.status(handle).state == "running"
    with pytest.raises(ModelUnreachableError):
        ended(hosted, handle)


# Models


def test_the_models_are_told_with_their_last_day(hosted: HostedTraining) -> None:
    models = {model.id: model for model in hosted.models()}
    assert models["loop-json"].until == "2027-01-14"
    assert models["loop-large"].methods == ("supervised", "dpo")
    assert "not known" in models["loop-large"].note


def test_what_the_table_of_prices_knows_is_told_with_the_models() -> None:
    with Loopback(models=[{"id": "gpt-4.1-mini-2025-04-14", "shutdown_date": "2027-01-14"}, {"id": "odd"}]) as server:
        known, _ = hosted_of(server).models()
    assert (known.limit, known.until) == (65536, "2027-01-14")
    assert "No new jobs after" in known.note


def test_openai_offers_what_the_table_knows_and_nothing_else_that_it_lists() -> None:
    listed = {"gpt-4o-mini-2024-07-18": "2027-01-14", "text-embedding-3-small": "", "ft:gpt-4.1:acme::x": ""}
    models = offered(listed, at_openai=True)
    assert [(model.id, model.until) for model in models] == [
        ("ft:gpt-4.1:acme::x", ""),
        ("gpt-4o-mini-2024-07-18", "2027-01-14"),
    ]
    assert {model.licence for model in models} == {"provider's terms"}
    assert "gpt-4.1-mini" in [model.id for model in offered({}, at_openai=True)]
    assert offered({}, at_openai=False) == ()


def test_without_a_list_of_models_an_order_is_not_refused_for_its_model(server: Loopback, order: Order) -> None:
    listless = hosted_of(server, OPENAI_BASE_URL=f"{server.url}/files")
    assert listless.models() == ()
    listless.refuse(replace(order, model="who-knows"))


def test_without_a_key_openai_is_not_ready(order: Order) -> None:
    keyless = make_backend("openai", Settings.model_validate({}))
    assert "OPENAI_API_KEY" in keyless.ready()
    with pytest.raises(InvalidInputError, match="no key"):
        keyless.refuse(order)
    with pytest.raises(ModelRefusedError, match="no key"):
        keyless.models()
    assert HostedTraining(AWAY).ready() == ""


# What is refused before anything is uploaded


def test_a_good_order_is_not_refused(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    hosted.refuse(order)
    assert [seen.path for seen in server.seen] == ["/v1/models"]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"model": " "}, "model", "No model is named"),
        ({"model": "loop-gone"}, "model", "does not know the model loop-gone"),
        ({"model": "loop-old"}, "model", "was shut down on 2020-01-01"),
        ({"method": "magic"}, "method", "does not train by 'magic'"),
        ({"suffix": "x" * 65}, "suffix", "65 characters"),
        ({"suffix": "a\nb"}, "suffix", "cannot be seen"),
        ({"epochs": 0.5}, "epochs", "whole epochs, not 0.5"),
        ({"epochs": 0}, "epochs", "1 to 50 whole epochs, not 0"),
        ({"epochs": float("nan")}, "epochs", "not nan"),
        ({"batch_size": 0}, "batch_size", "1 to 256 rows"),
        ({"learning_rate": 0.0}, "learning_rate", "above 0"),
        ({"beta": 0.1}, "beta", "for dpo alone"),
        ({"method": "dpo", "beta": 3.0}, "beta", "at most 2"),
        ({"seed": -1}, "seed", "not -1"),
        ({"more": {"rank": 8}}, "more", "no setting rank"),
        ({"method": "dpo"}, "train", "training file cannot be used, line 1: The line is openai-chat"),
    ],
)
def test_an_order_is_refused(
    hosted: HostedTraining, server: Loopback, order: Order, change: dict[str, Any], field: str, says: str
) -> None:
    server.models["loop-old"] = {**server.models["loop-large"], "id": "loop-old", "shutdown_date": "2020-01-01"}
    with pytest.raises(InvalidInputError) as caught:
        hosted.refuse(replace(order, **change))
    del server.models["loop-old"]
    assert caught.value.field == field
    assert says in caught.value.message
    assert caught.value.hint
    assert calls(server, "POST", "/v1/files") == 0


@pytest.mark.parametrize(
    ("train", "validation", "field", "says"),
    [
        (CHAT[:9], None, "train", "The file has 9 of at least 10 rows"),
        ([], None, "train", "The file has no rows"),
        ([*CHAT[:11], b"{\n"], None, "train", "The training file cannot be used, line 12"),
        (CHAT[:12], CHAT[12:15], "validation", "The file has 3 of at least 10 rows"),
        (CHAT[:12], CHAT[11:], "validation", "share 1 row: line 1 of the validation file is line 12 of the training"),
    ],
    ids=["too few", "none", "broken", "too few to validate", "overlap"],
)
def test_files_are_refused(
    hosted: HostedTraining, tmp_path: Path, train: list[bytes], validation: list[bytes] | None, field: str, says: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        hosted.refuse(ordered(tmp_path, train, validation))
    assert caught.value.field == field
    assert says in caught.value.message


def test_two_answers_to_one_prompt_in_both_files_are_refused(hosted: HostedTraining, tmp_path: Path) -> None:
    row = json.loads(CHAT[0])
    row["messages"][-1]["content"] = "{}"
    order = ordered(tmp_path, CHAT[:12], [json.dumps(row).encode() + b"\n", *CHAT[12:]])
    with pytest.raises(InvalidInputError, match="share 1 prompt"):
        hosted.refuse(order)


def test_a_row_over_the_limit_is_refused(hosted: HostedTraining, tmp_path: Path) -> None:
    row = json.loads(CHAT[0])
    row["messages"][-1]["content"] = "la di da " * 40_000
    order = ordered(tmp_path, [json.dumps(row).encode() + b"\n", *CHAT[1:12]])
    with pytest.raises(InvalidInputError, match="takes 65,536"):
        hosted.refuse(replace(order, model="gpt-4.1-mini"))
    hosted.refuse(order)


def test_a_file_that_is_not_there_is_refused(hosted: HostedTraining, order: Order, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        hosted.refuse(replace(order, train=tmp_path / "gone.jsonl"))
    with pytest.raises(InvalidInputError, match=r"gone\.jsonl cannot be read"):
        started(hosted, replace(order, train=tmp_path / "gone.jsonl"))
