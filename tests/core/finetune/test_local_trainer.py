"""The local trainer trains: a tiny model learns, goes on after it was killed, stops when asked, and leaves a model."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.finetune.local_material import short_rows, tiny_model, trains, write_rows
from workbench.core.finetune.backends.local import DIED, LocalBackend
from workbench.core.finetune.local.journal import last_checkpoint
from workbench.core.finetune.training import ENDED, Order
from workbench.core.settings import Settings

pytestmark = trains
STEPS = 40
PATIENCE = 240


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows to learn from, held-out rows, pairs, and a model that has seen none of them."""
    folder = tmp_path_factory.mktemp("material")
    rows = short_rows()
    assert len(rows) >= 55
    train = write_rows(folder / "train.jsonl", [row for number, row in enumerate(rows) if number % 8])
    write_rows(folder / "held-out.jsonl", rows[::8])
    write_rows(folder / "pairs.jsonl", short_rows(pair=True), "trl-dpo")
    tiny_model(folder / "tiny", train)
    return folder


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    return LocalBackend(Settings(WORKBENCH_DATA_DIR=str(tmp_path / "data")))  # type: ignore[call-arg]


def until(true: Callable[[], bool], what: str, folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what}: {(folder / 'trainer.log').read_text()[-3000:]}"
        time.sleep(0.1)


def test_a_killed_training_goes_on_and_the_held_out_loss_falls_by_half(
    backend: LocalBackend, material: Path, tmp_path: Path
) -> None:
    order = Order(
        "job-1", str(material / "tiny"), "supervised", material / "train.jsonl", material / "held-out.jsonl",
        tmp_path / "job", suffix="pocket", batch_size=2,
        more={"lora": False, "steps": STEPS, "save_every": 10, "dataset": "ab12"},
    )  # fmt: skip
    backend.refuse(order)
    kept: list[object] = []
    first = backend.start(order, {}, kept.append)
    assert kept == [first]
    assert backend.start(order, first, kept.append) == first, "it is running: no second trainer"
    until(lambda: any(each.step >= 15 for each in backend.metrics(first)), "fifteen steps", order.folder)
    assert backend.status(first).state == "running"
    before = backend.metrics(first)
    os.kill(int(first["pid"]), signal.SIGKILL)
    until(lambda: backend.status(first).state != "running", "it is dead", order.folder)
    dead = backend.status(first)
    assert (dead.state, dead.problem) == ("failed", DIED)
    checkpoint = last_checkpoint(order.folder)
    assert checkpoint is not None

    second = backend.start(order, first, kept.append)
    assert second["pid"] != first["pid"]
    until(lambda: backend.status(second).state in ENDED, "the end", order.folder)

    status = backend.status(second)
    assert status.state == "succeeded", (status, (order.folder / "trainer.log").read_text()[-3000:])
    assert status.model == str(order.folder / "merged")
    assert status.trained_tokens
    points = backend.metrics(second)
    assert [each.step for each in points] == list(range(0, STEPS + 1, 5))
    assert points[: len(before)] == before, "what was told stays as it was told: it goes on where it would have gone"
    losses = [each.valid_loss for each in points if each.valid_loss is not None]
    assert losses[-1] <= losses[0] / 2
    assert points[-1].valid_accuracy is not None
    assert 0 < points[-1].valid_accuracy <= 1
    told = backend.events(second)
    begins = [each.message for each in told if each.message.startswith("The training")]
    assert f"goes on from step {checkpoint.name.partition('-')[2]}" in begins[1]
    assert backend.events(second, told[1].id) == told[2:]
    assert backend.metrics(second, STEPS - 5) == points[-1:]
    card = (order.folder / "README.md").read_text("utf-8")
    for said in ("ab12", "cc0-1.0", "pocket", "learning rate", f"held-out loss at step {STEPS}"):
        assert said in card
    assert not (order.folder / "adapter").exists()
    assert {"model.safetensors", "tokenizer.json", "README.md"} <= {p.name for p in (order.folder / "merged").iterdir()}
    assert backend.start(order, second, kept.append) == second, "what is done is not done again"


def test_preferences_are_learned_with_an_adapter(backend: LocalBackend, material: Path, tmp_path: Path) -> None:
    order = Order(
        "job-2", str(material / "tiny"), "dpo", material / "pairs.jsonl", None, tmp_path / "job", batch_size=2,
        beta=0.3, more={"steps": 10, "rank": 4},
    )  # fmt: skip
    backend.refuse(order)
    handle = backend.start(order, {}, lambda _: None)
    until(lambda: backend.status(handle).state in ENDED, "the end", order.folder)
    status = backend.status(handle)
    assert status.state == "succeeded", (status, (order.folder / "trainer.log").read_text()[-3000:])
    losses = [each.train_loss for each in backend.metrics(handle)]
    assert len(losses) == 2
    assert losses[-1] < losses[0]
    adapter = json.loads((order.folder / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert adapter["r"] == 4
    assert (order.folder / "merged" / "model.safetensors").read_bytes() != (
        material / "tiny" / "model.safetensors"
    ).read_bytes()
    for card in (order.folder / "README.md", order.folder / "adapter" / "README.md"):
        assert "| beta | 0.3 |" in card.read_text("utf-8")
        assert str(material) not in card.read_text("utf-8")


def test_a_training_that_is_cancelled_stops_and_keeps_its_checkpoint(
    backend: LocalBackend, material: Path, tmp_path: Path
) -> None:
    order = Order(
        "job-3", str(material / "tiny"), "supervised", material / "train.jsonl", None, tmp_path / "job",
        batch_size=1, more={"steps": 5000},
    )  # fmt: skip
    handle = backend.start(order, {}, lambda _: None)
    until(lambda: bool(backend.metrics(handle)), "the first point", order.folder)
    backend.cancel(handle)
    until(lambda: backend.status(handle).state in ENDED, "the end", order.folder)
    assert backend.status(handle).state == "cancelled"
    assert last_checkpoint(order.folder) is not None
    assert backend.events(handle)[-1].message.startswith("Stopped after step")
    backend.cancel(handle)
    assert backend.status(handle).state == "cancelled"
