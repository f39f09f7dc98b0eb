"""Preference pairs out of blind ratings of experiments."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from pydantic import ValidationError
from sqlalchemy import select

from workbench.core.datasets.building.preferences import covers, preferences
from workbench.core.datasets.rows import Source
from workbench.core.errors import InvalidInputError
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import PreferredRow
from workbench.core.library.rights import missing, read_rights
from workbench.core.music.reading import read_request, read_structure

_log = logging.getLogger(__name__)
_PART = 50


@preferences("ratings")
def ratings(database: Database) -> Iterator[Source]:
    """Of two pieces that were heard blind for the same request, raters agreed on which one is better.

    Where the rights of one piece are not known, or those of the rejected one are narrower, nothing is said.
    """
    with database.reading() as session:
        ids = sorted(session.scalars(select(PreferredRow.id)).all())
    for at in range(0, len(ids), _PART):
        with database.reading() as session:
            rows = session.scalars(select(PreferredRow).where(PreferredRow.id.in_(ids[at : at + _PART]))).all()
        for row in sorted(rows, key=lambda row: row.id):
            try:
                pair = _source(row)
            except (ValidationError, InvalidInputError):
                _log.warning("the rated pair %s cannot be read and is left out", row.id)
                continue
            if pair is not None:
                yield pair


def _source(row: PreferredRow) -> Source | None:
    if row.rights_chosen is None or row.rights_rejected is None:
        return None
    chosen, rejected = read_rights(row.rights_chosen), read_rights(row.rights_rejected)
    if missing(chosen) or missing(rejected) or not covers(rejected, chosen):
        return None
    return Source(
        f"pairs/ratings/{row.id}", 0, "rating", read_request(row.request), read_structure(row.chosen), chosen,
        rejected=read_structure(row.rejected), why=row.why,
    )  # fmt: skip
