"""How fast versions are built, and how fast one of 100,000 rows is opened, looked through, sampled and compared."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count
from typing import NamedTuple

from workbench.core.checks import check
from workbench.core.datasets.building.build import Gathered, build
from workbench.core.datasets.building.making import facts_of, make_row, terms_of
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.recipes import Augmentation, Quota, Recipe
from workbench.core.datasets.review.browsing import RowFilters, beside, choices, page_of
from workbench.core.datasets.review.diff import compare
from workbench.core.datasets.review.samples import draw_sample
from workbench.core.datasets.review.statistics import Counts, count_piece
from workbench.core.datasets.rows import Changes, Facts, Row, Source
from workbench.core.datasets.variants.augment import variants
from workbench.core.datasets.versions import (
    Version,
    facts_of_version,
    find_row,
    find_version,
    in_order,
    packed,
    put_bodies,
    write_version,
)
from workbench.core.errors import InvalidInputError
from workbench.core.generate.templates import built_in
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import read_rights

ROWS = 100_000
SCALED, TIMES = 2_000, 5
"""Rows that are built, and how often they go into 10,000; a few more are asked for, since some come out worse."""
FAMILY = 20
"""Rows that one source makes in the large version."""
CORES = 2


class Body(NamedTuple):
    """A row that is really made, with its facts and what its piece counts for."""

    row: Row
    facts: Facts
    counts: Counts


def big_version(database: Database, rows: int = ROWS, name: str = "big") -> Version:
    """A version of many rows in a few seconds: some two hundred real contents, again and again under other keys.

    Form, key and meter of each row are those of its content; titles, splits, tempos and moods are drawn by a fixed lot.
    """
    made = _bodies()
    put_bodies(database, (packed(each.row) for each in made))
    lot = random.Random(7)
    facts = in_order(_facts(made[number % len(made)].facts, number, lot) for number in range(rows))
    recipe = Recipe(name=name)
    summary = _summary(recipe, made, facts)
    version, _ = write_version(database, recipe.to_dict(), facts, summary, name=name, kind="chat", curator="benchmark")
    return version


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    large = f"{ROWS:,} rows"
    words = RowFilters(words="in the 77", form="rondo", sort="seconds", down=True)
    return [
        (f"build 10,000 rows ({SCALED}, times {TIMES})", _build, 60.0 / TIMES),
        (f"open a version of {large}", _open, 1.5),
        (f"filter {large} by words and form, and sort", lambda: page_of(*_big(), words), 0.3),
        (
            f"sort {large} and go to the middle",
            lambda: page_of(*_big(), RowFilters(sort="title"), offset=ROWS // 2),
            0.3,
        ),
        (f"the rows beside one of {large}", lambda: beside(*_big(), RowFilters(sort="seconds"), _middle()), 0.3),
        (f"find a row of {large}", lambda: find_row(*_big(), _middle()), 0.05),
        (f"draw 30 of {large} by form", lambda: draw_sample(*_big(), 30, curator="benchmark", by="form"), 2.0),
        (f"compare two versions of {large}", _compare, 2.0),
    ]


def _facts(of: Facts, number: int, lot: random.Random) -> Facts:
    family = number // FAMILY
    source = f"examples/piece-{family:05}"
    changes = "" if number % FAMILY == 0 else f"key={of.tonic} tempo={40 + number % FAMILY}"
    key = "~".join([source, *changes.replace(" tempo", "~tempo").split("~")] if changes else [source])
    title = f"{lot.choice(_TITLES)} {lot.choice(_PLACES)} {number}"
    return replace(
        of, key=key, source=source, group=f"g{family // 3:05}", changes=changes, title=title,
        origin=lot.choice(_ORIGINS),
        split=random.Random(family // 3).choices(("train", "validation", "test"), (8, 1, 1))[0],
        mood=lot.choice(_MOODS), valence=round(lot.uniform(-1, 1), 2), arousal=round(lot.uniform(-1, 1), 2),
        tempo=float(lot.randrange(40, 200)), seconds=round(lot.uniform(20, 400), 1), tokens_in=lot.randrange(800, 2600),
        tokens_out=lot.randrange(900, 6000), warnings=lot.randrange(4),
        search=f"{title} {of.tonic} {of.form} {key}".lower(),
    )  # fmt: skip


_TITLES = ("Snow", "Evening", "A hunt", "The mill", "Harbour song", "Lantern", "Old road", "Rain", "First light")
_PLACES = ("in the north", "by the sea", "at home", "far away", "in the valley", "over the roofs")
_MOODS = ("joyful", "calm", "serene", "melancholic", "warm", "agitated")
_ORIGINS = ("built-in", "built-in", "take", "import")


@cache
def _bodies() -> list[Body]:
    """Real rows: each example as it is, and in three other keys."""
    recipe = Recipe()
    terms = terms_of(recipe, built_in()[0], limit_of(recipe.model))
    made = []
    for example in load_examples():
        source = Source(
            f"examples/{example.id}", 1, "built-in", example.request, example.structure, read_rights(example.rights)
        )
        for changes in ((), *variants(source.request, source.structure, Augmentation(keys=3), salt=example.id)):
            made += _body(source, changes, terms)
    return made


def _body(source: Source, changes: Changes, terms: object) -> list[Body]:
    try:
        made = make_row(source, changes, terms)  # type: ignore[arg-type]
    except InvalidInputError:  # a change that cannot be made truthfully
        return []
    report = check(made.structure, request=made.request, profile=made.structure.period or "classical")
    facts = facts_of(
        made.row, made.structure, report, tokens_in=1500, tokens_out=2500, split="train", group=source.id
    )  # fmt: skip
    return [Body(made.row, facts, count_piece(made.structure, mood=facts.mood, seconds=facts.seconds, tokens=4000))]


def _summary(recipe: Recipe, made: list[Body], facts: list[Facts]) -> dict[str, object]:
    gathered = Gathered()
    uses = Counter(each.digest for each in facts)
    for each in made:
        times = uses[each.facts.digest]
        gathered.everything.pieces += times
        for name, tally in each.counts.tallies.items():
            gathered.everything.tallies[name].update({category: times * n for category, n in tally.items()})
        if not each.row.changes:
            gathered.originals.merge(each.counts)
    terms = terms_of(recipe, built_in()[0], limit_of(recipe.model))
    return gathered.summary(facts, terms) | {"template": {"label": built_in()[0].label}, "frozen": []}


# What is measured


@cache
def _library() -> Database:
    """A database of the benchmarks' own, with the examples that ship."""
    database = Database(f"sqlite:///{_folder.name}/workbench.sqlite3").upgrade()
    load_built_in(database, load_examples())
    return database


