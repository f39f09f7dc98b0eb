"""Sources that may no longer be used: rights withdrawn after a version was made of them.

A version is never changed, so this is looked up anew each time: what the library says today of each source that the
version was made from. Whatever was trained on the version is marked with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from workbench.core.datasets.rows import source_of
from workbench.core.datasets.versions import find_version
from workbench.core.errors import InvalidInputError
from workbench.core.library.choices import choice, choose
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import DatasetRow
from workbench.core.library.rights import read_rights, uses_of
from workbench.core.library.tables import ExampleRow

IMPORTS = "withdrawn imports"
"""The choice that lists the imported versions whose rights were withdrawn."""
TAKEN_BACK = "The rights of the imported file were withdrawn."
BEGINNINGS = ("examples", "pairs", "import")
"""How ids of sources begin that are no row of another version."""
PAGE = 500


def withdrawn(database: Database, version: str) -> dict[str, str]:
    """The sources of a version that may not be used any more as its recipe says, and why, in a sentence."""
    found = find_version(database, version)
    if found is None:
        return {}
    with database.reading() as session:
        sources = session.scalars(select(DatasetRow.source).where(DatasetRow.version_id == found.id).distinct()).all()
    if found.id in (choice(database, IMPORTS) or ()):
        return dict.fromkeys(sorted(sources), TAKEN_BACK)
    return withdrawn_sources(database, sources, str(found.recipe.get("use", "commercial_training")))


def withdrawn_sources(database: Database, sources: Iterable[str], use: str) -> dict[str, str]:
    """Which of these sources may not be used now, and why."""
    taken_back = set(choice(database, IMPORTS) or ())
    needed: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for source in sorted(set(sources)):
        if taken_back.intersection(_parts(source)[0]):
            reasons[source] = TAKEN_BACK
        for example in examples_of(source):
            needed.setdefault(example, []).append(source)
    for example, why in _refused(database, sorted(needed), use).items():
        for source in needed[example]:
            reasons.setdefault(source, why)
    return dict(sorted(reasons.items()))


def examples_of(source: str) -> tuple[str, ...]:
    """The ids of the examples that a source is made of: one, both of a pair, or none where it was imported or rated.

    Rows of other versions, and of versions that those were made of, are followed to where they began.
    """
    first, *rest = _parts(source)[1]
    if first == "examples":
        return tuple(rest[:1])
    return tuple(rest[1:]) if first == "pairs" and rest[:1] != ["ratings"] else ()


def withdraw_import(database: Database, version: str) -> None:
    """Say that what a version was imported from may not be used any more.

    Raises:
        InvalidInputError: there is no such version, or it was not imported.
    """
    found = find_version(database, version)
    if found is None or "imported" not in found.recipe:
        raise InvalidInputError(
            "Only the rights of an imported version are withdrawn here.",
            hint="The rights of examples are kept with them, in Examples.",
        )
    choose(database, IMPORTS, sorted({*(choice(database, IMPORTS) or ()), found.id}))


def _parts(source: str) -> tuple[list[str], list[str]]:
    """The ids of the versions that a source went through, and the parts of the id that it began with."""
    parts = source_of(source).split("/")
    began = next((at for at, part in enumerate(parts) if part in BEGINNINGS), len(parts) - 1)
    return parts[:began], parts[began:]


def _refused(database: Database, ids: list[str], use: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for at in range(0, len(ids), PAGE):
        part = ids[at : at + PAGE]
        with database.reading() as session:
            rows = session.execute(select(ExampleRow.id, ExampleRow.rights).where(ExampleRow.id.in_(part))).all()
        known = {row[0]: row[1] for row in rows}
        for id in part:
            if id not in known:
                found[id] = f"{id} is no longer in the library."
                continue
            verdict = uses_of(read_rights(known[id]))[use]
            if not verdict.allowed:
                found[id] = f"{id}: {' '.join(verdict.reasons) or 'its rights are open.'}"
    return found
