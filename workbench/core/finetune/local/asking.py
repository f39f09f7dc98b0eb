"""What is asked of an order before the trainer starts: a model with a licence, rows that fit, room on the disk.

Nothing heavy is loaded: models are looked at by their files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from workbench.core.datasets.files.file_check import check_file
from workbench.core.datasets.files.overlap import overlap
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.local.cards import licence_of
from workbench.core.finetune.training import LEAST_ROWS, Order

SPARE = 100_000_000
"""Bytes that have to stay free beside what the training writes."""
MOST_WITHOUT_GPU = 2_000_000_000
"""Bytes of weights: about a billion parameters at half precision."""
ADAPTERS, WHOLE = 2.0, 8.0
"""What is written, in sizes of the model: merged and on its way with LoRA; else two checkpoints of three besides."""
_ANY = 2**31
"""No limit: the tokens of hosted models are others; the model's own are counted here."""
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


def refuse_model(order: Order) -> None:
    """Refuse a model that is not there, or one of which nobody knows the licence.

    Raises:
        InvalidInputError: one of these.
    """
    folder = Path(order.model)
    if folder.is_dir():
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise InvalidInputError(
                f"{order.model} holds no model.", hint="It has to hold config.json and weights in .safetensors."
            )
    elif folder.is_absolute() or not _HUB.fullmatch(order.model):
        raise InvalidInputError(f"There is no model {order.model[:200]}.", hint="Name a folder, or an id on the hub.")
    elif os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE") and not _is_cached(order.model):
        raise InvalidInputError(
            f"{order.model[:200]} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it.",
            hint="Fetch it before, or name the folder that it lies in.",
        )
    if not (str(order.more.get("licence") or "").strip() or licence_of(folder)):
        raise InvalidInputError(
            "Nobody knows the licence of this base model.",
            hint="Look it up where the model comes from and give it, as an SPDX id.",
        )


def refuse_processor(order: Order) -> None:
    """Refuse a model that only a GPU can train in good time, where there is none; ``more["cpu"]`` insists.

    Raises:
        InvalidInputError: no GPU.
    """
    size = _weight(order)
    if size > MOST_WITHOUT_GPU and not order.more.get("cpu") and not has_gpu():
        raise InvalidInputError(
            f"The model has {size / 1e9:.1f} GB and there is no GPU here: it would take weeks.",
            hint=f"Take a model below {MOST_WITHOUT_GPU / 1e9:.0f} GB, or a machine with a GPU.",
        )


def has_gpu() -> bool:
    """Whether this machine has a GPU that torch may use, told by its device files; nothing is loaded to find out."""
    return sys.platform == "darwin" or any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/kfd"))


def refuse_files(order: Order, format: str) -> None:
    """Refuse too few or broken rows, rows that the model cannot read whole, and held-out rows that are trained on.

    Raises:
        InvalidInputError: one of these; the message names the file, and the line where it is one.
    """
    count = _counter(order)
    for file in (order.train, order.validation):
        if file is None:
            continue
        report = check_file(file, format=format, music=False, max_tokens=_ANY)
        if report.errors:
            raise InvalidInputError(f"{file.name}: {report.tally.told[0]}", hint="Mend the file first.")
        if file == order.train and report.rows < LEAST_ROWS:
            raise InvalidInputError(
                f"There are {report.rows} rows to learn from.", hint=f"At least {LEAST_ROWS} are needed."
            )
        _refuse_long(file, *count)
    if order.validation is not None and (shared := overlap(order.train, order.validation)).rows:
        raise InvalidInputError(
            f"{shared.rows} of the held-out rows are trained on as well, the first on line {shared.told[0].other}.",
            hint="Take them out of one of the files.",
        )


def refuse_space(order: Order) -> None:
    """Refuse a training whose models would not fit on the disk.

    Raises:
        InvalidInputError: the disk has too little room.
    """
    needed = int(_weight(order) * (ADAPTERS if order.more.get("lora", True) else WHOLE)) + SPARE
    there = next(folder for folder in (order.folder.resolve(), *order.folder.resolve().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise InvalidInputError(
            f"The disk has {free / 1e9:.1f} GB free; the training needs {needed / 1e9:.1f} GB.",
            hint="Make room, or take a smaller model.",
        )


def _weight(order: Order) -> int:
    """Bytes of the model's weights; 0 where it is still to be fetched."""
    return sum(path.stat().st_size for path in Path(order.model).glob("*.safetensors"))


def _is_cached(model: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)


def _counter(order: Order) -> tuple[Any, int]:
    """The model's own tokenizer and its longest row, as far as its folder tells; nothing is fetched."""
    folder = Path(order.model)
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None, 0
    limit = int(order.more.get("max_length") or config.get("max_position_embeddings") or 0)
    if not limit or not (folder / "tokenizer.json").is_file():
        return None, 0
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json")), limit


def _refuse_long(file: Path, tokenizer: Any, limit: int) -> None:
    """The trainer counts again with the chat template: what that adds is left out here."""
    if tokenizer is None:
        return
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            row = json.loads(line) if line.strip() else {}
            prompt = [message["content"] for message in row.get("prompt", ())]
            for name in ("completion", "chosen", "rejected"):
                said = [*prompt, *(message["content"] for message in row.get(name, ()))]
                tokens = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in said)
                if tokens > limit:
                    raise InvalidInputError(
                        f"Line {number} of {file.name} has {tokens:,} tokens; the model reads {limit:,}.",
                        hint="Leave long rows out, or take a model with a longer context.",
                    )
