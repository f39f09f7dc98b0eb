"""Judging pairs: what a rater is shown next, what is said of it, and taken back.

The pair that a rater is shown is written down before it is shown, so a page that is loaded again shows the same one,
and other raters are given others as long as there are any. Everything that changes something is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.experiments.ratings.contests import BlindContest, contest_of_row, no_contest
from workbench.core.experiments.ratings.pairs import Blind, blind, next_pair
from workbench.core.experiments.ratings.ratings import MAX_SECONDS, Answer, Pair, Rating, Side, read_rater
from workbench.core.library.database import Database, now, storable
from workbench.core.library.experiment_tables import BlindRatingRow, ContestRow


class Turn(NamedTuple):
    """What a rater judges now: all that the page may know is ``blind`` and ``of``, how many pairs there are to be.

    ``pair`` never leaves the server.
    """

    blind: Blind
    of: int
    pair: Pair


class Progress(NamedTuple):
    """How far a rater has come."""

    rater: str
    judged: int
    last_at: datetime


def turn_of(database: Database, id: str, rater: str) -> Turn | None:
    """The pair that a rater is to judge: the one that is open, else the next; None when there is none left.

    Raises:
        InvalidInputError: no such comparison, it is closed, or no name.
    """
    rater = read_rater(rater)
    with database.reading() as session:
        contest = _open(session, id)
        rows = _rows(session, contest.id)
    if (turn := _open_turn(contest, rows, rater)) is not None or _has_judged(rows, rater) >= contest.wanted:
        return turn
    with database.writing() as session:
        contest = _open(session, id)
        rows = _rows(session, contest.id)
        turn = _open_turn(contest, rows, rater)
        if turn is None and (pair := _chosen(contest, rows, rater)) is not None:
            turn = _turn(contest, pair)
            values = {name: value for name, value in pair.to_dict().items() if name != "token"}
            session.add(
                BlindRatingRow(
                    token=pair.token, contest_id=contest.id, verdict="", criteria={}, seconds=0.0, at=now(),
                    sound_a=turn.blind.a, sound_b=turn.blind.b, **values,
                )
            )  # fmt: skip
        return turn


def likely_next(database: Database, id: str, rater: str) -> Pair | None:
    """A guess at the pair after the open one, to have its sounds ready: the one that follows upon a tie."""
    with database.reading() as session:
        contest = _open(session, id)
        rows = _rows(session, contest.id)
    now_open = next((row for row in rows if row.rater == rater and not row.verdict), None)
    if now_open is None:
        return None
    others = [row for row in rows if row is not now_open]
    guess = [*_said(others, rater), Rating(_pair(now_open), "tie", now_open.at)]
    if sum(each.pair.rater == rater for each in guess) >= contest.wanted:
        return None
    return next_pair(
        contest.over, guess, rater, seed=contest.seed, shared=contest.shared, repeats=contest.repeats
    )  # fmt: skip


def answer(database: Database, id: str, rater: str, said: Answer) -> Rating:
    """Keep what a rater says of the pair that is open. The same answer once more changes nothing.

    Raises:
        InvalidInputError: no such comparison, it is closed, or the pair was not shown to this rater.
        ConflictError: the rater has said something else of this pair.
    """
    rater = read_rater(rater)
    with database.writing() as session:
        contest = _open(session, id)
        row = session.get(BlindRatingRow, storable(said.token)[:80])
        if row is None or row.contest_id != contest.id or row.rater != rater:
            raise InvalidInputError("There is no such pair for you.", hint="Go on to the next one.", field="/token")
        criteria = {} if said.verdict == "skip" else dict(said.criteria)
        if row.verdict:
            if (row.verdict, row.criteria) != (said.verdict, criteria):
                raise ConflictError("You have rated this pair already.", hint="Undo your answer to change it.")
            return _rating(row)
        moment = now()
        row.seconds = said.seconds or min(MAX_SECONDS, max(0.0, (moment - row.at).total_seconds()))
        row.verdict, row.criteria, row.at = said.verdict, criteria, moment
        return _rating(row)


def undo_answer(database: Database, id: str, rater: str) -> bool:
    """Take a rater's last answer back, so that its pair is open again; False where there is none.

    Raises:
        InvalidInputError: no such comparison, it is closed, or no name.
    """
    rater = read_rater(rater)
    with database.writing() as session:
        contest = _open(session, id)
        mine = [row for row in _rows(session, contest.id) if row.rater == rater]
        judged = [row for row in mine if row.verdict]
        if not judged:
            return False
        for row in mine:
            if not row.verdict:
                session.delete(row)
        last = judged[-1]
        last.verdict, last.criteria, last.seconds, last.at = "", {}, 0.0, now()
        return True


def ratings_of(database: Database, id: str) -> tuple[Rating, ...]:
    """All that was said, by the raters' own order."""
    with database.reading() as session:
        return tuple(_rating(row) for row in _rows(session, storable(id)[:40]) if row.verdict)


