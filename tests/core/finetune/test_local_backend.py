"""The local backend: what it refuses and in which words, what it reads, and what it makes of trainers that are gone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.finetune.local_material import ROOT, short_rows, trains, write_rows
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.backends import local
from workbench.core.finetune.backends.local import DIED, TRAINER, LocalBackend, command_of, refuse_command
from workbench.core.finetune.backends.registry import make_backend
from workbench.core.finetune.local import asking, journal
from workbench.core.finetune.local.asking import refuse_files, refuse_model, refuse_processor, refuse_space
from workbench.core.finetune.local.cards import card_text, licence_of
from workbench.core.finetune.local.trainer import explain, plan
from workbench.core.finetune.training import Metric, Order
from workbench.core.settings import Settings

ROWS = short_rows(examples=6, keys=2)


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    made = make_backend("local", Settings(WORKBENCH_DATA_DIR=str(tmp_path / "data")))  # type: ignore[call-arg]
    assert isinstance(made, LocalBackend)
    return made


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order with sound files, and a model that is one by its files alone."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"max_position_embeddings": 4096}')
    (model / "model.safetensors").write_bytes(b"0" * 1000)
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\nA model.\n")
    train = write_rows(tmp_path / "train.jsonl", ROWS[:-3])
    held_out = write_rows(tmp_path / "held-out.jsonl", ROWS[-3:])
    return Order("job", str(model), "supervised", train, held_out, tmp_path / "job")


def refused(call: Callable[..., None], *given: Any) -> str:
    with pytest.raises(InvalidInputError) as problem:
        call(*given)
    assert problem.value.hint
    return problem.value.message


def test_a_sound_order_is_not_refused(order: Order) -> None:
    refuse_model(order)
    refuse_files(order, "trl-sft")
    refuse_space(order)


def test_a_model_has_to_be_there_and_its_licence_known(order: Order, tmp_path: Path) -> None:
    assert "no model" in refused(refuse_model, replace(order, model=str(tmp_path / "nowhere")))
    assert "no model" in refused(refuse_model, replace(order, model="../../etc"))
    (tmp_path / "model" / "README.md").unlink()
    assert "licence" in refused(refuse_model, order)
    assert "licence" in refused(refuse_model, replace(order, model="somebody/some-model"))
    refuse_model(replace(order, model="somebody/some-model", more={"licence": "MIT"}))
    (tmp_path / "model" / "model.safetensors").unlink()
    assert "holds no model" in refused(refuse_model, order)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ("---\nlicense: other\nlicense_name: llama-3\n---\n", "llama-3"),
        ("---\nlicense: unknown\n---\n", ""),
        ("license: mit\n", ""),
        ("---\ntags: []\n---\nlicense: mit\n", ""),
    ],
)
def test_the_licence_is_the_one_in_the_head_of_the_card(card: str, licence: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    assert licence_of(tmp_path) == licence
    (tmp_path / "LICENSE").write_text("You may.")
    assert licence_of(tmp_path) == (licence or "LICENSE")


def test_files_with_too_few_or_broken_or_shared_rows_are_refused(order: Order, tmp_path: Path) -> None:
    few = write_rows(tmp_path / "few.jsonl", ROWS[:9])
    assert refused(refuse_files, replace(order, train=few), "trl-sft") == "There are 9 rows to learn from."
    shared = write_rows(tmp_path / "shared.jsonl", ROWS[:2])
    assert "2 of the held-out rows" in refused(refuse_files, replace(order, validation=shared), "trl-sft")
    (tmp_path / "broken.jsonl").write_text(order.train.read_text("utf-8") + "{\n", "utf-8")
    assert "line " in refused(refuse_files, replace(order, train=tmp_path / "broken.jsonl"), "trl-sft")


@trains
def test_a_row_over_the_model_s_context_is_refused(order: Order, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = Tokenizer(models.BPE({letter: i for i, letter in enumerate(pre_tokenizers.ByteLevel.alphabet())}, []))
    letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters.save(str(tmp_path / "model" / "tokenizer.json"))
    refuse_files(order, "trl-sft")
    longest = max(len(row.prompt[0].content.encode()) + len(row.answer.encode()) for row in ROWS)
    refuse_files(replace(order, more={"max_length": longest}), "trl-sft")
    found = refused(refuse_files, replace(order, more={"max_length": longest - 1}), "trl-sft")
    assert f"has {longest:,} tokens; the model reads {longest - 1:,}" in found


def test_a_large_model_is_refused_where_there_is_no_gpu(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    with (Path(order.model) / "more.safetensors").open("wb") as stream:
        stream.truncate(asking.MOST_WITHOUT_GPU)  # takes no room on the disk
    monkeypatch.setattr(asking, "has_gpu", lambda: False)
    assert "no GPU" in refused(refuse_processor, order)
    refuse_processor(replace(order, more={"cpu": True}))
    monkeypatch.setattr(asking, "has_gpu", lambda: True)
    refuse_processor(order)


@trains
def test_a_model_of_the_hub_is_refused_where_it_must_not_be_fetched(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    away = replace(order, model="somebody/no-such-model", more={"licence": "MIT"})
    assert "HF_HUB_OFFLINE" in refused(refuse_model, away)


def test_the_plan_counts_steps_over_all_processes(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = plan(replace(order, epochs=1.5, batch_size=2, learning_rate=2.0), 40, 10**9, True)
    assert (settings["steps"], settings["save_every"], settings["learning_rate"]) == (30, 5, 4e-4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert plan(replace(order, epochs=1.5, batch_size=2), 40, 10**9, True)["steps"] == 15
    dpo = plan(replace(order, method="dpo", more={"steps": 7}), 3, 10**6, False)
    assert (dpo["steps"], dpo["batch"], dpo["beta"], "rank" in dpo) == (7, 3, 0.1, False)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (RuntimeError("CUDA out of memory. Tried"), "The memory ran out."),
        (OSError(28, "No space left on device"), "The disk is full."),
        (ValueError("odd\nmore"), "The trainer failed: odd (ValueError)."),
        (KeyError(), "The trainer failed: no more was told (KeyError)."),
        (InvalidInputError("Too long.", hint="Cut."), "Too long."),
    ],
)
def test_why_a_training_failed_is_said_in_plain_words(problem: Exception, said: str) -> None:
    message, hint = explain(problem)
    assert message == said
    assert hint


def test_a_full_disk_is_refused(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking.shutil, "disk_usage", lambda _: SimpleNamespace(free=asking.SPARE))
    assert "The disk has 0.1 GB free" in refused(refuse_space, order)


def test_what_is_missing_is_named_with_the_way_to_install_it(
    backend: LocalBackend, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: None if name in ("trl", "peft") else object())
    assert backend.ready() == "Training here needs trl, peft: pip install -r requirements-local.txt"
    with pytest.raises(InvalidInputError, match=r"requirements-local\.txt"):
        backend.refuse(order)


def test_nothing_heavy_is_loaded_to_follow_a_training() -> None:
    code = "import sys, workbench.core.finetune.backends.local; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = done.stdout.split()
    assert "workbench.core.finetune.local.asking" in loaded
    assert not {"torch", "transformers", "trl", "peft", "accelerate", "tokenizers"} & set(loaded)


def test_the_command_is_the_trainer_alone_or_by_a_launcher(order: Order) -> None:
    folder = str(order.folder.resolve())
    assert command_of(order) == (sys.executable, "-m", TRAINER, folder)
    several = command_of(order, 4)
    assert several[1:5] == ("-m", "accelerate.commands.launch", "--num_processes", "4")
    for command in (command_of(order), several):
        refuse_command(command, order.folder)
    edited = [*several[:3], "--num_machines", "2", *several[3:]]
    refuse_command(command_of(replace(order, more={"command": edited})), order.folder)
    for command in (
        [], ["rm", "-m", TRAINER, folder], [sys.executable, "-c", "1", "-m", TRAINER, folder],
        [*several[:3], "--no_python", "rm", "-m", TRAINER, folder], [sys.executable, "-m", TRAINER, "/elsewhere"],
    ):  # fmt: skip
        assert "does not start the trainer" in refused(refuse_command, command, order.folder)


def test_models_in_the_data_folder_are_offered(backend: LocalBackend, order: Order) -> None:
    assert backend.models() == ()
    folder = backend.settings.data_dir / "models"
    folder.mkdir(parents=True)
    Path(order.model).rename(folder / "small")
    (found,) = backend.models()
    assert (Path(found.id).name, found.limit, found.licence) == ("small", 4096, "apache-2.0")


@trains
def test_a_trainer_that_is_gone_has_failed_or_was_cancelled(backend: LocalBackend, tmp_path: Path) -> None:
    handle = {"folder": str(tmp_path), "pid": 2**22 + 1, "started": 1.0}
    assert backend.status(handle).state == "unknown"
    journal.write_status(tmp_path, state="running", raw="training")
    assert (backend.status(handle).state, backend.status(handle).problem) == ("failed", DIED)
    (tmp_path / journal.STOP).touch()
    assert backend.status(handle).state == "cancelled"
    journal.write_status(tmp_path, state="failed", problem="The disk is full.")
    assert backend.status(handle).problem == "The disk is full."


def test_one_folder_holds_one_training(backend: LocalBackend, order: Order) -> None:
    order.folder.mkdir()
    (order.folder / journal.ORDER).write_text(journal.order_text(order), "utf-8")
    assert journal.same_order(journal.read_order(order.folder), replace(order, more={"command": ["another"]}))
    with pytest.raises(InvalidInputError, match="another training"):
        backend.start(replace(order, seed=7), {}, lambda _: None)


def test_a_line_that_broke_off_is_passed_over_and_the_last_word_counts(tmp_path: Path) -> None:
    with closing(journal.Journal(tmp_path)) as first:
        first.event("one")
        first.metric(5, {"train_loss": 2.0, "valid_loss": None})
    with (tmp_path / journal.JOURNAL).open("ab") as stream:
        stream.write(b'{"at": "2026-11-29T1')
    with closing(journal.Journal(tmp_path)) as second:
        second.event("two")
        second.metric(5, {"train_loss": 1.5})
    assert [(each.id, each.message) for each in journal.read_events(tmp_path)] == [("1", "one"), ("4", "two")]
    assert journal.read_metrics(tmp_path) == (Metric(5, 1.5),)


@given(st.binary(max_size=200))
def test_any_journal_can_be_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("journal")
    (folder / journal.JOURNAL).write_bytes(data)
    (folder / journal.STATUS).write_bytes(data)
    assert journal.read_events(folder) == ()
    assert journal.read_metrics(folder) == ()
    assert isinstance(journal.read_status(folder), dict)


def test_a_checkpoint_that_was_not_finished_is_not_the_last(tmp_path: Path) -> None:
    for step in (5, 10, 15):
        (tmp_path / journal.CHECKPOINTS / f"checkpoint-{step}").mkdir(parents=True)
    for step in (5, 10):
        (tmp_path / journal.CHECKPOINTS / f"checkpoint-{step}" / journal.COMPLETE).touch()
    last = journal.last_checkpoint(tmp_path)
    assert last is not None
    assert last.name == "checkpoint-10"


def test_the_card_tells_the_dataset_by_its_hash_and_no_path_of_the_machine(order: Order) -> None:
    told = replace(order, more={"dataset": "f00d"}, suffix="pocket")
    card = card_text(told, licence="apache-2.0", settings={"train_sha256": "beef", "steps": 3}, metrics=())
    assert "`f00d`" in card
    assert "`beef`" in card
    assert str(order.folder.parent) not in card
    head = card.split("---")[1]
    assert 'license: "apache-2.0"' in head
    assert json.loads(head.split("base_model: ")[1].splitlines()[0]) == "model"
