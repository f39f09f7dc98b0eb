"""A small dataset version, written by hand: pieces that ship, as rows of a test and a training split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from workbench.core.datasets.rows import Change, Facts, Row, key_of
from workbench.core.datasets.versions import Version, in_order, packed, put_bodies, write_version
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

TESTED = ("aba-romantic-wild-horseman", "rondo-classical-elise", "binary-baroque-bourree")
LEARNED = ("rondo-baroque-spring",)
SHIPPED = {each.id: each for each in load_examples()}


def a_version(
    database: Database, tested: Sequence[str] = TESTED, *, learned: Sequence[str] = LEARNED, name: str = "small",
    twice: bool = False, summary: Mapping[str, Any] | None = None, recipe: Mapping[str, Any] | None = None,
) -> Version:  # fmt: skip
    """A version whose test split holds these pieces; ``twice`` adds the first one's request once more."""
    rows = [(a_row(id), "test") for id in tested] + [(a_row(id), "train") for id in learned]
    if twice:
        rows.append((a_row(tested[0], Change("tempo", "84")), "test"))
    put_bodies(database, [packed(row) for row, _ in rows])
    facts = in_order(_facts(row, split) for row, split in rows)
    found = {"held_out": sorted(tested), "splits": {}} if summary is None else summary
    return write_version(
        database, {"name": name, **(recipe or {})}, facts, found, name=name, kind="chat", curator="ada"
    )[0]


def a_row(id: str, *changes: Change) -> Row:
    """The row of a piece that ships."""
    piece, source = SHIPPED[id], f"examples/{id}"
    return Row(
        key_of(source, changes), "chat", piece.request.to_dict(), (), piece.structure.to_json(), "", (),
        {"id": source}, changes, {},
    )  # fmt: skip


def _facts(row: Row, split: str) -> Facts:
    kinds: dict[str, Any] = {"int": 0, "float": 0.0, "str": ""}
    plain = {field.name: kinds[str(field.type)] for field in fields(Facts)}
    return Facts(
        **plain | {"key": row.key, "digest": row.digest, "split": split, "group": row.key, "source": row.source_id}
    )  # fmt: skip
