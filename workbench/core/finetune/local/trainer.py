"""The trainer, in a process of its own: ``python -m workbench.core.finetune.local.trainer FOLDER``.

It does what ``order.json`` in the folder says, tells how it goes in the files of ``journal``, goes on from its last
whole checkpoint, stops after the step at hand on SIGTERM, and leaves ``adapter``, ``merged`` and a card. ``accelerate
launch`` may start it several times over; only the first process writes.

What an order may say in ``more``: ``lora`` (True), ``rank`` (16), ``steps`` (in place of epochs), ``save_every`` (steps
from checkpoint to checkpoint), ``accumulate`` (batches to a step), ``max_length`` (tokens), ``licence``, ``dataset``
(its hash).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.finetune.local import journal
from workbench.core.finetune.local.cards import card_text, licence_of
from workbench.core.finetune.local.journal import Journal, last_checkpoint, read_metrics, read_order, write_status
from workbench.core.finetune.training import Order

LOG_EVERY = 5
SMALL = 20_000_000
"""Parameters; a model below learns at rates at which a larger one forgets."""
RATES = {("supervised", True): 2e-4, ("supervised", False): 2e-5, ("dpo", True): 1e-5, ("dpo", False): 1e-6}
SMALL_RATES = {("supervised", True): 1e-2, ("supervised", False): 4e-3, ("dpo", True): 1e-3, ("dpo", False): 2e-4}
"""Usual learning rates by method and whether LoRA is used: those of TRL's documentation, and for small models by trial
on the workbench's own rows."""
BATCH = 4


class Stop:
    """Whether somebody wants the training to end early."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / journal.STOP
        self._heard = False
        signal.signal(signal.SIGTERM, self._hear)

    def _hear(self, *_: Any) -> None:
        self._heard = True

    def __bool__(self) -> bool:
        return self._heard or self._file.exists()


def main(folder: Path) -> int:
    """Do the order in a folder; the exit code."""
    stop = Stop(folder)
    order = read_order(folder)
    if os.environ.get("RANK", "0") != "0":
        train(order, None, stop)
        return 0
    before = float(journal.read_status(folder).get("seconds") or 0)
    began = time.monotonic()
    told = Journal(folder)
    write_status(folder, state="running", raw="loading", pid=os.getpid(), problem="", hint="")
    try:
        ended = train(order, told, stop)
    except Exception as problem:
        traceback.print_exc()
        message, hint = explain(problem)
        told.event(message, "error")
        ended = {"state": "failed", "raw": type(problem).__name__, "problem": message, "hint": hint}
    finally:
        told.close()
    write_status(folder, **ended, seconds=round(before + time.monotonic() - began, 1))
    return 1 if ended["state"] == "failed" else 0


def explain(problem: Exception) -> tuple[str, str]:
    """What went wrong in plain words, and what to do."""
    if isinstance(problem, WorkbenchError):
        return problem.message, problem.hint
    text = str(problem)
    if isinstance(problem, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text:
        return "The memory ran out.", "Take a smaller batch, shorter rows or a smaller model."
    if isinstance(problem, OSError) and problem.errno == 28:
        return "The disk is full.", "Make room; the training then goes on from its last checkpoint."
    first = text.strip().splitlines()[0][:300] if text.strip() else "no more was told"
    return f"The trainer failed: {first} ({type(problem).__name__}).", f"The whole story is in {journal.LOG}."


def train(order: Order, told: Journal | None, stop: Stop) -> dict[str, Any]:
    """Train, from the last checkpoint where there is one; the members of the status at the end."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workbench.core.finetune.local.telling import teller

    lora = bool(order.more.get("lora", True))
    tokenizer = AutoTokenizer.from_pretrained(order.model)
    model = AutoModelForCausalLM.from_pretrained(order.model, dtype=_dtype())
    limit = int(order.more.get("max_length") or getattr(model.config, "max_position_embeddings", 0) or 0)
    rows = _rows(order.train, tokenizer, limit)
    held_out = _rows(order.validation, tokenizer, limit) if order.validation else None
    settings = plan(order, len(rows), model.num_parameters(), lora)
    trainer = _trainer(order, model, tokenizer, rows, held_out, settings, limit, lora)
    resumed = last_checkpoint(order.folder)
    trainer.add_callback(teller(order.folder, told, stop))
    if told is not None:
        begins = f"goes on from step {resumed.name.partition('-')[2]}" if resumed else "begins"
        told.event(f"The training {begins}: {len(rows)} rows, {settings['steps']} steps.")
    if resumed:
        trainer.args.eval_on_start = False  # it was told at the beginning
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    done = int(trainer.state.global_step)
    if stop and done < settings["steps"]:
        if told is not None:
            told.event(f"Stopped after step {done}, as asked.")
        return {"state": "cancelled", "raw": "stopped", "step": done}
    _finish(order, trainer, tokenizer, settings, lora)
    if told is not None:
        told.event(f"The training is done after {done} steps.")
    return {"state": "succeeded", "raw": "done", "step": done, "model": str(order.folder / journal.MERGED)}


