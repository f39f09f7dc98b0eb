"""What statistics look at: the values of a metric by request, and their average over each request's seeds.

Answers to one request with several seeds are alike, so that five seeds of 40 requests are not 200 requests. Here a
request counts once, by the average of its seeds, whatever their number; intervals and tests are over requests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.samples import Value

Values = Mapping[str, Sequence[Value]]
"""The values of a metric by the key of the request, one for each seed; None where it says nothing."""
Kind = Literal["rate", "number", "count"]
"""A rate is of yes and no (or 1 and 0); all else, also a share from 0 to 1, is a number, and so are counts here."""
Better = Literal["higher", "lower", ""]
"""Which way is better; empty where neither is."""

MOST = 1e100
"""Numbers larger than this, and those that are not finite, are left out: their squares are no numbers any more."""


@dataclass(frozen=True)
class Averages:
    """The average of each request that has a value, and ``seeds``, how many it has; ``without`` are those of none."""

    by_request: Mapping[str, float]
    seeds: Mapping[str, int]
    without: frozenset[str]

    @property
    def values(self) -> int:
        """How many values there are."""
        return sum(self.seeds.values())

    @property
    def left_out(self) -> int:
        """How many requests have none."""
        return len(self.without)


def averages(values: Values | Averages, kind: Kind) -> Averages:
    """The average of each request's values, without those that are None or not finite; averages stay as they are.

    Raises:
        InvalidInputError: an unknown kind, a value that is no number, or one of a rate that is neither 0 nor 1.
    """
    if kind not in ("rate", "number", "count"):
        raise InvalidInputError(f"There is no kind {kind!r}.", hint="Give rate, number or count.", field="kind")
    if isinstance(values, Averages):
        return values
    found: dict[str, float] = {}
    seeds: dict[str, int] = {}
    without: list[str] = []
    for key, given in values.items():
        numbers = _numbers(given, kind, key)
        if numbers:
            count = seeds[key] = len(numbers)
            found[key] = math.fsum(numbers) / count if count > 1 else float(numbers[0])
        else:
            without.append(key)
    return Averages(found, seeds, frozenset(without))


def _numbers(given: Sequence[Value], kind: Kind, key: str) -> Sequence[float]:
    if len(given) == 1:
        one = given[0]
        if one is True or one is False or (type(one) is float and kind != "rate" and abs(one) <= MOST):
            return (one,)
    types = set(map(type, given))
    if types == {bool} or (types == {float} and kind != "rate" and max(map(abs, given)) <= MOST):  # type: ignore[arg-type]
        return given  # type: ignore[return-value]
    return [number for number in (_number(each, kind, key) for each in given) if number is not None]


def _number(value: object, kind: Kind, key: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (bool, int, float)):
        raise InvalidInputError(
            f"A value of request {key[:80]!r} is {type(value).__name__}, not a number.",
            hint="A metric gives True, False, a number, or None.", field="values",
        )  # fmt: skip
    if kind == "rate":
        if value not in (0, 1):
            raise InvalidInputError(
                f"A value of request {key[:80]!r} is neither yes nor no.",
                hint="Compare it as a number.", field="values",
            )  # fmt: skip
        return float(value)
    # Whole numbers too large for a float are compared as they are.
    return float(value) if abs(value) <= MOST else None
