"""Preference pairs: of two pieces for the same request, which one people preferred.

A pair is a ``Source`` with ``rejected`` set. Pairs are found by functions that are registered under a name. To add one,
write it in a module of this folder whose name begins with ``preferences_``; it is then found by itself::

    @preferences("votes")
    def votes(database: Database) -> Iterator[Source]:
        '''Of two pieces, which one got more votes.'''

Its ids begin with ``pairs/NAME/`` and come in ascending order, so that all pairs are one ordered stream that nobody has
to hold. Everything that is trained on needs rights: ``covers`` says whether those of the chosen piece, which the pair
has, hold for the rejected one too; and ``request_key`` says which requests are the same.

Two ways are built in here; blind ratings are a module of their own. The two are silent where more than the music may
have decided: a piece whose rights are incomplete, or narrower than those of the chosen one, may have been rejected for
that; and what is approved now, for the same request, was not bad. That a piece was rejected for being like another
cannot be told: the curators' notes are words.
"""

from __future__ import annotations

import hashlib
import json
import logging
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Select, select

from workbench.core.datasets.rows import Source
from workbench.core.errors import InvalidInputError
from workbench.core.generate.wire import wire_text
from workbench.core.library.curation import Item, content_hash, item_of
from workbench.core.library.database import Database
from workbench.core.library.rights import LAYERS, Rights, missing, read_rights, uses_of
from workbench.core.library.tables import AuditRow, ExampleRow
from workbench.core.music.structure import MusicStructure

MAX_AGAINST = 8
"""Rejected pieces that one chosen piece is set against: a much answered request must not make millions of pairs."""

_log = logging.getLogger(__name__)
_PACKAGE = "workbench.core.datasets.building"
_WORDS = {"title", "character", "reasoning"}
_PART, _ROWS = 16, 200
"""Chosen pieces, and rows of a scan, that are in memory at a time."""

Find = Callable[[Database], Iterator[Source]]


class Preference(NamedTuple):
    """A registered way to find pairs: its name, what it goes by in a sentence, and the function."""

    name: str
    meaning: str
    find: Find


_ways: dict[str, Preference] = {}


def preferences(name: str) -> Callable[[Find], Find]:
    """Register the decorated function as a way to find pairs; its docstring says what it goes by."""

    def keep(find: Find) -> Find:
        if name in _ways:
            raise ValueError(f"two ways to find pairs are called {name!r}")
        _ways[name] = Preference(name, " ".join((find.__doc__ or "").split()), find)
        return find

    return keep


def known_preferences() -> tuple[Preference, ...]:
    """Every way to find pairs, in the order of the ids of its pairs."""
    for module in iter_modules(import_module(_PACKAGE).__path__):
        if module.name.startswith("preferences_"):
            import_module(f"{_PACKAGE}.{module.name}")
    return tuple(sorted(_ways.values(), key=lambda way: _prefix(way.name)))


def all_preferences(database: Database, names: Sequence[str] = ()) -> Iterator[Source]:
    """The pairs that were found in the ways of these names, or in every way: by id, and each pair of music once.

    Raises:
        InvalidInputError: there is no way of such a name.
    """
    ways = known_preferences()
    unknown = sorted(set(names) - {way.name for way in ways})
    if unknown:
        raise InvalidInputError(
            f"{unknown[0][:60]!r} is no source of pairs.", hint=f"Choose {' or '.join(way.name for way in ways)}."
        )
    return _distinct(database, [way for way in ways if not names or way.name in names])


def _distinct(database: Database, ways: Sequence[Preference]) -> Iterator[Source]:
    seen: set[bytes] = set()
    last = ""
    for way in ways:
        for pair in way.find(database):
            if pair.rejected is None or not pair.id.startswith(_prefix(way.name)) or pair.id <= last:
                raise ValueError(f"{way.name!r}: {pair.id!r} is no pair, has a foreign id, or comes too late")
            last = pair.id
            chosen, rejected = _written(pair.structure), _written(pair.rejected)
            said = request_key(pair.request.to_dict()) + chosen + rejected
            if chosen != rejected and said not in seen:
                seen.add(said)
                yield pair


def _written(structure: MusicStructure) -> bytes:
    """What of the music a model would write: two answers that differ in titles and remarks alone are no pair."""
    plain = json.loads(wire_text(structure))
    return _digest({name: value for name, value in plain.items() if name not in _WORDS})


def request_key(request: Mapping[str, Any]) -> bytes:
    """What two requests (JSON objects of ``Request.to_dict``) share that are the same but for id and seed."""
    return _digest({name: value for name, value in request.items() if name not in {"id", "seed"}})


