"""Tokens of the HTTP API: made once, shown once, kept as a hash, and held to their limits.

A token is 32 random bytes, so a plain SHA-256 is enough to keep it by.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select

from workbench.core.errors import AccessError, InvalidInputError
from workbench.core.library.database import Database, new_id, now, storable
from workbench.core.library.tables import TokenRow, UsageRow

PREFIX = "wbk_"
_FORM = re.compile(r"wbk_[A-Za-z0-9_-]{43}")
MOST = 1_000_000_000


@dataclass(frozen=True)
class Token:
    """A token's name and limits; ``requests_a_minute`` and ``tokens_a_day`` of 0 mean no limit."""

    id: str
    name: str
    requests_a_minute: int
    tokens_a_day: int
    created_at: datetime
    revoked_at: datetime | None


def create_token(
    database: Database, name: str, *, requests_a_minute: int = 60, tokens_a_day: int = 1_000_000
) -> tuple[Token, str]:
    """Make a token; its secret is given back this once and can never be read again.

    Raises:
        InvalidInputError: no name, or an impossible limit.
    """
    name = " ".join(storable(name).split())[:80]
    if not name:
        raise InvalidInputError("A token needs a name.", hint="Say who will use it.", field="name")
    if not (0 <= requests_a_minute <= MOST and 0 <= tokens_a_day <= MOST):
        raise InvalidInputError("A limit is out of range.", hint=f"Give 0 (none) to {MOST:,}.")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = TokenRow(
        id=new_id(), name=name, digest=_digest(secret), requests_a_minute=requests_a_minute,
        tokens_a_day=tokens_a_day, created_at=now(),
    )  # fmt: skip
    with database.writing() as session:
        session.add(row)
        session.flush()
        return _token(row), secret


def all_tokens(database: Database) -> tuple[Token, ...]:
    """Every token, the newest first."""
    with database.reading() as session:
        return tuple(_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.created_at.desc())))


def revoke_token(database: Database, name_or_id: str) -> int:
    """Make tokens of this id or name worthless; how many there were."""
    name_or_id = " ".join(storable(name_or_id).split())
    with database.writing() as session:
        matches = select(TokenRow).where((TokenRow.id == name_or_id) | (TokenRow.name == name_or_id))
        rows = session.scalars(matches.where(TokenRow.revoked_at.is_(None))).all()
        for row in rows:
            row.revoked_at = now()
        return len(rows)


def admit(database: Database, secret: str | None, *, at: datetime | None = None) -> Token:
    """The token of a call, which is counted from now on.

    Raises:
        AccessError: no token, a wrong or revoked one (401), or one that has used up its share (429).
    """
    if not secret:
        raise AccessError("A token is needed.", hint="Send it as Authorization: Bearer TOKEN.")
    at = at or now()
    if not _FORM.fullmatch(secret):
        raise _unknown()
    with database.reading() as session:  # a wrong token takes no lock
        row = session.scalar(select(TokenRow).where(TokenRow.digest == _digest(secret)))
    if row is None or row.revoked_at is not None:
        raise _unknown()
    with database.writing() as session:
        calls, wait = 0, 60
        if row.requests_a_minute:
            since = at - timedelta(minutes=1)
            recent = select(func.count(), func.min(UsageRow.at)).where(
                UsageRow.token_id == row.id, UsageRow.provider == CALL, UsageRow.at > since
            )
            calls, first = session.execute(recent).one()
            if first is not None:
                moment = first if first.tzinfo else first.replace(tzinfo=UTC)
                wait = min(60, max(1, math.ceil((moment + timedelta(minutes=1) - at).total_seconds())))
        if row.requests_a_minute and calls >= row.requests_a_minute:
            raise AccessError(
                f"This token may make {row.requests_a_minute:,} requests a minute.", status=429, retry_after=wait,
                hint=f"Try again in {wait} seconds.",
            )  # fmt: skip
        if row.tokens_a_day:
            used = session.scalar(
                select(func.coalesce(func.sum(UsageRow.tokens_in + UsageRow.tokens_out), 0)).where(
                    UsageRow.token_id == row.id, UsageRow.day == at.date()
                )
            )
            if int(used or 0) >= row.tokens_a_day:
                rest = datetime.combine(at.date() + timedelta(days=1), time(), UTC) - at
                raise AccessError(
                    f"This token has used its {row.tokens_a_day:,} model tokens of today.", status=429,
                    retry_after=max(1, int(rest.total_seconds())), hint="Try again tomorrow (UTC), or raise its limit.",
                )  # fmt: skip
        session.add(
            UsageRow(token_id=row.id, day=at.date(), at=at, provider=CALL, variant="", tokens_in=0, tokens_out=0)
        )
        return _token(row)


CALL = "call"
"""The provider that a row of usage names when it only counts a call."""


def _unknown() -> AccessError:
    return AccessError("This token is not known.", hint="Make one with: python -m workbench token create NAME.")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: TokenRow) -> Token:
    return Token(row.id, row.name, row.requests_a_minute, row.tokens_a_day, row.created_at, row.revoked_at)
