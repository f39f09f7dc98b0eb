"""What is lopsided in a dataset: too much or too little of a kind, and cadences and phrases unlike real music."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from workbench.core.datasets.faults import Fault
from workbench.core.datasets.review.statistics import ORDERS, Counts


class Known(NamedTuple):
    """What one corpus has: cadences by type of all that were annotated, phrases by length, and last cadences."""

    cadences: Mapping[str, float]
    lengths: Mapping[tuple[int, int], float]
    last_pac: float | None


REAL_MUSIC = {
    "Mozart": Known({"PAC": 528 / 1115, "HC": 398 / 1115, "IAC": 69 / 1115}, {(4, 5): 0.39, (8, 9): 0.23}, 53 / 54),
    "Beethoven": Known({"PAC": 621 / 1370, "HC": 415 / 1370, "IAC": 284 / 1370}, {(4, 5): 0.28, (8, 9): 0.26}, 45 / 64),
    "Corelli": Known({"PAC": 702 / 1061, "HC": 185 / 1061, "IAC": 138 / 1061}, {}, None),
}
"""Piano sonatas of Mozart and Beethoven and trio sonatas of Corelli, counted in the annotations that the Digital and
Cognitive Musicology Lab published."""
FAR = 0.10
"""How far outside the range of real music a share may lie before it is told."""
ENOUGH = 30
"""From how many phrases or cadences on shares are compared."""


def unlike_real_music(counts: Counts) -> list[str]:
    """Where cadences and phrase lengths are far from those of ``REAL_MUSIC``, in sentences: norms, not laws."""
    tellings = []
    for cadence, plural in (("PAC", "perfect authentic"), ("HC", "half cadences"), ("IAC", "imperfect authentic")):
        real = [known.cadences[cadence] for known in REAL_MUSIC.values()]
        tellings.append(_unlike(counts.tallies["cadences"], {cadence}, f"of the cadences are {plural}", real))
    real = [known.last_pac for known in REAL_MUSIC.values() if known.last_pac]
    tellings.append(
        _unlike(counts.tallies["last_cadence"], {"PAC"}, "of the pieces end with a perfect authentic cadence", real)
    )
    for low, high in ((4, 5), (8, 9)):
        real = [known.lengths[low, high] for known in REAL_MUSIC.values() if known.lengths]
        lengths = {str(low), str(high)}
        tellings.append(
            _unlike(counts.tallies["phrase_lengths"], lengths, f"of the phrases have {low} or {high} bars", real)
        )
    return [telling for telling in tellings if telling]


def _unlike(tally: Mapping[str, int], wanted: set[str], what: str, real: list[float]) -> str:
    total = sum(tally.values())
    share = sum(tally.get(category, 0) for category in wanted) / total if total else 0.0
    low, high = min(real), max(real)
    if total < ENOUGH or low - FAR <= share <= high + FAR:
        return ""
    whose = list(REAL_MUSIC)[: len(real)]
    names = ", ".join(whose[:-1]) + f" and {whose[-1]}"
    return f"{100 * share:.0f} % {what}; in sonatas by {names} it is {100 * low:.0f} to {100 * high:.0f} %."


RARE = 0.02
"""A form, period, mode or mood with a smaller share is rare."""
MUCH = {"forms": 0.5, "keys": 1 / 3, "moods": 0.5}
"""The share that one category may have before it is too much."""
MIN_ROWS = 10
"""The fewest rows of a training file that OpenAI takes."""
FEW = 20
"""Below so many pieces shares say nothing."""

_ONE = {"forms": "form", "periods": "period", "modes": "mode", "moods": "mood", "keys": "home key"}


def balance_faults(
    counts: Counts, splits: Mapping[str, int] | None = None, sought: Mapping[str, Collection[str]] | None = None
) -> list[Fault]:
    """What is lopsided, as warnings.

    Args:
        counts: what the version holds.
        splits: rows of each split that has to have some.
        sought: the only categories that the recipe lets through, by name; an empty list lets all.
    """
    faults = [_small(split, rows) for split, rows in (splits or {}).items() if rows < MIN_ROWS]
    if counts.pieces < FEW:
        return faults
    for name in ("forms", "periods", "modes", "moods"):
        known = (sought or {}).get(name) or ORDERS[name]
        faults += _scarce(name, counts.tallies[name], tuple(known))
    for name, most in MUCH.items():
        faults += _excessive(name, counts.tallies[name], most, set((sought or {}).get(name, ())))
    return faults


def _small(split: str, rows: int) -> Fault:
    held = {0: "no rows", 1: "1 row"}.get(rows, f"{rows} rows")
    return _warning("splits", f"The {split} split has {held}.", f"OpenAI takes no file with fewer than {MIN_ROWS}.")


def _scarce(name: str, tally: Mapping[str, int], known: tuple[str, ...]) -> list[Fault]:
    total, one = sum(tally.values()), _ONE[name]
    if len(known) < 2:
        return []
    faults = []
    absent = [category for category in known if not tally.get(category)]
    if absent:
        having = "is in" if name == "modes" else f"has the {one}{'s' * (len(absent) > 1)}"
        message = f"None of the {total:,} pieces {having} {', '.join(absent)}."
        faults.append(_warning(name, message, f"A model cannot learn a {one} that it never sees."))
    for category in known:
        count = tally.get(category, 0)
        if 0 < count < RARE * total:
            message = f"Only {count:,} of {total:,} pieces have the {one} {category} ({100 * count / total:.1f} %)."
            faults.append(_warning(name, message, "Add some, or limit the others with quotas."))
    return faults


def _excessive(name: str, tally: Mapping[str, int], most: float, sought: set[str]) -> list[Fault]:
    total = sum(tally.values())
    return [
        _warning(
            name, f"{100 * count / total:.0f} % of the pieces have the {_ONE[name]} {category}.",
            "Transpose more pieces." if name == "keys" else "Limit it with a quota, or add others.",
        )
        for category, count in tally.items()
        if count > most * total and len(sought) != 1
    ]  # fmt: skip


def _warning(name: str, message: str, hint: str) -> Fault:
    return Fault(f"balance.{name}", "warning", message, hint)
