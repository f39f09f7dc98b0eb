"""A token is shown once, kept as a hash, and lets in what its limits allow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from workbench.core.errors import AccessError, InvalidInputError
from workbench.core.library.database import Database
from workbench.core.library.tables import Table, TokenRow, UsageRow
from workbench.core.library.tokens import CALL, MOST, PREFIX, Token, admit, all_tokens, create_token, revoke_token

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNKNOWN = PREFIX + "a" * 43


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def refusal(database: Database, secret: str | None, at: datetime = NOON) -> AccessError:
    with pytest.raises(AccessError) as caught:
        admit(database, secret, at=at)
    assert caught.value.hint
    return caught.value


def use(database: Database, token: Token, tokens_in: int, tokens_out: int, at: datetime = NOON) -> None:
    """Write down that a call with a token has used some model tokens."""
    with database.writing() as session:
        session.add(
            UsageRow(
                token_id=token.id, day=at.date(), at=at, provider="openai", variant="base", tokens_in=tokens_in,
                tokens_out=tokens_out,
            )
        )  # fmt: skip


def calls(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(UsageRow).where(UsageRow.provider == CALL)) or 0


# Making and revoking


def test_a_token_is_made_with_its_limits(database: Database) -> None:
    token, secret = create_token(database, "AIRIA", requests_a_minute=5, tokens_a_day=7_000_000)
    assert (token.name, token.requests_a_minute, token.tokens_a_day) == ("AIRIA", 5, 7_000_000)
    assert secret.startswith(PREFIX)
    assert len(secret) == 47
    assert all_tokens(database) == (token,)


def test_no_row_holds_the_secret_only_its_hash(database: Database) -> None:
    secrets = [create_token(database, "AIRIA")[1] for _ in range(3)]
    for secret in secrets:
        admit(database, secret)
    with database.engine.connect() as connection:
        dump = "\n".join(
            repr(tuple(row)) for table in Table.metadata.sorted_tables for row in connection.execute(select(table))
        )
    for secret in secrets:
        assert secret not in dump
        assert secret.removeprefix(PREFIX) not in dump
        assert hashlib.sha256(secret.encode()).hexdigest() in dump
    if database.is_sqlite:
        path = Path(database.name.removeprefix("sqlite:///"))
        raw = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
        assert not any(secret.removeprefix(PREFIX).encode() in raw for secret in secrets)


def test_no_two_tokens_are_alike(database: Database) -> None:
    made = [create_token(database, "AIRIA") for _ in range(10)]
    assert len({secret for _, secret in made}) == len({token.id for token, _ in made}) == 10


def test_the_newest_token_comes_first(database: Database) -> None:
    tokens = [create_token(database, name)[0] for name in ("a", "b", "c")]
    assert all_tokens(database) == tuple(reversed(tokens))


@pytest.mark.parametrize("name", ["", "  \t", "\x00", "\n\x00 "])
def test_a_token_needs_a_name(database: Database, name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create_token(database, name)
    assert caught.value.field == "name"


def test_a_name_is_made_storable(database: Database) -> None:
    token, _ = create_token(database, "  作曲\x00 \ud800\n" + "x" * 200)
    assert token.name == ("作曲 ? " + "x" * 200)[:80]


@pytest.mark.parametrize("limit", [{"requests_a_minute": -1}, {"tokens_a_day": -1}, {"requests_a_minute": MOST + 1}])
def test_an_impossible_limit_is_refused(database: Database, limit: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        create_token(database, "AIRIA", **limit)
    assert all_tokens(database) == ()


def test_the_highest_limits_are_taken(database: Database) -> None:
    _, secret = create_token(database, "AIRIA", requests_a_minute=MOST, tokens_a_day=MOST)
    assert admit(database, secret).tokens_a_day == MOST


def test_a_token_is_revoked_by_id_or_name_once(database: Database) -> None:
    (first, _), (second, _), _ = (create_token(database, name) for name in ("AIRIA 1", "AIRIA 1", "other"))
    assert revoke_token(database, first.id) == 1
    assert revoke_token(database, " AIRIA  1") == 1
    assert (
        revoke_token(database, "AIRIA 1") == revoke_token(database, second.id) == revoke_token(database, "x\x00") == 0
    )
    assert [token.revoked_at is None for token in all_tokens(database)] == [True, False, False]


# Admitting


def test_a_known_token_is_admitted_and_counted(database: Database) -> None:
    token, secret = create_token(database, "AIRIA")
    assert admit(database, secret) == token
    assert admit(database, secret, at=NOON) == token
    assert calls(database) == 2


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "",
        " ",
        "abc",
        PREFIX,
        UNKNOWN,
        UNKNOWN + "\n",
        UNKNOWN + "a",
        "é" * 47,
        "\x00",
        "\ud800",
        PREFIX + "曲" * 43,
        "' OR 1=1 --",
        "a" * 100_000,
    ],
)
def test_no_token_or_a_wrong_one_is_refused(database: Database, secret: str | None) -> None:
    create_token(database, "AIRIA")
    problem = refusal(database, secret)
    assert problem.status == 401
    assert problem.retry_after is None
    assert not secret or secret.strip() == "" or secret not in str(problem)
    assert calls(database) == 0


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=st.text(st.characters(exclude_categories=()), max_size=60) | st.from_regex(r"\Awbk_[\w-]{43}\Z"))
def test_no_guess_is_admitted(database: Database, secret: str) -> None:
    assert refusal(database, secret).status == 401


def test_a_secret_in_other_letters_is_refused(database: Database) -> None:
    _, secret = create_token(database, "AIRIA")
    for wrong in (secret.swapcase(), secret[:-1], f" {secret}", f"{secret} ", secret.removeprefix(PREFIX)):
        assert refusal(database, wrong).status == 401


def test_a_revoked_token_is_refused_like_an_unknown_one(database: Database) -> None:
    token, secret = create_token(database, "AIRIA")
    admit(database, secret)
    revoke_token(database, token.id)
    assert str(refusal(database, secret)) == str(refusal(database, UNKNOWN))
    assert refusal(database, secret).status == 401


# So many requests a minute


def test_a_minute_has_so_many_requests_and_is_then_over(database: Database) -> None:
    _, secret = create_token(database, "AIRIA", requests_a_minute=3)
    for seconds in (0, 1, 2.5):
        admit(database, secret, at=later(seconds))
    for seconds, wait in ((2.5, 58), (30, 30), (30.4, 30), (59.9, 1)):
        problem = refusal(database, secret, later(seconds))
        assert (problem.status, problem.retry_after) == (429, wait)
        assert f"{wait} seconds" in problem.hint
    admit(database, secret, at=later(60))
    assert refusal(database, secret, later(60)).retry_after == 1
    admit(database, secret, at=later(61))


def test_who_waits_as_long_as_told_is_admitted(database: Database) -> None:
    _, secret = create_token(database, "AIRIA", requests_a_minute=1)
    admit(database, secret, at=NOON)
    for milliseconds in (0, 1, 499, 500, 501, 30_499, 59_999):
        wait = refusal(database, secret, later(milliseconds / 1000)).retry_after
        assert wait is not None
        assert 1 <= wait <= 60
        assert milliseconds / 1000 + wait >= 60


def test_a_clock_that_is_ahead_makes_nobody_wait_longer_than_a_minute(database: Database) -> None:
    _, secret = create_token(database, "AIRIA", requests_a_minute=1)
    admit(database, secret, at=later(300))
    assert refusal(database, secret).retry_after == 60


def test_a_refused_request_does_not_count(database: Database) -> None:
    _, secret = create_token(database, "AIRIA", requests_a_minute=1)
    admit(database, secret, at=NOON)
    for seconds in range(1, 60, 10):
        refusal(database, secret, later(seconds))
    assert calls(database) == 1
    admit(database, secret, at=later(60))


def test_tokens_do_not_use_up_each_others_share(database: Database) -> None:
    (_, first), (_, second) = (create_token(database, "AIRIA", requests_a_minute=1) for _ in range(2))
    admit(database, first, at=NOON)
    admit(database, second, at=NOON)
    assert refusal(database, first).status == refusal(database, second).status == 429


def test_of_twenty_requests_at_once_exactly_as_many_as_allowed_are_admitted(
    database: Database, at_once: Callable[..., list[Any]]
) -> None:
    token, secret = create_token(database, "AIRIA", requests_a_minute=10)
    answers = at_once(lambda _: admit(database, secret, at=NOON), 20)
    assert sum(answer == token for answer in answers) == 10
    assert sum(isinstance(answer, AccessError) and answer.status == 429 for answer in answers) == 10
    assert calls(database) == 10


# So many model tokens a day


def test_a_day_has_so_many_model_tokens(database: Database) -> None:
    token, secret = create_token(database, "AIRIA", tokens_a_day=1000)
    use(database, token, 600, 399)
    admit(database, secret, at=NOON)
    use(database, token, 1, 0)
    problem = refusal(database, secret)
    assert (problem.status, problem.retry_after) == (429, 12 * 3600)
    assert "1,000" in problem.message
    admit(database, secret, at=NOON + timedelta(hours=12))


def test_the_day_ends_at_midnight_utc(database: Database) -> None:
    token, secret = create_token(database, "AIRIA", tokens_a_day=1)
    before = datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC)
    use(database, token, 1, 0, at=before)
    assert refusal(database, secret, before).retry_after == 30
    assert refusal(database, secret, before + timedelta(seconds=29.9)).retry_after == 1
    admit(database, secret, at=before + timedelta(seconds=30))


def test_what_others_used_does_not_count(database: Database) -> None:
    _, secret = create_token(database, "AIRIA", tokens_a_day=10)
    other, _ = create_token(database, "other")
    use(database, other, 1000, 1000)
    admit(database, secret, at=NOON)


def test_no_limit_is_no_limit(database: Database) -> None:
    token, secret = create_token(database, "AIRIA", requests_a_minute=0, tokens_a_day=0)
    use(database, token, 2**50, 2**50)
    for _ in range(70):
        assert admit(database, secret, at=NOON) == token


def test_what_was_used_stays_known_when_its_token_is_gone(database: Database) -> None:
    token, _ = create_token(database, "AIRIA")
    use(database, token, 1, 2)
    with database.writing() as session:
        session.delete(session.get_one(TokenRow, token.id))
    with database.reading() as session:
        assert session.scalars(select(UsageRow.token_id)).all() == [None]
