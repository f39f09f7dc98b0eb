"""Reading the answers of hosted services, which may lack or bend any member: ids, counts, times, days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from workbench.core.errors import ModelBrokeOffError


def id_of(answer: Any) -> str:
    """The id in an answer, which is mere text where it was no JSON.

    Raises:
        ModelBrokeOffError: it has none.
    """
    id = getattr(answer, "id", None)
    if not isinstance(id, str) or not id:
        raise ModelBrokeOffError("What came back is no answer.", kind="no-answer", hint="Check OPENAI_BASE_URL.")
    return id


def told(answer: object, name: str) -> Any:
    """A member of an answer; None where it is not told: services leave out what OpenAI always gives."""
    return getattr(answer, name, None)


def whole(value: object) -> int | None:
    """A count, or None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def seconds_between(began: object, ended: object) -> float | None:
    """How long it took from one Unix time to another; None where one is not told."""
    first, last = whole(began), whole(ended)
    return float(last - first) if first is not None and last is not None and last >= first else None


def moment(value: object) -> datetime:
    """A Unix time, in UTC; the beginning of 1970 where none is told."""
    try:
        return datetime.fromtimestamp(whole(value) or 0, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def day(value: object) -> str:
    """A day as YYYY-MM-DD; nothing where none is told."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return ""
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return ""
