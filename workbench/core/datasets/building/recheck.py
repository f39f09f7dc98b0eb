"""Checking a version that is kept, as if it came from somebody else: every row, the whole, and rights as of today."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.core.datasets.building.making import Terms
from workbench.core.datasets.building.planning import Told
from workbench.core.datasets.building.processes import spread
from workbench.core.datasets.building.row_checks import Looked, check_row
from workbench.core.datasets.building.whole_checks import Trace, Whole, check_whole, trace_of
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.faults import Fault, Tally
from workbench.core.datasets.files.overlap import overlap
from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import Version, bodies, content_hash, facts_of_version
from workbench.core.datasets.withdrawn import withdrawn
from workbench.core.errors import InvalidInputError
from workbench.core.generate.templates import built_in
from workbench.core.library.database import Database
from workbench.core.library.likeness import Fingerprint, fingerprint

A_BATCH, FEW = 64, 300


@dataclass(frozen=True)
class _Part:
    rows: tuple[Row, ...]
    terms: Terms


@dataclass(frozen=True)
class _Seen:
    tally: Tally
    traces: dict[str, Trace]
    marks: dict[str, Fingerprint]


def check_version(
    database: Database, version: Version, *, processes: int | None = None, told: Told = lambda *_: None
) -> Tally:
    """Everything that is wrong with a version now. What is in the rows is compared with their hashes as they are read.

    Raises:
        DatabaseError: a row's content is not what its hash says.
    """
    recipe = Recipe.model_validate({k: v for k, v in version.recipe.items() if k in ("use", "profile", "model")})
    limit = version.summary["tokens"]["limit"] or limit_of(recipe.model)
    # The template is not needed to check a row: its prompt is as it was written.
    terms = Terms(built_in()[0], True, recipe.use, recipe.profile, recipe.model, limit)
    facts = tuple(facts_of_version(database, version.id))
    tally, traces, marks = Tally(), dict[str, Trace](), dict[str, Fingerprint]()
    if content_hash(version.recipe, facts) != version.content_hash:
        tally.add(Fault("hash", "error", "The version is not what its hash says.", "Bring the database back."))
    if processes is None:
        processes = 0 if version.rows <= FEW else os.cpu_count() or 1
    done = 0
    for part, seen in spread(_look, _parts(database, version, terms), processes):
        tally.merge(seen.tally)
        traces.update(seen.traces)
        for source, mark in seen.marks.items():
            marks.setdefault(source, mark)
        done += len(part.rows)
        told("Checking the rows", done, version.rows)
    told("Checking the whole", version.rows, version.rows)
    tally.add(*check_whole(Whole(facts, traces, marks, _frozen(database, version))))
    for source, why in withdrawn(database, version.id).items():
        tally.add(
            Fault(
                "withdrawn", "error", f"Its rights were withdrawn since: {why}", "Build a version without it.", source
            )
        )
    return tally


def check_overlap(one: Path, other: Path) -> Tally:
    """Rows that are in two files, such as one to train on and one to validate with: providers refuse that."""
    tally, shared = Tally(), overlap(one, other)
    for each in shared.told:
        what = "is the same as" if each.whole else "asks the same as"
        tally.add(
            Fault(
                "leak.files", "error" if each.whole else "warning",
                f"Line {each.other} of {other.name} {what} line {each.line} of {one.name}.",
                "Leave it out of one of them.",
            )
        )  # fmt: skip
    tally.counts["leak.files", "error"] = shared.rows
    tally.counts["leak.files", "warning"] = shared.prompts
    return tally


def _parts(database: Database, version: Version, terms: Terms) -> Iterator[_Part]:
    waiting: list[Row] = []
    for _, row in bodies(database, version.id):
        waiting.append(row)
        if len(waiting) == A_BATCH:
            yield _Part(tuple(waiting), terms)
            waiting = []
    if waiting:
        yield _Part(tuple(waiting), terms)


def _look(part: _Part) -> _Seen:
    seen = _Seen(Tally(), {}, {})
    for row in part.rows:
        looked = Looked(row, part.terms)
        seen.tally.add(*check_row(looked))
        seen.traces[row.key] = trace_of(row)
        structure = looked.read[0]
        if structure is not None and str(row.source["id"]) not in seen.marks:
            seen.marks[str(row.source["id"])] = fingerprint(structure)
    return seen


def _frozen(database: Database, version: Version) -> dict[str, Fingerprint]:
    """What this version may not train on: the tests that were frozen before it was made, or from it."""
    held = dict.fromkeys(
        each.version_id
        for each in frozen_tests(database)
        if each.created_at <= version.created_at or each.version_id == version.id
    )
    found: dict[str, Fingerprint] = {}
    for id in held:
        for _, row in bodies(database, id, split="test"):
            source = str(row.source["id"])
            if source not in found:
                with suppress(InvalidInputError):  # the checks of its own version say so
                    found[source] = fingerprint(row.structure)
    return found
