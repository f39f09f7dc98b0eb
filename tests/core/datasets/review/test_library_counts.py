from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fresh import fresh
from workbench.core.datasets.review.library_counts import count_library
from workbench.core.library.curation import Filters, load_built_in, queue
from workbench.core.library.database import Database
from workbench.core.library.decisions import vote
from workbench.core.library.examples import load_examples


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "library.sqlite3")
    load_built_in(made, load_examples()[:12])
    yield made
    made.close()


def test_every_approved_piece_is_counted_once(library: Database):
    counted = count_library(library)
    assert counted.counts.pieces == counted.whole == 12
    assert not counted.sampled
    assert sum(counted.counts.tallies["forms"].values()) == 12


def test_a_piece_that_is_not_approved_is_not_counted(library: Database):
    item = queue(library, Filters(status="approved"))[0][0]
    vote(library, item.id, "reject", curator="ada", version=item.version)
    assert count_library(library).counts.pieces == 11


def test_of_a_larger_library_a_part_is_counted_that_stays_the_same(library: Database):
    first, second = count_library(library, most=5), count_library(library, most=5)
    assert (first.counts.pieces, first.whole, first.sampled) == (5, 12, True)
    assert first.counts.to_dict() == second.counts.to_dict()


def test_the_library_is_no_rows_and_has_no_tokens(library: Database):
    assert not count_library(library).counts.tallies["tokens"]
