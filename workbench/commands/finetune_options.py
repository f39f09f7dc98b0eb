"""What a training is asked for with on the command line, and the wish that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.finetune.wishes import Wish

Version = Annotated[str, typer.Argument(metavar="VERSION", help="A dataset version: its id, its beginning, its name.")]
Backend = Annotated[str, typer.Option(help="Who trains: see finetune backends.")]
Model = Annotated[str, typer.Option(help="The base model: its id, or the folder that it lies in.")]
Name = Annotated[str, typer.Option(help="What the training is called.")]
Method = Annotated[
    str | None, typer.Option(metavar="supervised|dpo", help="How it is trained; as the dataset is when not given.")
]
Epochs = Annotated[float, typer.Option(help="How often each row is trained on.")]
Batch = Annotated[int | None, typer.Option("--batch", help="Rows in a batch.")]
Rate = Annotated[float | None, typer.Option("--rate", help="The learning rate, as a factor of the usual one.")]
Beta = Annotated[float | None, typer.Option(help="For dpo: how close the model stays to its base.")]
Suffix = Annotated[str, typer.Option(help="What a hosted service adds to the model's name.")]
Seed = Annotated[int, typer.Option(help="The same seed trains alike.")]
HeldOut = Annotated[bool, typer.Option("--held-out/--no-held-out", help="Measure on the validation rows.")]
Lora = Annotated[bool | None, typer.Option("--lora/--full", help="Train adapters, or all weights. Open weights only.")]
Rank = Annotated[int | None, typer.Option(help="The adapters' rank. Open weights only.")]
Steps = Annotated[int | None, typer.Option(help="Steps in place of epochs. Open weights only.")]
Accumulate = Annotated[int | None, typer.Option(help="Batches to a step. Open weights only.")]
MaxLength = Annotated[int | None, typer.Option("--max-length", help="The longest row in tokens. Open weights only.")]
Licence = Annotated[str, typer.Option(help="The base model's licence as an SPDX id, where nobody knows it.")]
Cpu = Annotated[bool, typer.Option("--cpu", help="Train a large model without a GPU all the same.")]
Processes = Annotated[int, typer.Option(min=1, max=64, help="Train in as many processes, such as one for each GPU.")]
Launch = Annotated[
    str, typer.Option(metavar="COMMAND", help="How the trainer is started, in place of what finetune estimate shows.")
]


def wish_of(options: Mapping[str, Any]) -> Wish:
    """The wish of a command's options, which are named as the wish's members are.

    Raises:
        InvalidInputError: one of them cannot be used.
    """
    from workbench.core.finetune.wishes import Wish, read_wish, usual_launch

    data = {name: options[name] for name in Wish.model_fields}
    if (processes := options["processes"]) > 1:
        if data["launch"]:
            raise InvalidInputError("A launch command says itself how many processes.", hint="Leave --processes out.")
        data["launch"] = usual_launch(processes)
    data["model"] = _absolute(data["backend"], data["model"])
    return read_wish(data)


def _absolute(backend: str, model: str) -> str:
    """A folder by its whole path, since trainers run in a folder of their own; anything else as it is."""
    from workbench.core.finetune.backends import BACKENDS

    there = backend in BACKENDS and not BACKENDS[backend].remote and "\0" not in model
    return str(Path(model).resolve()) if there and model and Path(model).is_dir() else model
