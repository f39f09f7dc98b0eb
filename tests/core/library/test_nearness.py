"""The neighbours of a piece follow the library as it changes, and nobody waits for a large one to be read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fresh import fresh
from workbench.core.compose import compose
from workbench.core.compose.edits import transpose
from workbench.core.library import nearness as module
from workbench.core.library.curation import Approved, load_built_in, submit
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit, vote
from workbench.core.library.examples import load_examples
from workbench.core.library.likeness import NEAR_DUPLICATE
from workbench.core.library.nearness import Nearness
from workbench.core.library.rights import own_rights
from workbench.core.music.request import Request

ASKED = Request(duration=30)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "library.sqlite3")
    load_built_in(made, load_examples()[:6])
    yield made
    made.close()


def test_the_same_piece_in_another_key_is_found(library: Database) -> None:
    near = Nearness(library)
    piece = compose(Request(duration=30, key="C major"), seed=1)
    item, _ = submit(library, ASKED, piece, curator="ada", origin={"kind": "take"})
    found = near.nearest(transpose(piece, "E major"), 2)
    assert found is not None
    assert found[0].id == item.id
    assert found[0].likeness >= NEAR_DUPLICATE
    assert found[1].likeness < NEAR_DUPLICATE
    assert near.nearest(piece, 1, without=item.id)[0].id != item.id  # type: ignore[index]


def test_it_follows_the_library(library: Database) -> None:
    near = Nearness(library)
    first, second = compose(ASKED, seed=1), compose(ASKED, seed=2)
    item, _ = submit(library, ASKED, first, curator="ada", origin={"kind": "take"})
    assert near.nearest(first, 1)[0].likeness == pytest.approx(1)  # type: ignore[index]
    edit(library, item.id, curator="ada", version=item.version, structure=second)
    assert near.nearest(first, 1)[0].likeness < NEAR_DUPLICATE  # type: ignore[index]
    assert near.nearest(second, 1)[0].likeness == pytest.approx(1)  # type: ignore[index]


def test_nobody_waits_for_a_large_library(library: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 3)
    near = Nearness(library)
    piece = load_examples()[0].structure
    assert near.nearest(piece, 1) is None
    for _ in range(200):
        found = near.nearest(piece, 1)
        if found is not None:
            break
        time.sleep(0.02)
    assert found is not None
    assert found[0].id == load_examples()[0].id


def test_what_is_approved_reaches_prompts_at_once_and_what_is_rejected_leaves_them(library: Database) -> None:
    offered = Approved(library)
    before = offered()
    assert {example.id for example in before} == {example.id for example in load_examples()[:6]}
    assert offered() is before
    item, _ = submit(
        library, ASKED, compose(ASKED, seed=5), curator="ada", origin={"kind": "take"}, rights=own_rights("Ada", "hers")
    )
    assert item.id not in {example.id for example in offered()}
    item = vote(library, item.id, "approve", curator="ada", version=item.version)
    assert item.id in {example.id for example in offered()}
    vote(library, item.id, "reject", curator="ada", version=item.version)
    assert {example.id for example in offered()} == {example.id for example in before}


def test_an_empty_library_offers_what_ships(tmp_path: Path) -> None:
    empty = fresh(tmp_path / "empty.sqlite3")
    assert Approved(empty)() is load_examples()
    empty.close()