_folder = tempfile.TemporaryDirectory(prefix="workbench-benchmark-", ignore_cleanup_errors=True)
_numbers = count(1)


@cache
def _big() -> tuple[Database, str]:
    return _library(), big_version(_library()).id


@cache
def _other() -> Version:
    """The large version again: one row in twenty gone, one changed, one on another side."""
    database, id = _big()
    facts = list(facts_of_version(database, id))
    kept = []
    for number, each in enumerate(facts):
        if number % 20 == 1:
            each = replace(each, digest=facts[number - 1].digest)
        elif number % 20 == 2:
            each = replace(each, split="validation" if each.split == "train" else "train")
        if number % 20:
            kept.append(each)
    before = find_version(database, id)
    assert before is not None
    recipe = Recipe(name="other", seed=1).to_dict()
    return write_version(
        database, recipe, in_order(kept), before.summary, name="other", kind="chat", curator="benchmark"
    )[0]


@cache
def _middle() -> str:
    rows, _ = page_of(*_big(), RowFilters(sort="seconds"), offset=ROWS // 2, most=1)
    return rows[0].key


def _build() -> None:
    """Plan, make, check and write; under another name each time, since what is there already is not written again."""
    recipe = Recipe(
        name=f"built {next(_numbers)}", augmentation=Augmentation(keys=11, tempos=2, moods=2, everywhere=True),
        quotas=(Quota(most=SCALED + 150),),
    )  # fmt: skip
    built = build(_library(), recipe, curator="benchmark", processes=CORES)
    if built.version is None or built.version.rows < SCALED:
        raise RuntimeError(f"only {built.version and built.version.rows} rows were built")


def _open() -> None:
    database, id = _big()
    find_version(database, id)
    page_of(database, id, RowFilters())
    choices(database, id)


def _compare() -> None:
    database, id = _big()
    before = find_version(database, id)
    assert before is not None
    if compare(database, before, _other()).counts["removed"] != ROWS // 20:
        raise RuntimeError("the versions do not differ as they should")
