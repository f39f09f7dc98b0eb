"""Variety: how the pieces of one variant differ from each other, with the ears of the library."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.registry import SHARE, set_metric
from workbench.core.experiments.samples import Sample
from workbench.core.library.likeness_join import near_groups
from workbench.core.music.structure import MusicStructure

MOST = 400
"""Pieces that are compared with each other; of more, so many are drawn, always the same ones."""


@set_metric("diversity", better="higher", unit=SHARE, family="variety", title="Diversity")
def diversity(samples: Sequence[Sample], context: Context) -> float | None:
    """How different two pieces of the variant are in the mean: 1 minus their likeness, 0 for the same and 1 where no
    two share anything."""
    pieces = _drawn(samples)
    if len(pieces) < 2:
        return None
    alike = context.likenesses([piece for _, piece in pieces])
    pairs = np.triu_indices(len(pieces), 1)
    return float(1 - alike[pairs].mean())


@set_metric("seed-diversity", better="higher", unit=SHARE, family="variety", title="Diversity between seeds")
def seed_diversity(samples: Sequence[Sample], context: Context) -> float | None:
    """How different two pieces for the same request are in the mean: 1 minus their likeness. Nothing where each request
    was asked once."""
    pieces = _drawn(samples)
    if len(pieces) < 2:
        return None
    alike = context.likenesses([piece for _, piece in pieces])
    names: dict[str, int] = {}
    request = np.array([names.setdefault(_request(sample), len(names)) for sample, _ in pieces])
    pairs = np.triu(request[:, None] == request[None, :], 1)
    return float(1 - alike[pairs].mean()) if pairs.any() else None


@set_metric("distinct", better="higher", unit=SHARE, family="variety", title="Distinct pieces")
def distinct(samples: Sequence[Sample], context: Context) -> float | None:
    """How many different pieces there are among all: pieces that are nearly the same (a likeness of 0.8 or more) count
    as one."""
    pieces = _drawn(samples)
    if not pieces:
        return None
    return len(set(near_groups([context.fingerprint(piece) for _, piece in pieces]))) / len(pieces)


def _drawn(samples: Sequence[Sample]) -> list[tuple[Sample, MusicStructure]]:
    """The pieces that are compared, by the samples' keys, so that the order in which they were made does not count."""
    having = sorted((each for each in samples if each.structure is not None), key=lambda each: each.key)
    if len(having) > MOST:
        chosen = sorted(Random(len(having)).sample(range(len(having)), MOST))
        having = [having[index] for index in chosen]
    return [(each, each.structure) for each in having if each.structure is not None]


def _request(sample: Sample) -> str:
    """What a request asks for, whatever its seed and its id."""
    return sample.request.model_copy(update={"seed": None, "id": None}).to_json()
