"""What a build will hold, before any row is made: which sources, in which split, with which variants of each.

The sources are read once, one after the other; of each only what is needed to decide stays in memory.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from workbench.core.datasets.building.sources import sources
from workbench.core.datasets.building.splits import assign, group
from workbench.core.datasets.frozen import frozen_rows
from workbench.core.datasets.recipes import Augmentation, Quota, Recipe
from workbench.core.datasets.review.marks import excluded
from workbench.core.datasets.rows import Changes, Row, Source, Split, digest_of, key_of, source_of
from workbench.core.datasets.variants.augment import variants
from workbench.core.datasets.withdrawn import examples_of, withdrawn_sources
from workbench.core.library.curation import content_hash
from workbench.core.library.database import Database
from workbench.core.library.likeness import Fingerprint, fingerprint
from workbench.core.library.rights import read_rights, uses_of
from workbench.core.music.moods import mood_word

Told = Callable[[str, int, int], None]
"""Told how far a build is: the phase in words, how many are done, how many there are (0: not known)."""
_NONE = Augmentation()


@dataclass(frozen=True)
class Entry:
    """A source as it is planned: where it goes and which rows it makes; ``()`` among ``wanted`` is the piece itself."""

    source: str
    revision: int
    origin: str
    group: str
    split: Split
    wanted: tuple[Changes, ...]
    form: str
    period: str
    mode: str
    mood: str
    tonic: str


@dataclass(frozen=True)
class BuildPlan:
    """What a build will hold. ``left_out`` says what is not in it and why, in words, with counts.

    ``frozen`` are the rows of frozen test sets that are in it; ``held`` are the pieces of all such rows, also of those
    that are not, by the names of their sources: nothing near them is in it.
    """

    entries: tuple[Entry, ...]
    frozen: tuple[tuple[str, Row], ...]
    left_out: Mapping[str, int]
    fingerprints: Mapping[str, Fingerprint] = field(default_factory=dict, repr=False)
    held: Mapping[str, Fingerprint] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """How many rows there will be, if every variant can be made."""
        return sum(len(entry.wanted) for entry in self.entries) + len(self.frozen)

    def counts(self, name: str) -> Counter[str]:
        """How many rows there will be by a field of the entries, such as ``split`` or ``form``."""
        found: Counter[str] = Counter()
        for entry in self.entries:
            found[getattr(entry, name)] += len(entry.wanted)
        return found


@dataclass(frozen=True)
class _Seen:
    """What is kept of a source while the build is planned."""

    source: str
    revision: int
    origin: str
    form: str
    period: str
    mode: str
    mood: str
    tonic: str
    variants: tuple[Changes, ...]


def plan_build(database: Database, recipe: Recipe, told: Told = lambda *_: None) -> BuildPlan:
    """Decide what a build will hold.

    What is near a row of a frozen test set, or made from the same source, is left out; those rows themselves, as far
    as they may be used, are the test split. The same piece for the same request is taken once.

    Raises:
        InvalidInputError: the recipe names something that there is not.
    """
    left_out: Counter[str] = Counter()
    without = excluded(database)
    frozen, held = _frozen(database, recipe, without, left_out)
    seen: list[_Seen] = []
    marks: dict[str, Fingerprint] = {}
    music: set[str] = set()
    for number, source in enumerate(sources(database, recipe)):
        told("Reading the pieces", number, 0)
        if _is_excluded(source.id, without):
            left_out["excluded by a reviewer"] += 1
            continue
        said = digest_of(content_hash(source.structure) + source.request.to_json() + _less(source))
        if said in music:
            left_out["the same piece for the same request is there already"] += 1
            continue
        music.add(said)
        seen.append(_seen(source, recipe))
        marks[source.id] = fingerprint(source.structure)
    told("Looking for pieces that are nearly the same", 0, len(seen))
    sides, groups = _sides(seen, marks, held, recipe, tested=bool(frozen))
    entries = []
    for each in seen:
        side = sides.get(each.source)
        if side is None:
            left_out["near the frozen test set"] += 1
            continue
        derived = each.variants if side == "train" or recipe.augmentation.everywhere else ()
        wanted = ((), *derived)
        kept = tuple(changes for changes in wanted if key_of(each.source, changes) not in without)
        if len(kept) < len(wanted):
            left_out["excluded by a reviewer"] += len(wanted) - len(kept)
        entries.append(
            Entry(
                each.source, each.revision, each.origin, groups[each.source], side, kept, each.form, each.period,
                each.mode, each.mood, each.tonic,
            )
        )  # fmt: skip
    chosen = _within(entries, recipe.quotas, recipe.seed)
    dropped = sum(len(entry.wanted) for entry in entries) - sum(len(entry.wanted) for entry in chosen)
    if dropped:
        left_out["over a quota"] += dropped
    return BuildPlan(tuple(chosen), tuple(frozen), dict(left_out), fingerprints=marks, held=held)


def _is_excluded(source: str, without: Mapping[str, str]) -> bool:
    """Whether a source is excluded; of a row of another version, whether the row is, or what that was derived from."""
    first, _, row = source.partition("/")
    return source in without or (first not in {"examples", "pairs"} and (row in without or source_of(row) in without))


def _seen(source: Source, recipe: Recipe) -> _Seen:
    structure, request = source.structure, source.request
    wanted = recipe.augmentation
    found = () if wanted == _NONE else variants(request, structure, wanted, salt=f"{recipe.seed} {source.id}")
    return _Seen(
        source.id, source.revision, source.origin, structure.form, structure.period or request.period or "classical",
        structure.tonality.mode, mood_word(request.valence, request.arousal), structure.key, found,
    )  # fmt: skip


def _less(source: Source) -> str:
    return content_hash(source.rejected) if source.rejected is not None else ""


def _frozen(
    database: Database, recipe: Recipe, without: Mapping[str, str], left_out: Counter[str]
) -> tuple[list[tuple[str, Row]], dict[str, Fingerprint]]:
    """The frozen rows that this version's test split is made of: those of its kind that may still be used; and the
    pieces of all frozen rows by their sources, since nothing may be trained on the others either."""
    rows = list(frozen_rows(database))
    taken_back = withdrawn_sources(database, {str(row.source["id"]) for _, row in rows}, recipe.use)
    found: list[tuple[str, Row]] = []
    held: dict[str, Fingerprint] = {}
    for version, row in rows:
        source = str(row.source["id"])
        if source not in held:
            held[source] = fingerprint(row.structure)
        if row.kind != recipe.kind:
            continue
        if row.key in without or source in without:
            left_out["a frozen test row, excluded by a reviewer"] += 1
        elif source in taken_back or not uses_of(read_rights(dict(row.rights)))[recipe.use].allowed:
            left_out["a frozen test row whose rights do not allow the use"] += 1
        else:
            found.append((version, row))
    return found, held


def _sides(
    seen: list[_Seen], marks: Mapping[str, Fingerprint], held: Mapping[str, Fingerprint], recipe: Recipe, *,
    tested: bool,
) -> tuple[dict[str, Split | None], dict[str, str]]:  # fmt: skip
    """The split of each source (None: it is too near a frozen test row to be in any), and the name of its group."""
    links = [(source, origin) for source in marks for origin in _origins(source)]
    links += [(f"frozen/{source}", origin) for source in held for origin in (source, *_origins(source))]
    groups = group([*marks.items(), *((f"frozen/{source}", mark) for source, mark in held.items())], links)
    touched = {groups[f"frozen/{source}"] for source in held}
    open_ones = {each.source: groups[each.source] for each in seen if groups[each.source] not in touched}
    ratios = recipe.split
    if tested and ratios.test:
        rest = ratios.train + ratios.validation
        update = {"train": ratios.train / rest, "validation": ratios.validation / rest, "test": 0.0}
        ratios = ratios.model_copy(update=update)  # the frozen rows are the test split
    strata = {each.source: f"{each.form}|{each.period}|{each.mode}" for each in seen if each.source in open_ones}
    placed = assign(open_ones, ratios, recipe.seed, strata=strata)
    return {each.source: placed.get(each.source) for each in seen}, groups


def _origins(source: str) -> list[str]:
    """The examples that a source was made from, as sources; so all that comes from one is linked."""
    return [f"examples/{id}" for id in examples_of(source)]


def _within(entries: list[Entry], quotas: tuple[Quota, ...], seed: int) -> list[Entry]:
    """The entries with no more rows than the quotas allow: originals first, then variants, each in a drawn order."""
    if not quotas:
        return entries
    drawn = sorted(
        ((entry, changes) for entry in entries for changes in entry.wanted),
        key=lambda pair: (bool(pair[1]), len(pair[1]), _drawn(seed, pair[0].source, pair[1])),
    )
    left = [quota.most for quota in quotas]
    kept: dict[str, set[Changes]] = {}
    for entry, changes in drawn:
        matching = [at for at, quota in enumerate(quotas) if _matches(entry, quota)]
        if all(left[at] > 0 for at in matching):
            for at in matching:
                left[at] -= 1
            kept.setdefault(entry.source, set()).add(changes)
    found = []
    for entry in entries:
        wanted = tuple(changes for changes in entry.wanted if changes in kept.get(entry.source, ()))
        if wanted:
            found.append(replace(entry, wanted=wanted))
    return found


def _matches(entry: Entry, quota: Quota) -> bool:
    return all(
        not wanted or wanted == value
        for wanted, value in ((quota.form, entry.form), (quota.period, entry.period), (quota.mode, entry.mode))
    )


def _drawn(seed: int, source: str, changes: Changes) -> bytes:
    return hashlib.sha256(f"{seed} {key_of(source, changes)}".encode()).digest()
