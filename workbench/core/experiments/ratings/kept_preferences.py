"""Preference pairs that raters have made, kept for datasets: each with the rights of its pieces.

A piece that a model wrote has no rights until somebody says on what ground it may be used. Those of the library's
example of the same music hold first; then what whoever makes the pairs says of a variant's pieces. Without rights for
both pieces a pair is kept, but comes into no dataset.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.ratings.contests import BlindContest, contest_named, samples_of
from workbench.core.experiments.ratings.judging import ratings_of
from workbench.core.experiments.ratings.preferences import Preferred, preferred
from workbench.core.experiments.samples import Sample
from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.experiment_tables import PreferredRow
from workbench.core.library.rights import Rights, missing, read_rights
from workbench.core.library.tables import ExampleRow


@dataclass(frozen=True)
class Kept:
    """What was kept: all pairs, those with rights for both pieces, and how many were left out since the preferred piece
    has errors."""

    pairs: int
    with_rights: int
    faulty: int

    @property
    def words(self) -> str:
        """For people."""
        if not self.pairs:
            return "No pair yet: raters do not agree on any two pieces." + self._faulty()
        said = f"{self.pairs:,} {'pair is' if self.pairs == 1 else 'pairs are'} kept."
        if self.with_rights < self.pairs:
            open_ = self.pairs - self.with_rights
            said += f" {open_:,} of them {'has' if open_ == 1 else 'have'} no rights yet and come into no dataset."
        return said + self._faulty()

    def _faulty(self) -> str:
        if not self.faulty:
            return ""
        return f" {self.faulty:,} left out: the preferred piece has errors."

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__) | {"words": self.words}


def keep_preferences(
    database: Database, id: str, *, raters: int = 2, share: float = 2 / 3, criterion: str = "",
    rights: Mapping[str, Rights] | None = None,
) -> Kept:  # fmt: skip
    """Make preference pairs of what was rated, in place of those that this comparison gave before.

    Args:
        database: where it is kept.
        id: the comparison.
        raters: as in ``preferred``.
        share: as in ``preferred``.
        criterion: as in ``preferred``.
        rights: of the pieces of variants, by variant. They hold for a piece whose makers are all named, and whose music
            the library does not know.

    Raises:
        InvalidInputError: no such comparison or variant, no majority, or rights that are not complete.
    """
    contest = contest_named(database, id)
    said = rights or {}
    unknown = sorted(set(said) - set(contest.variants))
    if unknown:
        raise InvalidInputError(f"{unknown[0][:80]!r} is not compared here.", hint="See its variants.")
    for name, declared in said.items():
        if gaps := missing(declared):
            raise InvalidInputError(f"The rights of {name[:80]!r} are not complete: {gaps[0]}", hint="Say it.")
    found = preferred(ratings_of(database, id), raters=raters, share=share, criterion=criterion)
    places = {each: _places(contest, each) for each in found}
    samples = samples_of(database, contest, (at for two in places.values() for at in two))
    library = _library(database, {piece for each in found for piece in (each.chosen, each.rejected)})
    rows, faulty = [], 0
    for each in found:
        chosen, rejected = (samples[at] for at in places[each])
        if chosen.report is not None and not chosen.report.valid:
            faulty += 1
            continue
        of_both = [_rights(contest, each.request, piece, said, library) for piece in (each.chosen, each.rejected)]
        rows.append(_values(contest, each, chosen, rejected, of_both[0], of_both[1]))
    with database.writing() as session:
        session.execute(delete(PreferredRow).where(PreferredRow.contest_id == contest.id))
        if rows:
            session.execute(insert(PreferredRow), rows)
    whole = sum(row["rights_chosen"] is not None and row["rights_rejected"] is not None for row in rows)
    return Kept(len(rows), whole, faulty)


def count_preferences(database: Database, id: str) -> int:
    """How many pairs a comparison has given."""
    wanted = select(func.count()).where(PreferredRow.contest_id == storable(id)[:40])
    with database.reading() as session:
        return session.scalar(wanted) or 0


def _places(contest: BlindContest, each: Preferred) -> tuple[int, int]:
    return contest.position(each.request, each.chosen), contest.position(each.request, each.rejected)


def _library(database: Database, pieces: Iterable[str]) -> dict[str, Rights]:
    """The rights of music that is in the library, where they are complete."""
    wanted = sorted(set(pieces))
    found: dict[str, Rights] = {}
    for at in range(0, len(wanted), 200):
        part = select(ExampleRow.content_hash, ExampleRow.rights).where(
            ExampleRow.content_hash.in_(wanted[at : at + 200]), ExampleRow.rights_gaps == 0
        )
        with database.reading() as session:
            for music, told in session.execute(part.order_by(ExampleRow.id)):
                found.setdefault(music, read_rights(told))
    return found


def _rights(
    contest: BlindContest, request: str, piece: str, said: Mapping[str, Rights], library: Mapping[str, Rights]
) -> Rights | None:
    if piece in library:
        return library[piece]
    makers = [name for name, made in contest.made[request].items() if made.piece == piece]
    return (
        said[makers[0]] if makers and all(name in said and said[name] == said[makers[0]] for name in makers) else None
    )


def _values(
    contest: BlindContest, each: Preferred, chosen: Sample, rejected: Sample, of_chosen: Rights | None,
    of_rejected: Rights | None,
) -> dict[str, Any]:  # fmt: skip
    assert chosen.structure is not None, "raters heard it"
    assert rejected.structure is not None, "raters heard it"
    key = json.dumps([contest.id, each.request, each.chosen, each.rejected])
    return {
        "id": hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest(), "contest_id": contest.id,
        "request": storable_json(chosen.request.to_dict()), "chosen": storable_json(chosen.structure.to_dict()),
        "rejected": storable_json(rejected.structure.to_dict()),
        "rights_chosen": None if of_chosen is None else storable_json(of_chosen.to_dict()),
        "rights_rejected": None if of_rejected is None else storable_json(of_rejected.to_dict()),
        "why": storable(each.why), "votes": each.votes, "raters": each.raters, "at": now(),
    }  # fmt: skip
