"""Recipes that are kept under their names, so that a dataset can be built again when the library has grown."""

from __future__ import annotations

from sqlalchemy import select

from workbench.core.datasets.recipes import Recipe, read_recipe
from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, now, storable, storable_json
from workbench.core.library.dataset_tables import RecipeRow


def save_recipe(database: Database, recipe: Recipe, *, curator: str) -> None:
    """Keep a recipe under its name; an earlier one of that name is replaced (versions keep the recipe they are of)."""
    kept = storable_json(recipe.to_dict())
    with database.writing() as session:
        row = session.get(RecipeRow, storable(recipe.name))
        if row is None:
            session.add(
                RecipeRow(
                    name=storable(recipe.name), recipe=kept, curator=name_of(curator), version=1, updated_at=now()
                )
            )
        else:
            row.recipe, row.curator, row.version, row.updated_at = kept, name_of(curator), row.version + 1, now()


def saved_recipes(database: Database) -> dict[str, Recipe]:
    """The recipes that are kept, by name; one that this workbench cannot read, being older, is left out."""
    with database.reading() as session:
        rows = session.scalars(select(RecipeRow).order_by(RecipeRow.name)).all()
    found: dict[str, Recipe] = {}
    for row in rows:
        try:
            found[row.name] = read_recipe(row.recipe)
        except InvalidInputError:
            continue
    return found


def forget_recipe(database: Database, name: str) -> None:
    """Forget a recipe; versions that were built from it stay."""
    with database.writing() as session:
        row = session.get(RecipeRow, storable(name))
        if row is not None:
            session.delete(row)
