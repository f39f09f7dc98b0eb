"""Orders for a hosted service: what it would refuse, found before anything is uploaded or spent, and its arguments."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from workbench.core.datasets.costs import training_prices
from workbench.core.datasets.files.file_check import check_file
from workbench.core.datasets.files.overlap import overlap
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.training import Method, Order

MAX_SUFFIX = 64
MAX_EPOCHS, MAX_BATCH, MAX_SEED = 50, 256, 2**31 - 1
MAX_FACTOR, MAX_BETA = 100.0, 2.0


def check_order(order: Order, formats: Mapping[Method, str]) -> None:
    """Refuse what is wrong with an order's settings and files; looks at nothing outside.

    Raises:
        InvalidInputError: the first thing that is wrong; ``field`` names the member of the order.
    """
    _check_settings(order, formats)
    _check_file(order.train, "train", order, formats[order.method])
    if order.validation is not None:
        _check_file(order.validation, "validation", order, formats[order.method])
        _check_overlap(order.train, order.validation)


def job_arguments(order: Order, train: str, validation: str | None) -> dict[str, Any]:
    """What a job is created with, for the ids of its uploaded files; what the order leaves open the service chooses."""
    values: dict[str, Any] = {
        "n_epochs": int(order.epochs), "batch_size": order.batch_size,
        "learning_rate_multiplier": order.learning_rate, "beta": order.beta,
    }  # fmt: skip
    values = {name: value for name, value in values.items() if value is not None}
    found: dict[str, Any] = {
        "model": order.model,
        "training_file": train,
        "method": {"type": order.method, order.method: {"hyperparameters": values}},
        "seed": order.seed,
    }
    if validation is not None:
        found["validation_file"] = validation
    if order.suffix:
        found["suffix"] = order.suffix
    return found


def _check_settings(order: Order, formats: Mapping[Method, str]) -> None:
    if not order.model.strip():
        _refuse("No model is named.", "Choose one of the models that the endpoint lists.", "model")
    if order.method not in formats:
        _refuse(
            f"The endpoint does not train by {str(order.method)[:40]!r}.", f"Choose {' or '.join(formats)}.", "method"
        )
    prices = training_prices(order.model)
    if prices and not any(order.method in price.methods for price in prices):
        known = sorted({method for price in prices for method in price.methods})
        _refuse(f"{order.model} is not trained by {order.method}.", f"Choose {' or '.join(known)}.", "method")
    if len(order.suffix) > MAX_SUFFIX:
        said = f"The suffix has {len(order.suffix)} characters; at most {MAX_SUFFIX} are taken."
        _refuse(said, "Shorten it.", "suffix")
    if not order.suffix.isprintable():
        _refuse("The suffix holds a character that cannot be seen.", "Take letters, digits and hyphens.", "suffix")
    if not (math.isfinite(order.epochs) and order.epochs == int(order.epochs) and 1 <= order.epochs <= MAX_EPOCHS):
        said = f"The endpoint trains for 1 to {MAX_EPOCHS} whole epochs, not {order.epochs:g}."
        _refuse(said, "Give a whole number.", "epochs")
    if order.batch_size is not None and not 1 <= order.batch_size <= MAX_BATCH:
        said = f"A batch holds 1 to {MAX_BATCH} rows, not {order.batch_size}."
        _refuse(said, "Leave it out to let the endpoint choose.", "batch_size")
    if order.learning_rate is not None and not 0 < order.learning_rate <= MAX_FACTOR:
        said = f"The learning rate's factor is above 0 and at most {MAX_FACTOR:g}, not {order.learning_rate:g}."
        _refuse(said, "Leave it out to let the endpoint choose.", "learning_rate")
    if order.beta is not None and order.method != "dpo":
        _refuse("Beta is for dpo alone.", "Leave it out.", "beta")
    if order.beta is not None and not 0 < order.beta <= MAX_BETA:
        said = f"Beta is above 0 and at most {MAX_BETA:g}, not {order.beta:g}."
        _refuse(said, "Leave it out to let the endpoint choose.", "beta")
    if not 0 <= order.seed <= MAX_SEED:
        _refuse(f"The seed is 0 to {MAX_SEED:,}, not {order.seed:,}.", "Give another.", "seed")
    if order.more:
        names = ", ".join(sorted(order.more))[:80]
        _refuse(f"The endpoint takes no setting {names}.", "Leave it out.", "more")


def _check_file(path: Path, field: str, order: Order, format: str) -> None:
    report = check_file(path, format=format, model=order.model, music=False, processes=0)
    if not report.errors:
        return
    which = "training" if field == "train" else "validation"
    fault = next((each for each in report.tally.told if each.severity == "error"), None)
    if fault is None:  # only so many are told in full, and warnings came first
        _refuse(f"The {which} file has {report.errors:,} errors.", "Check it on the page Datasets.", field)
    where = f", line {fault.line}" if fault.line is not None else ""
    more = report.errors - 1
    others = f" There {'is' if more == 1 else 'are'} {more:,} more error{'s' * (more != 1)}." if more else ""
    _refuse(f"The {which} file cannot be used{where}: {fault.message}{others}", fault.hint, field)


def _check_overlap(train: Path, validation: Path) -> None:
    shared = overlap(train, validation)
    if not shared.rows and not shared.prompts:
        return
    first = shared.told[0]
    where = f"line {first.other} of the validation file is line {first.line} of the training file"
    if shared.rows:
        said = f"Training and validation share {shared.rows:,} row{'s' * (shared.rows != 1)}: {where}."
    else:
        said = f"Training and validation share {shared.prompts:,} prompt{'s' * (shared.prompts != 1)}: {where}."
    _refuse(said, "Split the rows so that none is in both.", "validation")


def _refuse(message: str, hint: str, field: str) -> NoReturn:
    raise InvalidInputError(message, hint=hint, field=field)
