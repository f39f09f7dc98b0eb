"""What a call costs: from a table of list prices with its date; where no price is known, none is shown."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from workbench.core.generate.providers.calls import Tokens

_OPENAI = re.compile(r"https://([\w-]+\.)*(openai\.com|openai\.azure\.com)(/|:|$)")
TABLE = Path(__file__).parents[3] / "assets" / "prices.toml"
_SAME = re.compile(r"(-\d{4}-\d{2}-\d{2})?([:@].*)?")
"""What may follow a listed id: a day, and a tuned model's own name. ``-pro`` or ``-audio`` is another model."""


class Price(NamedTuple):
    """US dollars for a million tokens."""

    into: float
    out: float


@lru_cache(maxsize=1)
def price_table() -> tuple[dict[str, Price], str]:
    """Prices by the beginning of a model's id, and the day on which they were written down."""
    data = tomllib.loads(TABLE.read_text("utf-8"))
    return {name: Price(row["in"], row["out"]) for name, row in data["models"].items()}, str(data["read"])


def price_of(model: str | None) -> Price | None:
    """The price of a model: that of the longest id in the table that its own begins with."""
    table, _ = price_table()
    found = max((name for name in table if model and _begins(model, name)), key=len, default=None)
    return None if found is None else table[found]


def cost_of(model: str | None, tokens: Tokens, base_url: str | None = None) -> float | None:
    """US dollars for the tokens of a call; None where no price is known, as at other endpoints."""
    price = price_of(model) if base_url is None or _OPENAI.match(base_url) else None
    return None if price is None else (tokens.into * price.into + tokens.out * price.out) / 1e6


def _begins(model: str, name: str) -> bool:
    return model.startswith(name) and _SAME.fullmatch(model, len(name)) is not None
