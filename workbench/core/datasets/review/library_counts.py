"""What the approved library holds, counted as a version is, so that the two can be drawn side by side."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from workbench.core.datasets.review.statistics import Counts
from workbench.core.library.curation import item_of
from workbench.core.library.database import Database
from workbench.core.library.retrieval import seconds_of
from workbench.core.library.tables import ExampleRow
from workbench.core.music.moods import mood_word

MOST = 2_000
"""Pieces that are counted; of a larger library as many that lie evenly spread over it."""
_STEP = 500


class LibraryCounts(NamedTuple):
    """The counts, without tokens, since the library is not made into rows; and how many pieces there are in all."""

    counts: Counts
    whole: int

    @property
    def sampled(self) -> bool:
        """Whether only a part was counted."""
        return self.counts.pieces < self.whole


def count_library(database: Database, *, most: int = MOST) -> LibraryCounts:
    """Count the approved examples, at most ``most`` of them: the same ones as long as the library is the same."""
    with database.reading() as session:
        ids = session.scalars(
            select(ExampleRow.id).where(ExampleRow.status == "approved").order_by(ExampleRow.id)
        ).all()
    taken = [ids[at * len(ids) // most] for at in range(most)] if len(ids) > most else list(ids)
    counts = Counts()
    for at in range(0, len(taken), _STEP):
        with database.reading() as session:
            rows = session.scalars(select(ExampleRow).where(ExampleRow.id.in_(taken[at : at + _STEP]))).all()
            items = [item_of(row) for row in rows]
        for item in items:
            mood = mood_word(item.request.valence, item.request.arousal)
            counts.add(item.structure, mood=mood, seconds=seconds_of(item.structure), tokens=0)
    counts.tallies["tokens"].clear()
    return LibraryCounts(counts, len(ids))