def progress_of(database: Database, id: str) -> tuple[Progress, ...]:
    """How far each rater has come, by name; also those who have judged nothing yet."""
    judged = func.count().filter(BlindRatingRow.verdict != "")
    wanted = (
        select(BlindRatingRow.rater, judged, func.max(BlindRatingRow.at))
        .where(BlindRatingRow.contest_id == storable(id)[:40])
        .group_by(BlindRatingRow.rater)
    )
    with database.reading() as session:
        return tuple(Progress(*row) for row in sorted(session.execute(wanted).all()))


def pair_of_sound(database: Database, id: str, token: str) -> tuple[Pair, Side] | None:
    """The pair, and the side of it, that the token of a sound stands for; None where it was shown to nobody."""
    token = storable(token)[:40]
    wanted = select(BlindRatingRow).where(
        BlindRatingRow.contest_id == storable(id)[:40],
        (BlindRatingRow.sound_a == token) | (BlindRatingRow.sound_b == token),
    )
    with database.reading() as session:
        row = session.scalars(wanted).first() if token else None
    if row is None:
        return None
    return _pair(row), "a" if row.sound_a == token else "b"


# Rows -----------------------------------------------------------------------------------------------------------------


def _open(session: Session, id: str) -> BlindContest:
    row = session.get(ContestRow, storable(id)[:40])
    if row is None:
        raise no_contest()
    if row.closed_at is not None:
        raise InvalidInputError("This comparison is closed.", hint="Thank you; there is nothing more to rate.")
    return contest_of_row(row)


def _rows(session: Session, id: str) -> list[BlindRatingRow]:
    wanted = select(BlindRatingRow).where(BlindRatingRow.contest_id == id)
    return list(session.scalars(wanted.order_by(BlindRatingRow.number, BlindRatingRow.rater)).all())


def _open_turn(contest: BlindContest, rows: Iterable[BlindRatingRow], rater: str) -> Turn | None:
    row = next((row for row in rows if row.rater == rater and not row.verdict), None)
    return None if row is None else _turn(contest, _pair(row))


def _turn(contest: BlindContest, pair: Pair) -> Turn:
    return Turn(blind(contest.over, pair), contest.wanted, pair)


def _has_judged(rows: Iterable[BlindRatingRow], rater: str) -> int:
    return sum(row.rater == rater and bool(row.verdict) for row in rows)


def _chosen(contest: BlindContest, rows: Sequence[BlindRatingRow], rater: str) -> Pair | None:
    if _has_judged(rows, rater) >= contest.wanted:
        return None
    return next_pair(
        contest.over, _said(rows, rater), rater, seed=contest.seed, shared=contest.shared, repeats=contest.repeats
    )


def _said(rows: Iterable[BlindRatingRow], rater: str) -> list[Rating]:
    """What was said so far; what others have before them counts as skipped, so that it is given to nobody else soon."""
    return [
        _rating(row) if row.verdict else Rating(_pair(row), "skip", row.at)
        for row in rows
        if row.verdict or row.rater != rater
    ]


def _pair(row: BlindRatingRow) -> Pair:
    return Pair(
        row.token, row.rater, row.request, row.a, row.b, row.piece_a, row.piece_b, row.number, row.repeat
    )  # fmt: skip


def _rating(row: BlindRatingRow) -> Rating:
    verdict: Any = row.verdict
    return Rating(_pair(row), verdict, row.at, dict(row.criteria), row.seconds)
