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
    """The average of each request that has a value. ``values`` is how many there are, ``left_out`` how many requests
    have none, and ``most_seeds`` the most values that one request has."""

    by_request: Mapping[str, float]
    values: int
    left_out: int
    most_seeds: int


def averages(values: Values, kind: Kind) -> Averages:
    """The average of each request's values, without those that are None or not finite.

    Raises:
        InvalidInputError: an unknown kind, a value that is no number, or one of a rate that is neither 0 nor 1.
    """
    if kind not in ("rate", "number", "count"):
        raise InvalidInputError(f"There is no kind {kind!r}.", hint="Give rate, number or count.", field="kind")
    found: dict[str, float] = {}
    count = most = left_out = 0
    for key, given in values.items():
        numbers = [number for number in (_number(each, kind, key) for each in given) if number is not None]
        if numbers:
            found[key] = math.fsum(numbers) / len(numbers)
            count, most = count + len(numbers), max(most, len(numbers))
        else:
            left_out += 1
    return Averages(found, count, left_out, most)


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
