"""Samples for audit: some rows drawn from a version, a verdict on each, and what follows for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from workbench.core.datasets.review.audits import Interval, Looked, draw, error_rate, stratified_error_rate
from workbench.core.datasets.review.browsing import RowFilters, keys_of
from workbench.core.datasets.versions import find_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, new_id, now, storable
from workbench.core.library.dataset_tables import SampleRow
from workbench.core.music.request import MAX_SEED

Judgement = Literal["right", "wrong"]
STRATA = ("", "split", "form", "period", "mode", "mood", "tonic", "origin")
MOST = 2_000


@dataclass(frozen=True)
class Sample:
    """A sample. ``strata`` says of each drawn key which stratum it stands for; ``sizes`` how many rows each has in all.

    ``results`` are verdicts by key: ``{"verdict": "right" or "wrong", "note": ..., "curator": ..., "at": ...}``.
    """

    id: str
    version_id: str
    by: str
    seed: int
    keys: tuple[str, ...]
    strata: Mapping[str, str]
    sizes: Mapping[str, int]
    results: Mapping[str, Mapping[str, Any]]
    curator: str
    version: int
    created_at: datetime

    @property
    def wrong(self) -> int:
        """How many rows were found wrong."""
        return sum(each["verdict"] == "wrong" for each in self.results.values())

    @property
    def next_key(self) -> str | None:
        """The first row that nobody has judged yet."""
        return next((key for key in self.keys if key not in self.results), None)

    @property
    def rate(self) -> Interval | None:
        """The error rate that follows for the whole, with its interval; None while nothing was judged."""
        if not self.results:
            return None
        population = sum(self.sizes.values())
        if not self.by:
            return error_rate(self.wrong, len(self.results), population)
        return stratified_error_rate([self._looked(name) for name in self.sizes])

    def _looked(self, stratum: str) -> Looked:
        judged = [each for key, each in self.results.items() if self.strata[key] == stratum]
        return Looked(stratum, sum(each["verdict"] == "wrong" for each in judged), len(judged), self.sizes[stratum])

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        rate = self.rate
        told = None if rate is None else {"rate": rate.rate, "low": rate.low, "high": rate.high, "words": rate.words}
        return {
            **self.__dict__, "keys": list(self.keys), "created_at": self.created_at.isoformat(), "error_rate": told,
        }  # fmt: skip


def draw_sample(
    database: Database, version: str, count: int, *, curator: str, by: str = "", seed: int = 0,
    filters: RowFilters | None = None,
) -> Sample:  # fmt: skip
    """Draw rows of a version at random, or by stratum (a column of ``STRATA``); the same seed draws the same rows.

    Raises:
        InvalidInputError: no such version or column, no rows to draw from, too many asked for, or no seed.
    """
    found = find_version(database, version)
    if found is None:
        raise InvalidInputError("There is no such version.", hint="See: python -m workbench dataset list.")
    if by not in STRATA:
        raise InvalidInputError(f"{by[:40]!r} is no stratum.", hint=f"Choose one of {', '.join(STRATA[1:])}.")
    if not 1 <= count <= MOST:
        raise InvalidInputError("A sample has 1 to 2,000 rows.", hint="30 to 100 tell a lot.", field="count")
    if not 0 <= seed <= MAX_SEED:
        raise InvalidInputError(f"A seed is 0 to {MAX_SEED}.", hint="Any number there will do.", field="seed")
    chosen = filters or RowFilters()
    pairs = keys_of(database, found.id, chosen, by)
    if not pairs:
        raise InvalidInputError("There is no row to draw from.", hint="Widen the filters.")
    known = dict(pairs)
    keys = draw([key for key, _ in pairs], min(count, len(pairs)), seed, known if by else None)
    sizes: dict[str, int] = {}
    for _, stratum in pairs:
        sizes[stratum] = sizes.get(stratum, 0) + 1
    row = SampleRow(
        id=new_id(), version_id=found.id, by=by, seed=seed, keys=list(keys),
        strata={"of": {key: known[key] for key in keys}, "sizes": sizes, "filters": chosen.to_dict()}, results={},
        curator=name_of(curator),
        version=1, created_at=now(),
    )  # fmt: skip
    with database.writing() as session:
        session.add(row)
        session.flush()
        return _sample(row)


def judge(
    database: Database, sample: str, key: str, verdict: Judgement, *, curator: str, version: int, note: str = ""
) -> Sample:
    """Say whether a drawn row is right; a later verdict replaces an earlier one.

    Raises:
        InvalidInputError: no such sample or row, or the verdict is none.
        ConflictError: somebody has judged in this sample since ``version``.
    """
    if verdict not in ("right", "wrong"):
        raise InvalidInputError("A verdict is right or wrong.", hint="Choose one.")
    with database.writing() as session:
        row = session.get(SampleRow, storable(sample)[:40])
        if row is None or key not in row.keys:
            raise InvalidInputError("The row is not in the sample.", hint="Choose one that was drawn.")
        if row.version != version:
            raise ConflictError(
                "Somebody has judged in this sample since.", hint="Look again; nothing was overwritten."
            )
        said = {
            "verdict": verdict, "note": storable(note)[:2000], "curator": name_of(curator), "at": now().isoformat(),
        }  # fmt: skip
        row.results, row.version = {**row.results, key: said}, row.version + 1
        return _sample(row)


def find_sample(database: Database, id: str) -> Sample | None:
    """A sample by its id."""
    with database.reading() as session:
        row = session.get(SampleRow, storable(id)[:40])
        return None if row is None else _sample(row)


def samples_of(database: Database, version: str) -> tuple[Sample, ...]:
    """The samples of a version, newest first."""
    with database.reading() as session:
        rows = session.scalars(
            select(SampleRow).where(SampleRow.version_id == version).order_by(SampleRow.created_at.desc())
        ).all()
        return tuple(_sample(row) for row in rows)


def _sample(row: SampleRow) -> Sample:
    return Sample(
        row.id, row.version_id, row.by, row.seed, tuple(row.keys), row.strata["of"], row.strata["sizes"], row.results,
        row.curator, row.version, row.created_at,
    )  # fmt: skip
