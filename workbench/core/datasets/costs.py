"""What training on a dataset costs, and how long an example may be: from a table of list prices with its date.

Prices are written down, not asked for: every estimate says of what day its price is and where it is from.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Method = Literal["supervised", "dpo"]
TABLE = Path(__file__).parents[3] / "assets" / "tuning.toml"

_SAME = re.compile(r"(-\d{4}-\d{2}-\d{2})?([:@].*)?")
"""What may follow a listed id: a day, and a tuned model's own name. ``-pro`` or ``-audio`` is another model."""
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.IGNORECASE)
"""Parameters in the id of a model with open weights: ``Qwen3-8B``, ``SmolLM2-135M``."""


class TrainingPrice(NamedTuple):
    """One row of the table.

    ``usd`` is for a million training tokens, None where no price is known; ``limit`` the longest example in tokens,
    None where that is not known. ``models`` are beginnings of ids; without them the row is for open weights of more
    than ``above`` and at most ``largest`` thousand million parameters. ``source`` is ``page``, ``second-hand``,
    ``memory`` or, where there is nothing to pay, ``none``; ``read`` is the day of writing it down.
    """

    provider: str
    models: tuple[str, ...]
    above: float
    largest: float
    methods: tuple[Method, ...]
    limit: int | None
    usd: float | None
    source: str
    url: str
    note: str
    read: str

    @property
    def covers(self) -> str:
        """Which models the row is for, in words."""
        if self.models:
            return ", ".join(self.models)
        if self.usd == 0:
            return "open weights"
        below = f"up to {self.largest:g} B parameters"
        return (
            f"open weights of {self.above:g} to {self.largest:g} B parameters"
            if self.above
            else f"open weights {below}"
        )


class Estimate(NamedTuple):
    """What one provider would take. ``usd`` is None where no price is known, 0 where nobody sends a bill."""

    provider: str
    covers: str
    usd: float | None
    words: str
    price: TrainingPrice


@lru_cache(maxsize=1)
def tuning_table() -> tuple[TrainingPrice, ...]:
    """Every row of the table, in its order."""
    data = tomllib.loads(TABLE.read_text("utf-8"))
    return tuple(_row(row, str(data["read"])) for row in data["row"])


def limit_of(model: str, provider: str = "") -> int | None:
    """How many tokens a training example may have for a model; None where that is not known.

    The first provider in the table that trains the model counts, unless one is named.
    """
    fitting = (price for price in training_prices(model) if model and provider in ("", price.provider))
    return next((price.limit for price in fitting), None)


def training_prices(model: str = "", method: Method | None = None) -> tuple[TrainingPrice, ...]:
    """The rows that fit a model, or all; and a method, where one is named.

    An id that no row begins is taken for open weights where it tells a size or a repository (``Qwen/Qwen3-8B``): one
    without a size fits every row for open weights. Any other id has no price here.
    """
    rows = tuple(price for price in tuning_table() if method is None or method in price.methods)
    if not model:
        return rows
    base = model.removeprefix("ft:")
    listed = max((name for price in rows for name in price.models if _begins(base, name)), key=len, default=None)
    if listed is not None:
        return tuple(price for price in rows if listed in price.models)
    size = parameters_of(model)
    if size is None and "/" not in model:
        return ()
    return tuple(price for price in rows if not price.models and (size is None or price.above < size <= price.largest))


def parameters_of(model: str) -> float | None:
    """Thousands of millions of parameters by a model's id: 8 for ``Qwen/Qwen3-8B``; None where it tells none."""
    found = [float(number) * (1 if unit in "bB" else 1e-3) for number, unit in _SIZE.findall(model)]
    # Mixtures of experts tell what is active as well (``30B-A3B``); bills go by the whole.
    return max(found, default=None)


def estimate(
    tokens: int, epochs: int, exact: bool, *, model: str = "", method: Method = "supervised"
) -> list[Estimate]:
    """What training would cost: one for each row of the table that fits, with a price the cheapest first.

    Args:
        tokens: tokens of all training rows, prompts and answers.
        epochs: how often each is trained on; every time is billed.
        exact: whether the tokens were counted with the model's own vocabulary.
        model: the model to train, or all.
        method: how it is trained.
    """
    found = [_estimate(price, tokens, epochs, exact) for price in training_prices(model, method)]
    return sorted(found, key=lambda each: (each.usd is None, each.usd or 0))


def _estimate(price: TrainingPrice, tokens: int, epochs: int, exact: bool) -> Estimate:
    if price.usd is None:
        said = f"No price is known here. {price.note}".strip()
        return Estimate(price.provider, price.covers, None, said, price)
    usd = tokens * epochs * price.usd / 1e6
    times = f"for {epochs} epoch{'s' * (epochs != 1)}"
    if price.usd == 0:
        return Estimate(price.provider, price.covers, 0.0, f"No bill {times}. {price.note}".strip(), price)
    about = "" if exact and price.source == "page" else "about "
    origin = {"page": f"list price of {price.read}", "second-hand": f"price read second-hand on {price.read}"}
    where = origin.get(price.source, f"price from memory, {price.read}")
    words = f"{about}{dollars(usd)} {times}, {where}{'' if exact else ', tokens estimated'}"
    return Estimate(price.provider, price.covers, usd, f"{words}. {price.note}".strip(), price)


def dollars(usd: float) -> str:
    """A sum as people write it: ``$3.20``, ``$1,240``, ``under $0.01``."""
    if 0 < usd < 0.01:
        return "under $0.01"
    return f"${usd:,.2f}" if usd < 1000 else f"${usd:,.0f}"


def _row(row: dict[str, Any], read: str) -> TrainingPrice:
    return TrainingPrice(
        row["provider"], tuple(row.get("models", ())), row.get("above", 0), row.get("largest", 0),
        tuple(row["methods"]), row.get("limit"), row.get("usd"), row["source"], row["url"], row.get("note", ""), read,
    )  # fmt: skip


def _begins(model: str, name: str) -> bool:
    return model.startswith(name) and _SAME.fullmatch(model, len(name)) is not None
