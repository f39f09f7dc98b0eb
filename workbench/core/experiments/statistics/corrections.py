"""Corrections: who compares often finds differences that are none, so each finding has to be the surer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from workbench.core.errors import InvalidInputError

Correction = Literal["holm", "benjamini-hochberg", "none"]
CORRECTIONS: tuple[Correction, ...] = ("holm", "benjamini-hochberg", "none")
_NAMES = {"holm": "holm", "benjamini-hochberg": "fdr_bh"}


def corrected(ps: Sequence[float | None], correction: Correction = "holm") -> tuple[float | None, ...]:
    """The p values after correction, in the same order. None is a comparison that was not tested, and counts nowhere.

    ``holm`` (1979) keeps the chance of any false finding below the level; ``benjamini-hochberg`` (1995) lets through
    more, and keeps the share of false ones among the findings below it. Correct once for all: statsmodels' Holm has
    Python collect its garbage, which takes a while in a large program.

    Raises:
        InvalidInputError: an unknown correction, or a p that is not from 0 to 1.
    """
    if correction not in CORRECTIONS:
        raise InvalidInputError(
            f"There is no correction {correction!r}.", hint=f"Give one of {', '.join(CORRECTIONS)}.", field="correction"
        )
    tested = [p for p in ps if p is not None]
    if not all(0 <= p <= 1 for p in tested):
        raise InvalidInputError("A p value is from 0 to 1.", hint="Give what a test gave.", field="ps")
    if not tested or correction == "none":
        return tuple(ps)
    from statsmodels.stats.multitest import multipletests

    found = iter(float(p) for p in multipletests(tested, method=_NAMES[correction])[1])
    return tuple(None if p is None else next(found) for p in ps)
