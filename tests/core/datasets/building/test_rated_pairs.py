"""What raters preferred, heard blind, becomes rows to train on, if the rights allow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.experiments.ratings.heard_run import VARIANTS, heard_run
from tests.fresh import fresh
from workbench.core.datasets.building.build import build
from workbench.core.datasets.recipes import read_recipe
from workbench.core.datasets.versions import bodies
from workbench.core.experiments.ratings.contests import begin_contest
from workbench.core.experiments.ratings.judging import answer, turn_of
from workbench.core.experiments.ratings.kept_preferences import keep_preferences
from workbench.core.experiments.ratings.ratings import Answer
from workbench.core.library.database import Database
from workbench.core.library.rights import own_rights

RECIPE = {
    "name": "rated", "kind": "pair", "sources": {"origins": ["rating"]}, "faults": "leave-out",
    "split": {"train": 1, "validation": 0, "test": 0},
}  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


def rated(database: Database, licence: str) -> None:
    """One rater has preferred what the first variant made, and somebody says what its pieces may be used for."""
    contest = begin_contest(database, heard_run(database, 3, VARIANTS[:2]), curator="ada")
    while (turn := turn_of(database, contest.id, "Ada")) is not None:
        said = "a" if turn.pair.a == VARIANTS[0] else "b"
        answer(database, contest.id, "Ada", Answer(turn.blind.token, said))  # type: ignore[arg-type]
    rights = dict.fromkeys(contest.variants, own_rights("Ada", "made for this test", licence))
    assert keep_preferences(database, contest.id, raters=1, rights=rights).with_rights == 3


def test_rated_pairs_are_rows_of_a_dataset_of_preferences(database: Database) -> None:
    rated(database, "CC0-1.0")
    built = build(database, read_recipe(RECIPE), curator="ada", processes=0)
    assert built.version is not None
    rows = [row for _, row in bodies(database, built.version.id)]
    assert len(rows) == 3
    for row in rows:
        assert (row.source["origin"], row.source["why"]) == ("rating", "The one rater preferred it, heard blind.")
        assert row.key.startswith("pairs/ratings/")
        assert row.rejected_structure is not None
        assert row.structure.tempo == row.rejected_structure.tempo - 1


def test_pairs_that_may_not_be_trained_on_come_into_no_dataset(database: Database) -> None:
    rated(database, "CC-BY-NC-4.0")
    built = build(database, read_recipe(RECIPE), curator="ada", processes=0)
    assert built.version is None
