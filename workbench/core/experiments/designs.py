"""Designs: which combinations of several factors are tried where there are too many to try them all.

A balanced fraction: every level of a factor comes as often as every other, give or take one, no combination comes
twice, and pairs of levels come as evenly as chance and a search make them (after McKay, Beckman and Conover 1979).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import product

Point = tuple[int, ...]
"""For each factor the number of its level, from 0."""
MAX_FULL = 200_000
_WORK = 200_000
"""Exchanges that are tried for each factor, in search of evener pairs."""


def design(levels: Sequence[int], most: int, *, seed: int = 0) -> tuple[Point, ...]:
    """At most ``most`` points for factors with so many levels: all in order where they fit, else a balanced fraction.

    The same levels, ``most`` and seed give the same points.
    """
    size = 1
    for count in levels:
        size *= count
    if size <= most:
        return tuple(product(*(range(count) for count in levels)))
    if size <= min(2 * most, MAX_FULL):
        # Nearly all: what is left out is a balanced fraction, too, so that what stays is balanced.
        without = set(_fraction(levels, size - most, seed))
        rest = [point for point in product(*(range(count) for count in levels)) if point not in without]
        return tuple(rest[:most])
    return tuple(_fraction(levels, most, seed))


def _fraction(levels: Sequence[int], most: int, seed: int) -> list[Point]:
    """``most`` different points, of no more than half of all that there are."""
    chance = random.Random(f"design/{seed}")
    columns: list[list[int]] = []
    for count in levels:
        columns.append(_evened(_column(count, most, chance), columns, chance))
    points = [tuple(point) for point in zip(*columns, strict=True)]
    return _different(points, levels, chance)


def _column(count: int, most: int, chance: random.Random) -> list[int]:
    """Each level as often as every other, give or take one; which ones come once more is left to chance."""
    whole, rest = divmod(most, count)
    column = [*(list(range(count)) * whole), *chance.sample(range(count), rest)]
    chance.shuffle(column)
    return column


def _evened(column: list[int], others: Sequence[Sequence[int]], chance: random.Random) -> list[int]:
    """The column with its places exchanged wherever pairs with other columns come more evenly so."""
    pairs = [Counter(zip(column, other, strict=True)) for other in others]
    for _ in range(min(_WORK, 60 * len(column)) if others else 0):
        one, two = chance.randrange(len(column)), chance.randrange(len(column))
        here, there = column[one], column[two]
        if here == there:
            continue
        gain = 0
        for held, other in zip(pairs, others, strict=True):
            if other[one] != other[two]:
                gain += held[here, other[one]] + held[there, other[two]] - 2
                gain -= held[there, other[one]] + held[here, other[two]]
        if gain > 0:
            for held, other in zip(pairs, others, strict=True):
                held[here, other[one]] -= 1
                held[there, other[two]] -= 1
                held[there, other[one]] += 1
                held[here, other[two]] += 1
            column[one], column[two] = there, here
    return column


def _different(points: list[Point], levels: Sequence[int], chance: random.Random) -> list[Point]:
    """The points without any twice: levels are exchanged between two points, so that columns keep their counts."""
    held = Counter(points)
    for at in range(len(points)):
        for _ in range(1_000):
            if held[points[at]] == 1:
                break
            other, factor = chance.randrange(len(points)), chance.randrange(len(levels))
            one, two = _exchanged(points[at], points[other], factor)
            if one == points[at] or held[one] or held[two]:
                continue
            for gone, new, place in ((points[at], one, at), (points[other], two, other)):
                held[gone] -= 1
                held[new] += 1
                points[place] = new
    return list(dict.fromkeys(points))


def _exchanged(one: Point, two: Point, factor: int) -> tuple[Point, Point]:
    """Two points with their levels of a factor exchanged."""
    return (
        (*one[:factor], two[factor], *one[factor + 1 :]),
        (*two[:factor], one[factor], *two[factor + 1 :]),
    )  # fmt: skip
