"""Files from elsewhere as versions: their rows stay word for word, and are checked as every other row is.

An imported version can be reviewed as any other; a recipe may name it among its sources, and then its pieces get
prompts of our own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from workbench.core.datasets.building.batches import FAULTY
from workbench.core.datasets.building.build import Built, Gathered
from workbench.core.datasets.building.making import Terms, facts_of
from workbench.core.datasets.building.row_checks import Looked, check_row
from workbench.core.datasets.building.whole_checks import Whole, check_whole, trace_of
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.faults import Fault
from workbench.core.datasets.files.foreign import row_of_line
from workbench.core.datasets.files.lines import BrokenLineError, Lines, opened, parse_line
from workbench.core.datasets.frozen import frozen_rows
from workbench.core.datasets.recipes import read_recipe
from workbench.core.datasets.rows import Row, Split
from workbench.core.datasets.versions import find_body, in_order, packed, put_bodies, write_version
from workbench.core.errors import InvalidInputError
from workbench.core.generate.templates import all_templates, find_template
from workbench.core.library.database import Database
from workbench.core.library.likeness import Fingerprint, fingerprint
from workbench.core.library.rights import Rights
from workbench.core.music.request import file_stem

STEP = 200


def import_file(
    database: Database, file: Path, *, name: str, rights: Rights, curator: str, use: str = "commercial_training",
    split: Split = "train", leave_out: bool = False, told: Callable[[str, int, int], None] = lambda *_: None,
) -> Built:  # fmt: skip
    """Make a version of a JSONL file in any known format; every row is in one split.

    With ``leave_out`` rows with errors are left out, and told; without it they make no version.

    Raises:
        InvalidInputError: the file cannot be read, mixes chat rows with pairs, or has no row.
    """
    recipe = read_recipe({"name": name, "use": use})
    terms = Terms(
        find_template("default", all_templates(database)), True, use, "", recipe.model, limit_of(recipe.model)
    )
    gathered, marks = Gathered(), dict[str, Fingerprint]()
    kinds: set[str] = set()
    waiting: list[tuple[str, bytes]] = []
    lines: dict[str, int] = {}
    digest = _digest(file)
    with opened(file) as stream:
        for number, row in _rows(stream, file, digest, rights, gathered):
            kinds.add(row.kind)
            looked = Looked(row, terms)
            faults = [Fault(**{**fault.to_dict(), "line": number}) for fault in check_row(looked)]
            gathered.tally.add(*faults)
            structure = looked.read[0]
            if any(fault.severity == "error" for fault in faults) or structure is None or looked.report is None:
                gathered.left_out[FAULTY] += 1
                continue
            facts = facts_of(
                row,
                structure,
                looked.report,
                tokens_in=looked.tokens_in.tokens,
                tokens_out=looked.tokens_out.tokens,
                split=split,
                group=row.key,
            )
            gathered.add(facts, structure, trace_of(row), exact=looked.tokens.exact)
            marks[row.key], lines[row.key] = fingerprint(structure), number
            waiting.append(packed(row))
            if len(waiting) >= STEP:
                put_bodies(database, waiting)
                waiting = []
                told("Reading the rows", len(gathered.facts), 0)
    put_bodies(database, waiting)
    if len(kinds) > 1:
        raise InvalidInputError("The file mixes rows with one answer and pairs.", hint="Split it into two files.")
    facts_in_order = in_order(gathered.facts)
    found = check_whole(Whole(facts_in_order, gathered.traces, marks, _frozen(database)))
    faults_of_all = [replace(fault, line=lines.get(fault.key)) for fault in found]
    gathered.tally.add(*faults_of_all)
    wrong = {fault.key for fault in faults_of_all if fault.severity == "error"}
    if wrong:
        for each in facts_in_order:
            if each.key in wrong:
                gathered.take_away(each, find_body(database, each.digest).structure)
        facts_in_order = [each for each in facts_in_order if each.key not in wrong]
    if not facts_in_order or (gathered.tally.errors and not leave_out):
        if not gathered.tally.errors:
            raise InvalidInputError("The file has no rows.", hint="Give one with a row on each line.")
        return Built(None, False, gathered.tally, dict(gathered.left_out))
    kind = kinds.pop()
    made = {
        "name": name, "kind": kind, "use": use, "split": split, "rights": rights.to_dict(),
        "imported": {"file": file.name, "sha256": digest},
    }  # fmt: skip
    summary = gathered.summary(facts_in_order, terms)
    version, new = write_version(database, made, facts_in_order, summary, name=name, kind=kind, curator=curator)
    return Built(version, new, gathered.tally, dict(gathered.left_out))


def _digest(file: Path) -> str:
    """The hash by which the file is known, to any other tool as well."""
    with opened(file) as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _rows(stream: BinaryIO, file: Path, digest: str, rights: Rights, gathered: Gathered) -> Iterator[tuple[int, Row]]:
    """The row of each line, with its number; lines that hold none are told.

    A row's key holds the beginning of the file's hash, since two files of one name are not the same.
    """
    for line in Lines(stream):
        try:
            row = row_of_line(parse_line(line), name=file.name, line=line.number, rights=rights)
        except BrokenLineError as problem:
            gathered.tally.add(replace(problem.fault, line=line.number))
            gathered.left_out[FAULTY] += 1
        except InvalidInputError as problem:
            message = problem.message.removeprefix(f"Line {line.number}: ")
            gathered.tally.add(Fault("format", "error", message, problem.hint, line=line.number))
            gathered.left_out[FAULTY] += 1
        else:
            key = f"import/{file_stem(file.stem)}-{digest[:8]}/{line.number}"
            yield line.number, replace(row, key=key, source={**row.source, "id": key, "origin": "import"})


def _frozen(database: Database) -> dict[str, Fingerprint]:
    """What nothing may be trained on: the pieces of the frozen test sets, by their sources."""
    found: dict[str, Fingerprint] = {}
    for _, row in frozen_rows(database):
        if row.source_id not in found:
            found[row.source_id] = fingerprint(row.structure)
    return found
