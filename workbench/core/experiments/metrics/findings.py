"""Findings: how many errors and warnings a piece has, by family, and how far its chords and keys keep to the style."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.checks import FAMILIES
from workbench.core.checks.keys import misspelled
from workbench.core.checks.profiles import families_of
from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.registry import SHARE, metric
from workbench.core.experiments.samples import Sample

_COUNTED = ("error", "warning")


@metric("valid", kind="rate", better="higher", family="findings", title="No error in the end")
def valid(sample: Sample, context: Context) -> bool | None:
    """The checks find no error in the piece that came out in the end."""
    piece = context.piece(sample)
    return None if piece is None else piece.report.valid


@metric("errors", kind="count", better="lower", family="findings")
def errors(sample: Sample, context: Context) -> float | None:
    """How many errors the checks find in the piece."""
    piece = context.piece(sample)
    return None if piece is None else float(piece.report.counts["error"])


@metric("warnings", kind="count", better="lower", family="findings")
def warnings(sample: Sample, context: Context) -> float | None:
    """How many warnings the checks find in the piece."""
    piece = context.piece(sample)
    return None if piece is None else float(piece.report.counts["warning"])


def _of_family(family: str) -> Callable[[Sample, Context], float | None]:
    def count(sample: Sample, context: Context) -> float | None:
        piece = context.piece(sample)
        if piece is None:
            return None
        return float(sum(each.family == family and each.severity in _COUNTED for each in piece.report.findings))

    return count


for _family, _meaning in FAMILIES.items():
    metric(
        f"findings-{_family}", kind="count", better="lower", family="findings",
        title=f"Findings: {_family.replace('-', ' ')}",
        explanation=f"Errors and warnings of the family {_family!r}. {_meaning}.",
    )(_of_family(_family))  # fmt: skip


@metric("chords-in-style", kind="number", better="higher", unit=SHARE, family="findings", title="Chords in style")
def chords_in_style(sample: Sample, context: Context) -> float | None:
    """The share of the chords that the profile allows, each counted as often as it is written.

    A numeral that cannot be read is not allowed.
    """
    piece = context.piece(sample)
    if piece is None:
        return None
    if piece.piece.unreadable is not None:
        figures = [(figure, section.tonality.mode) for section in piece.structure.sections
                   for figure in section.chord_progression]  # fmt: skip
    else:
        figures = [(place.figure, place.key.mode) for place in piece.piece.chords]
    fine = 0
    for figure, mode in figures:
        try:
            fine += families_of(figure, mode) <= piece.piece.profile.families
        except ValueError:
            continue
    return fine / len(figures)


@metric("keys-in-style", kind="number", better="higher", unit=SHARE, family="findings", title="Keys in style")
def keys_in_style(sample: Sample, context: Context) -> float | None:
    """The share of the sections whose key the profile allows, and which is not a semitone beside the key that is meant
    (in c minor, E major for E-flat major)."""
    piece = context.piece(sample)
    if piece is None:
        return None
    beside = {path for _, path, _, _ in misspelled(piece.piece)}
    sections = piece.piece.sections
    allowed = piece.piece.profile.keys
    return sum(each.key in allowed and f"{path}/key" not in beside for _, each, path in sections) / len(sections)
