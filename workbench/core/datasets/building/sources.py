"""Where rows come from: the approved library, or preferences of curators, in order of ids; then rows of versions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from pydantic import ValidationError
from sqlalchemy import and_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from workbench.core.datasets.building.preferences import all_preferences
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.rows import Source
from workbench.core.datasets.versions import bodies, version_named
from workbench.core.datasets.withdrawn import examples_of
from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import Filters, Item, conditions, item_of
from workbench.core.library.database import Database
from workbench.core.library.rights import Rights, read_rights
from workbench.core.library.tables import ExampleRow
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request

PAGE = 200


def sources(database: Database, recipe: Recipe) -> Iterator[Source]:
    """The pieces that a recipe takes in, the library's first; each is read when it is asked for.

    Raises:
        InvalidInputError: the recipe names a version that there is not, or one of the other kind.
    """
    streams: list[Iterator[Source]] = []
    if recipe.sources.examples:
        streams.append(_examples(database, recipe) if recipe.kind == "chat" else _preferred(database, recipe))
    streams += [_rows(database, recipe, name) for name in sorted(set(recipe.sources.versions))]
    yield from chain.from_iterable(streams)


def example_conditions(recipe: Recipe) -> list[ColumnElement[bool]]:
    """What a recipe asks of examples, as SQL."""
    wanted = recipe.sources
    where = conditions(Filters(status="approved", words=wanted.words))
    for column, values in (
        (ExampleRow.form, wanted.forms), (ExampleRow.period, wanted.periods), (ExampleRow.mode, wanted.modes),
        (ExampleRow.origin["kind"].as_string(), wanted.origins),
    ):  # fmt: skip
        if values:
            where.append(column.in_(values))
    if wanted.moods:
        where.append(or_(*(and_(*conditions(Filters(status="", mood=mood))) for mood in wanted.moods)))
    return where


def _examples(database: Database, recipe: Recipe) -> Iterator[Source]:
    """Approved examples. Ids are compared by their bytes, as Python sorts them, whatever a database's collation."""
    where = example_conditions(recipe)
    with database.reading() as session:
        ids = sorted(session.scalars(select(ExampleRow.id).where(*where)).all())
    for at in range(0, len(ids), PAGE):
        part = ids[at : at + PAGE]
        with database.reading() as session:
            found = {row.id: row for row in session.scalars(select(ExampleRow).where(ExampleRow.id.in_(part))).all()}
        for id in part:
            if id in found:
                item = _read(found[id])
                origin = str(item.origin.get("kind", ""))
                yield Source(
                    f"examples/{id}", item.version, origin, item.request, item.structure, item.rights, item.tags
                )


def _read(row: ExampleRow) -> Item:
    try:
        return item_of(row)
    except (ValidationError, InvalidInputError):
        raise InvalidInputError(
            f"The example {row.id} cannot be read: it was damaged, or written by another version of the workbench.",
            hint="Mend it in Examples, or take it out of the library.",
        ) from None


def _preferred(database: Database, recipe: Recipe) -> Iterator[Source]:
    return (source for source in all_preferences(database) if _wanted(source, recipe))


def _rows(database: Database, recipe: Recipe, name: str) -> Iterator[Source]:
    """The rows of a version as sources. What is derived in it is derived here, too: it keeps the key that it has.

    The rights of what was made from an example are those that it has today.
    """
    version = version_named(database, name)
    if version.kind != recipe.kind:
        raise InvalidInputError(
            f"The version {version.id} holds rows of the other kind.", hint=f"Name one of the kind {recipe.kind}."
        )
    rows = bodies(database, version.id)
    while part := [row for _, row in islice(rows, PAGE)]:
        today = _rights_today(database, [row.key for row in part])
        for row in part:
            source = Source(
                f"{version.id}/{row.key}", 0, str(row.source.get("origin", "import")),
                Request.model_validate(dict(row.request)), row.structure,
                today.get(row.key) or read_rights(dict(row.rights)),
                rejected=row.rejected_structure, why=str(row.source.get("why", "")),
            )  # fmt: skip
            if _wanted(source, recipe):
                yield source


def _rights_today(database: Database, keys: list[str]) -> dict[str, Rights]:
    """The rights that the examples have today which rows with these keys were made from: of a pair, the chosen one.

    Nothing is said of an example that is no longer there.
    """
    origins = {key: found[0] for key in keys if (found := examples_of(key))}
    with database.reading() as session:
        wanted = select(ExampleRow.id, ExampleRow.rights).where(ExampleRow.id.in_(sorted(set(origins.values()))))
        known = {row[0]: row[1] for row in session.execute(wanted).all()}
    return {key: read_rights(known.get(id, {})) for key, id in origins.items()}


def _wanted(source: Source, recipe: Recipe) -> bool:
    """The recipe's filters, for what no database can filter."""
    wanted, structure, request = recipe.sources, source.structure, source.request
    period = structure.period or request.period or "classical"
    words = " ".join(filter(None, (structure.title, request.brief, structure.key, structure.form))).lower()
    asked = (
        (structure.form, wanted.forms), (period, wanted.periods), (structure.tonality.mode, wanted.modes),
        (mood_word(request.valence, request.arousal), wanted.moods), (source.origin, wanted.origins),
    )  # fmt: skip
    return all(not values or value in values for value, values in asked) and all(
        word in words for word in wanted.words.lower().split()[:12]
    )