def plan(order: Order, rows: int, parameters: int, lora: bool) -> dict[str, Any]:
    """The hyperparameters as they will be used."""
    batch = min(order.batch_size or BATCH, rows)
    accumulate = int(order.more.get("accumulate", 1))
    world = int(os.environ.get("WORLD_SIZE", "1"))
    steps = int(order.more.get("steps") or math.ceil(math.ceil(rows / (batch * accumulate * world)) * order.epochs))
    rate = (SMALL_RATES if parameters < SMALL else RATES)[order.method, lora] * (order.learning_rate or 1.0)
    settings = {
        "train_sha256": hashlib.sha256(order.train.read_bytes()).hexdigest(),
        "method": order.method, "lora": lora, "rows": rows, "steps": max(1, steps), "batch": batch,
        "accumulate": accumulate, "processes": world, "learning_rate": rate, "seed": order.seed,
        "save_every": int(order.more.get("save_every") or max(LOG_EVERY, steps // 10)),
    }  # fmt: skip
    if lora:
        settings["rank"] = int(order.more.get("rank", 16))
    if order.method == "dpo":
        settings["beta"] = order.beta if order.beta is not None else 0.1
    return settings


def _dtype() -> Any:
    import torch

    return torch.bfloat16 if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else torch.float32


def _rows(file: Path, tokenizer: Any, limit: int) -> Any:
    """The rows of a file, of which none may be cut: a structure without its end teaches to leave it out."""
    from datasets import Dataset

    with file.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    for number, row in enumerate(rows, 1):
        for answer in (row[name] for name in ("completion", "chosen", "rejected") if name in row):
            said = tokenizer.apply_chat_template(row["prompt"] + answer, tokenize=True, return_dict=True)
            if limit and len(said["input_ids"]) > limit:
                raise InvalidInputError(
                    f"Row {number} of {file.name} has {len(said['input_ids']):,} tokens of at most {limit:,}.",
                    hint="Leave long rows out, or take a model with a longer context.",
                )
    return Dataset.from_list(rows)


def _trainer(
    order: Order, model: Any, tokenizer: Any, rows: Any, held_out: Any, settings: dict[str, Any], limit: int, lora: bool
) -> Any:
    import torch
    from peft import LoraConfig
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    gpu = torch.cuda.is_available()
    common = {
        "output_dir": str(order.folder / journal.CHECKPOINTS), "max_steps": settings["steps"], "seed": order.seed,
        "per_device_train_batch_size": settings["batch"], "per_device_eval_batch_size": settings["batch"],
        "gradient_accumulation_steps": settings["accumulate"], "learning_rate": settings["learning_rate"],
        "lr_scheduler_type": "cosine", "warmup_steps": min(20, settings["steps"] // 10),
        "logging_steps": min(LOG_EVERY, settings["save_every"]), "logging_nan_inf_filter": False,
        "save_steps": settings["save_every"], "save_total_limit": 2, "report_to": "none", "disable_tqdm": True,
        "eval_strategy": "steps" if held_out is not None else "no", "eval_steps": settings["save_every"],
        "eval_on_start": held_out is not None, "use_cpu": not gpu, "bf16": gpu and torch.cuda.is_bf16_supported(),
        "gradient_checkpointing": gpu, "max_length": limit or None, "dataloader_pin_memory": gpu,
    }  # fmt: skip
    peft = LoraConfig(
        r=settings.get("rank", 16), lora_alpha=2 * settings.get("rank", 16), lora_dropout=0.0,
        target_modules="all-linear", task_type="CAUSAL_LM",
    ) if lora else None  # fmt: skip
    parts = {"model": model, "processing_class": tokenizer, "train_dataset": rows, "eval_dataset": held_out}
    if order.method == "dpo":
        return DPOTrainer(args=DPOConfig(**common, beta=settings["beta"]), peft_config=peft, **parts)
    return SFTTrainer(args=SFTConfig(**common, completion_only_loss=True), peft_config=peft, **parts)


def _finish(order: Order, trainer: Any, tokenizer: Any, settings: dict[str, Any], lora: bool) -> None:
    """Write the adapter, the whole model and the card; each appears when it is whole."""
    if not trainer.is_world_process_zero():
        return
    folder = order.folder
    licence = str(order.more.get("licence") or licence_of(Path(order.model)))
    card = card_text(order, licence=licence, settings=settings, metrics=read_metrics(folder))
    model = trainer.accelerator.unwrap_model(trainer.model)
    if lora:
        with _placed(folder / journal.ADAPTER) as place:
            model.save_pretrained(place)
            (place / journal.CARD).write_text(card, "utf-8")
        model = model.merge_and_unload()
    with _placed(folder / journal.MERGED) as place:
        model.save_pretrained(place)
        tokenizer.save_pretrained(place)
        (place / journal.CARD).write_text(card, "utf-8")
    journal.write_whole(folder / journal.CARD, card)


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """A folder that takes its name when all is in it."""
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    yield part
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
