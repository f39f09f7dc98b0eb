"""Copying: how like a piece is to what the model was shown, or trained on, with the ears of the library."""

from __future__ import annotations

from functools import lru_cache

from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.registry import SHARE, metric
from workbench.core.experiments.samples import Sample
from workbench.core.library.examples import Example
from workbench.core.library.likeness import NEAR_DUPLICATE, Fingerprint, fingerprint, likeness


@metric("likeness-shown", kind="number", better="lower", unit=SHARE, family="copying", title="Likeness to the examples")
def likeness_shown(sample: Sample, context: Context) -> float | None:
    """How like the piece is to the nearest example in its prompt, 0 to 1: what the two share of their tunes' moves and
    rhythm and of their chords, in whatever key. Nothing where none was shown."""
    piece = context.piece(sample)
    if piece is None or not sample.shown:
        return None
    return max(likeness(piece.fingerprint, _known(each)) for each in sample.shown)


@metric("copies-shown", kind="rate", better="lower", family="copying", title="Copies an example")
def copies_shown(sample: Sample, context: Context) -> bool | None:
    """The piece is nearly the same as an example in its prompt (its likeness is 0.8 or more)."""
    found = likeness_shown(sample, context)
    return None if found is None else found >= NEAR_DUPLICATE


@metric(
    "likeness-training", kind="number", better="lower", unit=SHARE, family="copying", title="Likeness to training rows"
)
def likeness_training(sample: Sample, context: Context) -> float | None:
    """How like the piece is to the nearest row that the model was trained on, 0 to 1. Nothing where no rows are
    known."""
    piece = context.piece(sample)
    if piece is None or context.trained is None:
        return None
    return context.trained.likeness(piece.fingerprint)


@metric("copies-training", kind="rate", better="lower", family="copying", title="Copies a training row")
def copies_training(sample: Sample, context: Context) -> bool | None:
    """The piece is nearly the same as a row that the model was trained on (its likeness is 0.8 or more)."""
    found = likeness_training(sample, context)
    return None if found is None else found >= NEAR_DUPLICATE


@lru_cache(maxsize=512)
def _known(example: Example) -> Fingerprint:
    return fingerprint(example.structure)