def covers(rejected: Rights, chosen: Rights) -> bool:
    """Whether a rejected piece may be used today in every way in which the chosen one may now or at any later time.

    Then the pair may be used as the chosen piece may, also when more of that has come into the public domain.
    """
    return _allowed(chosen, date.max) <= _allowed(rejected, date.today())


@preferences("edits")
def edits(database: Database) -> Iterator[Source]:
    """A curator edited a piece, and it was approved: it is preferred to what it was.

    Rejected is what the example was before its first edit of the music under the request that it has now. Where the
    request was changed together with the music, or the edit was undone, nothing is said.
    """
    versions = _edited(database)
    ids = sorted(versions)
    for start in range(0, len(ids), _PART):
        items = _items(database, {id: versions[id] for id in ids[start : start + _PART]})
        before = _before_edits(database, items)
        good = _approved_music(database, [music for _, music in before.values()])
        for id, (structure, music) in sorted(before.items()):
            item = items[id]
            if (request_key(item.request.to_dict()), music) not in good:
                why = "Approved after an edit; the rejected one is what it was before."
                yield _pair(f"pairs/edits/{id}", "edit", item, structure, why)


@preferences("decisions")
def decisions(database: Database) -> Iterator[Source]:
    """For the same request one piece was approved and another rejected.

    Variants of one generation have the same request, so they are among them. Of the pieces that were rejected for a
    request, each approved one is set against ``MAX_AGAINST`` at most: always the same while none is added.
    """
    groups = _decided(database)
    chosen = sorted(((each, group) for group in groups for each in group.approved), key=lambda pair: pair[0].id + "/")
    for start in range(0, len(chosen), _PART):
        part = [(each, group.against(each)) for each, group in chosen[start : start + _PART]]
        wanted = {each.id: each.version for one, others in part for each in (one, *others)}
        items = _items(database, wanted)
        for one, others in part:
            for other in sorted(others, key=lambda each: each.id):
                if one.id in items and other.id in items:
                    rejected = items[other.id].structure
                    why = f"Approved; “{rejected.title or other.id}” was rejected for the same request."
                    yield _pair(f"pairs/decisions/{one.id}/{other.id}", "decision", items[one.id], rejected, why)


def _pair(id: str, origin: str, chosen: Item, rejected: MusicStructure, why: str) -> Source:
    request, structure, rights = chosen.request, chosen.structure, chosen.rights
    return Source(id, chosen.version, origin, request, structure, rights, chosen.tags, rejected, why)


def _items(database: Database, versions: Mapping[str, int]) -> dict[str, Item]:
    """The examples of these ids. One that was changed since the scan, or cannot be read any more, is left out."""
    found: dict[str, Item] = {}
    with database.reading() as session:
        for row in session.scalars(select(ExampleRow).where(ExampleRow.id.in_(list(versions)))):
            try:
                if row.version == versions[row.id]:
                    found[row.id] = item_of(row)
            except (ValidationError, InvalidInputError):
                _log.warning("example %s cannot be read and is in no pair", row.id)
    return found


# Edits


def _edited(database: Database) -> dict[str, int]:
    """The ids and versions of the examples that may be chosen and were edited."""
    changed = select(AuditRow.example_id).where(AuditRow.action == "edited")
    good = select(ExampleRow.id, ExampleRow.version).where(
        ExampleRow.status == "approved", ExampleRow.errors == 0, ExampleRow.id.in_(changed)
    )
    with database.reading() as session:
        return {row.id: row.version for row in session.execute(good)}


def _before_edits(database: Database, items: Mapping[str, Item]) -> dict[str, tuple[MusicStructure, str]]:
    """What each example was before it was edited, and the hash of that music, where it says something."""
    states: dict[str, Mapping[str, Any]] = {}
    with database.reading() as session:
        for id, before, after in session.execute(_edits_of(list(items)).execution_options(yield_per=_PART)):
            if id in states or before is None or after is None or before["structure"] == after["structure"]:
                continue
            if request_key(before["request"]) == request_key(items[id].request.to_dict()):
                states[id] = before
    found: dict[str, tuple[MusicStructure, str]] = {}
    for id, state in states.items():
        try:
            structure = MusicStructure.model_validate(state["structure"])
            rights = _rights_then(read_rights(state["rights"]), items[id])
        except (ValidationError, InvalidInputError):
            _log.warning("what example %s was cannot be read and is in no pair", id)
            continue
        if not missing(rights) and covers(rights, items[id].rights):
            found[id] = structure, content_hash(structure)
    return found


