"""What is asked in an experiment: requests from a dataset's split, a list or a grid, each under a key that stays."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import Version, bodies, facts_of_version, version_named
from workbench.core.datasets.withdrawn import examples_of
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.designs import design
from workbench.core.experiments.specification import (
    MAX_REQUESTS,
    Grid,
    Mood,
    Requests,
    Specification,
    count_cells,
)
from workbench.core.library.database import Database
from workbench.core.music.reading import read_request
from workbench.core.music.request import Request


@dataclass(frozen=True)
class Asked:
    """A request to be answered. ``row`` is the dataset's own, whose answer is the reference, where it is from one; its
    prompt is left out.

    ``key`` tells requests of one experiment apart; ``banned`` are the ids of examples that would give the answer away.
    """

    key: str
    request: Request
    row: Row | None = None
    banned: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A short hash of the request but for its id: the same request elsewhere has the same."""
        return request_digest(self.request)


@dataclass(frozen=True)
class Expanded:
    """All that is asked, the version it is from, if any, and what has to be said of it."""

    asked: tuple[Asked, ...]
    version: Version | None = None
    notes: tuple[str, ...] = ()


def request_digest(request: Request) -> str:
    """Sixteen hexadecimal digits that stand for a request; its id, which names files, is not looked at."""
    text = request.model_copy(update={"id": None}).to_json()
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def expand(specification: Specification, database: Database | None = None) -> Expanded:
    """The requests of a specification, each once. Datasets are looked up in the database.

    Raises:
        InvalidInputError: there is no such version or no request in it, or the cells are more than the limit.
        DatabaseError: the database does not answer.
    """
    wanted = specification.requests
    if wanted.dataset:
        return _of_dataset(specification, database)
    found = _of_grid(wanted.grid, wanted) if wanted.grid is not None else _of_list(wanted)
    return _each_once(found)


def _of_dataset(specification: Specification, database: Database | None) -> Expanded:
    wanted = specification.requests
    if database is None:
        raise InvalidInputError("The requests are in a dataset.", hint="Name a database.", field="/requests/dataset")
    version = version_named(database, wanted.dataset)
    chosen, total = _sampled(database, version, wanted)
    if not chosen:
        raise InvalidInputError(
            f"{version.label} has no {wanted.split} rows.", hint="Name another split, or build a version with one.",
            field="/requests/split",
        )  # fmt: skip
    count_cells(specification, len(chosen))
    ban = tuple(version.summary.get("held_out", ())) if wanted.split == "test" else ()
    found = _each_once(_of_rows(database, version, wanted.split, chosen, ban), version)
    if len(chosen) < total:
        sample = f"{len(chosen):,} of {total:,} {wanted.split} rows are asked."
        return Expanded(found.asked, version, (sample, *found.notes))
    return found


def _sampled(database: Database, version: Version, wanted: Requests) -> tuple[frozenset[str], int]:
    """The keys of a stable sample of a split, and how many rows it has: a larger sample holds every smaller one."""
    total = 0

    def drawn() -> Iterator[tuple[bytes, str]]:
        nonlocal total
        for facts in facts_of_version(database, version.id, split=wanted.split):
            total += 1
            yield hashlib.sha256(f"sample/{wanted.seed}/{facts.key}".encode()).digest(), facts.key

    found = heapq.nsmallest(wanted.most or MAX_REQUESTS + 1, drawn())
    if len(found) > MAX_REQUESTS:
        raise InvalidInputError(
            f"{version.label} has {total:,} {wanted.split} rows; at most {MAX_REQUESTS:,} are asked.",
            hint="Say how many with most.", field="/requests/most",
        )  # fmt: skip
    return frozenset(key for _, key in found), total


def _of_rows(
    database: Database, version: Version, split: str, chosen: frozenset[str], ban: tuple[str, ...]
) -> Iterator[Asked]:
    """The chosen rows of a split in order. The piece that a row was made from is banned, whatever the version says."""
    known = frozenset(ban)
    for _, row in bodies(database, version.id, split=split):
        if row.key not in chosen:
            continue
        own = [id for id in examples_of(row.source_id) if id not in known]
        slim = replace(row, prompt=(), rejected="")
        yield Asked(row.key, read_request(row.request), slim, (*ban, *own) if own else ban)


def _of_list(wanted: Requests) -> Iterator[Asked]:
    listed = (wanted.listed or ())[: wanted.most]
    for request in listed:
        yield Asked(request.id or request_digest(request), request)


def _of_grid(grid: Grid, wanted: Requests) -> Iterator[Asked]:
    levels = grid.levels
    most = min(grid.size, wanted.most or grid.size)
    for point in design([len(values) for values in levels.values()], most, seed=wanted.seed):
        chosen = {name: values[at] for (name, values), at in zip(levels.items(), point, strict=True)}
        yield Asked(" · ".join(_word(value) for value in chosen.values()), Request.model_validate(_fields(chosen)))


def _fields(chosen: dict[str, Any]) -> dict[str, Any]:
    """A request's fields: a mood is two of them."""
    mood = chosen.get("mood")
    plain = {name: value for name, value in chosen.items() if name != "mood"}
    return plain | ({"valence": mood.valence, "arousal": mood.arousal} if isinstance(mood, Mood) else {})


def _word(value: Any) -> str:
    if isinstance(value, Mood):
        return value.word or f"{value.valence:+.4g}/{value.arousal:.4g}"
    return f"{value:g} s" if isinstance(value, float) else str(value)


def _each_once(found: Iterable[Asked], version: Version | None = None) -> Expanded:
    """Each request once. Two requests of a list may have one id: the second key says more."""
    seen: set[str] = set()
    keys: set[str] = set()
    asked: list[Asked] = []
    twice = 0
    for each in found:
        digest = each.digest
        if digest in seen:
            twice += 1
            continue
        seen.add(digest)
        if each.key in keys:
            each = Asked(f"{each.key} {digest}", each.request, each.row, each.banned)
        keys.add(each.key)
        asked.append(each)
    said = "1 request stands" if twice == 1 else f"{twice:,} requests stand"
    return Expanded(tuple(asked), version, (f"{said} there twice: each is asked once.",) if twice else ())
