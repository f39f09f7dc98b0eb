"""What a person asks of a training, before it is known whether it can be done."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.training import Method, Order

MAX_SEED = 2**31 - 1
FOLDER, PYTHON = "{folder}", "python"
"""What stands in a launch command for the training's folder, and for the workbench's own Python."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Wish(BaseModel):
    """A training to be done: on a dataset version, from a base model, by a backend.

    What is None the backend chooses. ``learning_rate`` is a factor of its usual one, ``held_out`` says whether it is
    measured on the validation rows. The last eight are for open weights: LoRA or all weights, its rank, steps in place
    of epochs, batches to a step, the base model's licence, training without a GPU all the same, and how the trainer is
    launched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    backend: Text
    model: Text
    version: Text
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    method: Method | None = None
    epochs: float = Field(default=3.0, gt=0, le=1000, allow_inf_nan=False)
    batch_size: int | None = Field(default=None, ge=1, le=4096)
    learning_rate: float | None = Field(default=None, gt=0, le=1000, allow_inf_nan=False)
    beta: float | None = Field(default=None, gt=0, le=10, allow_inf_nan=False)
    suffix: Text = ""
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    held_out: bool = True
    lora: bool | None = None
    rank: int | None = Field(default=None, ge=1, le=1024)
    steps: int | None = Field(default=None, ge=1, le=10_000_000)
    accumulate: int | None = Field(default=None, ge=1, le=4096)
    max_length: int | None = Field(default=None, ge=16, le=10_000_000)
    licence: Text = ""
    cpu: bool = False
    launch: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return self.model_dump(mode="json")

    def extras(self) -> dict[str, Any]:
        """What of it is for open weights alone, as ``Order.more`` names it; nothing that was left as it is."""
        names = ("lora", "rank", "steps", "accumulate", "max_length", "licence", "cpu")
        found = {name: getattr(self, name) for name in names if getattr(self, name) not in (None, "", False)}
        if self.lora is False:
            found["lora"] = False
        return found | ({"command": self.launch} if self.launch else {})

    def order(
        self, id: str, *, method: Method, train: Path, validation: Path | None, folder: Path, dataset: str, extras: bool
    ) -> Order:
        """The order for a backend; ``extras`` says whether it understands what is for open weights.

        Raises:
            InvalidInputError: the launch command cannot be read.
        """
        more = {**self.extras(), "dataset": dataset} if extras else {}
        if "command" in more:
            more["command"] = command_words(self.launch, folder)
        return Order(
            id, self.model, method, train, validation, folder, self.epochs, self.batch_size, self.learning_rate,
            self.beta, self.suffix, self.seed, more,
        )  # fmt: skip


def command_words(launch: str, folder: Path) -> list[str]:
    """A launch command in words, with the folder in its place and this Python as ``python``.

    Raises:
        InvalidInputError: quotes that do not close.
    """
    try:
        words = shlex.split(launch)
    except ValueError as problem:
        raise InvalidInputError(
            f"The launch command cannot be read: {str(problem).lower()}.", hint="Close its quotes.", field="launch"
        ) from None
    places = {PYTHON: sys.executable, FOLDER: str(folder.resolve())}
    return [places.get(word, word) for word in words]


def usual_launch(processes: int = 1) -> str:
    """The launch command as it is shown: by itself, or with ``accelerate launch`` for several processes."""
    from workbench.core.finetune.backends.local import LAUNCHERS, TRAINER

    many = ["-m", LAUNCHERS[0], "--num_processes", str(processes)] if processes > 1 else []
    return " ".join([PYTHON, *many, "-m", TRAINER, FOLDER])


def read_wish(data: object) -> Wish:
    """A wish from JSON.

    Raises:
        InvalidInputError: not a wish; ``field`` names the first member that is wrong.
    """
    if isinstance(data, Wish):
        return data
    try:
        return Wish.model_validate(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        field = "/".join(map(str, first["loc"]))[:80]
        said = str(first["msg"]).removeprefix("Value error, ")
        raise InvalidInputError(
            f"The training cannot be read: {field or 'it'}: {said[:200]}.",
            hint="See: python -m workbench finetune start --help.", field=field,
        ) from None  # fmt: skip


Kind = Literal["chat", "pair"]
METHODS: dict[Kind, Method] = {"chat": "supervised", "pair": "dpo"}
"""The method that each kind of dataset is for."""
