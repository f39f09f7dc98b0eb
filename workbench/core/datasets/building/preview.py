"""What a recipe would hold, at once: planned exactly for a small library, counted from its columns for a large one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.sql.elements import ColumnElement

from workbench.core.datasets.building.making import make_row, terms_of
from workbench.core.datasets.building.planning import plan_build
from workbench.core.datasets.building.sources import example_conditions, sources
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.rows import SPLITS, Row
from workbench.core.errors import InvalidInputError
from workbench.core.generate.counting import count_messages, count_tokens
from workbench.core.generate.templates import all_templates, find_template
from workbench.core.library.database import Database
from workbench.core.library.tables import ExampleRow

LIVE = 300
"""Pieces that are planned one by one while somebody waits."""
FIELDS = ("form", "period", "mode", "mood")


@dataclass(frozen=True)
class Preview:
    """What a recipe would hold. ``exact`` says that the rows were planned one by one, else they are estimated.

    ``tokens`` are of all rows of the training split, estimated from a few; ``barred`` is how many of the pieces have
    rights that do not allow the use; ``example`` is the first row, as it would be.
    """

    pieces: int
    rows: int
    exact: bool
    splits: Mapping[str, int]
    counts: Mapping[str, Counter[str]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    barred: int = 0
    tokens: int = 0
    exactly_counted: bool = True
    example: Row | None = None


def preview(database: Database, recipe: Recipe) -> Preview:
    """What a recipe would hold now.

    Raises:
        InvalidInputError: it names something that there is not.
    """
    template = find_template(recipe.template, all_templates(database))
    terms = terms_of(recipe, template, limit_of(recipe.model))
    first = next(sources(database, recipe), None)
    if first is None:
        return Preview(0, 0, True, dict.fromkeys(SPLITS, 0))
    try:
        row = make_row(first, (), terms).row
    except InvalidInputError:
        row = None
    where = example_conditions(recipe)
    with database.reading() as session:
        pieces = session.scalar(select(func.count()).select_from(ExampleRow).where(*where)) or 0
        barred = session.scalar(
            select(func.count()).select_from(ExampleRow).where(*where, ExampleRow.may_train.is_(False))
        )
    if recipe.use != "commercial_training" or recipe.kind == "pair" or not recipe.sources.examples:
        barred = 0
    one = 0 if row is None else count_messages(row.prompt, recipe.model).tokens + _answer(row, recipe)
    exact_tokens = row is None or count_tokens(row.answer, recipe.model).exact
    if recipe.kind == "chat" and not recipe.sources.versions and pieces > LIVE:
        return _estimated(database, recipe, where, pieces, int(barred or 0), one, exact_tokens, row)
    plan = plan_build(database, recipe)
    splits = plan.counts("split") + Counter({"test": len(plan.frozen)})
    return Preview(
        len(plan.entries), plan.rows, True, {split: splits[split] for split in SPLITS},
        {name: plan.counts(name) for name in FIELDS}, plan.left_out, int(barred or 0), one * splits["train"],
        exact_tokens, row,
    )  # fmt: skip


def _answer(row: Row, recipe: Recipe) -> int:
    return max(count_tokens(text, recipe.model).tokens for text in (row.answer, row.rejected))


def _estimated(
    database: Database, recipe: Recipe, where: list[ColumnElement[bool]], pieces: int, barred: int, one: int,
    exact_tokens: bool, row: Row | None,
) -> Preview:  # fmt: skip
    """Shares of the library's columns, by how many rows a piece makes in each split."""
    wanted, ratios = recipe.augmentation, recipe.split
    each = (1 + wanted.keys) * (1 + wanted.tempos + wanted.moods)
    shares = {"train": ratios.train * each}
    shares |= {side: getattr(ratios, side) * (each if wanted.everywhere else 1) for side in ("validation", "test")}
    factor = sum(shares.values())
    counts: dict[str, Counter[str]] = {}
    with database.reading() as session:
        for name in ("form", "period", "mode"):
            column = getattr(ExampleRow, name)
            rows = session.execute(select(column, func.count()).where(*where).group_by(column)).all()
            counts[name] = Counter({str(value): round(count * factor) for value, count in rows})
    total = round(pieces * factor)
    for quota in recipe.quotas:
        if not (quota.form or quota.period or quota.mode):
            total = min(total, quota.most)
    splits: dict[str, int] = {side: round(pieces * shares[side]) for side in SPLITS}
    tokens = one * splits["train"]
    return Preview(pieces, total, False, splits, counts, {}, barred, tokens, exact_tokens, row)
