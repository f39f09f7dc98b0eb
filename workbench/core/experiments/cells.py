"""Cells: one request, one variant, one seed. Their ids say what decides their outcome, so a run finds them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.core.experiments.requests import Asked
from workbench.core.experiments.specification import Specification, Variant, count_cells


@dataclass(frozen=True)
class Cell:
    """One thing to answer: the request at ``asked`` (its index), by a variant, with a seed."""

    id: str
    asked: int
    variant: Variant
    seed: int


def cells(specification: Specification, asked: Sequence[Asked]) -> Iterator[Cell]:
    """Every cell, made as it is taken: request by request, so that what was done of a run that stops can be compared.

    Raises:
        InvalidInputError: more than the specification's limit; before the first one.
    """
    count_cells(specification, len(asked))
    return _cells(specification, asked)


def _cells(specification: Specification, asked: Sequence[Asked]) -> Iterator[Cell]:
    told = [(variant, _told(variant)) for variant in specification.variants]
    for index, each in enumerate(asked):
        digest = each.digest
        for seed in specification.seeds:
            for variant, said in told:
                yield Cell(_id(digest, said, seed), index, variant, seed)


def cell_id(asked: Asked, variant: Variant, seed: int) -> str:
    """The id of a cell: 20 hexadecimal digits."""
    return _id(asked.digest, _told(variant), seed)


def _told(variant: Variant) -> str:
    """What a variant says besides what is usual: new settings with a usual value leave the ids as they are."""
    told = variant.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _id(digest: str, variant: str, seed: int) -> str:
    return hashlib.sha256(f"cell/{digest}/{variant}/{seed}".encode()).hexdigest()[:20]