def _edits_of(ids: Sequence[str]) -> Select[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
    """The edits of some examples, oldest first."""
    wanted = select(AuditRow.example_id, AuditRow.before, AuditRow.after)
    return wanted.where(AuditRow.example_id.in_(ids), AuditRow.action == "edited").order_by(AuditRow.id)


def _rights_then(then: Rights, now: Item) -> Rights:
    """The rights of what an example was.

    A generated piece comes into the queue without rights, and nobody else's music is in it: what is said of one of its
    layers later, and contradicts nothing that was said before, holds for what it was, too. Elsewhere only what was said
    at the time counts, since an edit may have put other music in its place.
    """
    if not now.origin.get("generation"):
        return then
    layers = []
    for name in LAYERS:
        before, after = then.layer(name), now.rights.layer(name)
        layers.append(after if before.to_dict().items() <= after.to_dict().items() else before)
    return replace(then, layers=tuple(layers))


def _approved_music(database: Database, hashes: Sequence[str]) -> set[tuple[bytes, str]]:
    """Requests, and which music among some is approved for them."""
    wanted = select(ExampleRow.request, ExampleRow.content_hash, ExampleRow.status)
    with database.reading() as session:  # by hash alone: SQLite would go by the status, through all that is approved
        rows = session.execute(wanted.where(ExampleRow.content_hash.in_(hashes)))
        return {(request_key(request), music) for request, music, status in rows if status == "approved"}


# Decisions

_NowAndEver = tuple[frozenset[str], frozenset[str]]


class _Piece(NamedTuple):
    """A piece that was decided on: ``now`` and ``ever`` are the uses that its rights allow, today and at any time."""

    id: str
    version: int
    music: str
    now: frozenset[str]
    ever: frozenset[str]


@dataclass
class _Group:
    """What was decided on the answers to one request."""

    approved: list[_Piece] = field(default_factory=list)
    rejected: list[_Piece] = field(default_factory=list)
    good: set[str] = field(default_factory=set)
    _rings: dict[frozenset[str], list[tuple[bytes, _Piece]]] = field(default_factory=dict)

    def against(self, chosen: _Piece) -> list[_Piece]:
        """Which rejected pieces a chosen one is set against: those after it on a ring of hashes.

        Thus all come in, and a piece more changes few of the pairs.
        """
        if chosen.ever not in self._rings:
            fitting = (each for each in self.rejected if chosen.ever <= each.now and each.music not in self.good)
            self._rings[chosen.ever] = sorted((_digest(each.id), each) for each in fitting)
        ring = self._rings[chosen.ever]
        at = bisect_left(ring, _digest(chosen.id), key=lambda place: place[0])
        return [ring[(at + step) % len(ring)][1] for step in range(min(MAX_AGAINST, len(ring)))]


def _decided(database: Database) -> list[_Group]:
    """The requests with both, approved and rejected pieces; of structures none is read."""
    groups: dict[bytes, _Group] = defaultdict(_Group)
    columns = (ExampleRow.id, ExampleRow.version, ExampleRow.content_hash, ExampleRow.request, ExampleRow.origin)
    wanted = select(*columns, ExampleRow.rights, ExampleRow.errors).execution_options(yield_per=_ROWS)
    uses: dict[bytes, _NowAndEver] = {}
    with database.reading() as session:
        rejected = wanted.where(ExampleRow.status == "rejected", ExampleRow.rights_gaps == 0)
        for id, version, music, request, origin, rights, _ in session.execute(rejected):
            if _is_asked(request, origin):
                groups[request_key(request)].rejected.append(_Piece(id, version, music, *_uses(rights, uses)))
        approved = wanted.where(ExampleRow.status == "approved")
        for id, version, music, request, origin, rights, errors in session.execute(approved):
            group = groups.get(request_key(request))
            if group is None:
                continue
            group.good.add(music)
            if not errors and _is_asked(request, origin):
                group.approved.append(_Piece(id, version, music, *_uses(rights, uses)))
    return [group for group in groups.values() if group.approved]


def _is_asked(request: Mapping[str, Any], origin: Mapping[str, Any]) -> bool:
    """Whether somebody asked for it: what came without a request has an empty one, which only generations answer."""
    return bool(set(request) - {"id", "seed"} or origin.get("generation"))


def _uses(rights: Mapping[str, Any], known: dict[bytes, _NowAndEver]) -> _NowAndEver:
    """What rights allow today and at any time; many pieces have the same ones."""
    if (digest := _digest(rights)) not in known:
        try:
            read = read_rights(rights)
        except InvalidInputError:
            read = Rights(())  # nothing is allowed; nor is such an example read later
        known[digest] = _allowed(read, date.today()), _allowed(read, date.max)
    return known[digest]


def _allowed(rights: Rights, on: date) -> frozenset[str]:
    return frozenset(name for name, use in uses_of(rights, today=on).items() if use.allowed)


def _prefix(name: str) -> str:
    return f"pairs/{name}/"


def _digest(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
