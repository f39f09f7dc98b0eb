"""Practice pieces: short, sound, the same each time, and asked for in words that the answer begins with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.finetune.local_material import tiny_model, trains, write_rows
from workbench.core.compose import realize
from workbench.core.datasets.building.build import build
from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import bodies
from workbench.core.finetune.compliance import measure
from workbench.core.finetune.practice import HEAD, RECIPE, TAG, compose_practice, practice_request
from workbench.core.library.curation import approved
from workbench.core.library.database import Database

PIECES = 16


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/workbench.sqlite3").upgrade()
    assert compose_practice(database, curator="ada", pieces=PIECES) == PIECES
    yield database
    database.close()


@pytest.fixture
def rows(database: Database) -> list[Row]:
    version = build(database, RECIPE, curator="ada", processes=0).version
    assert version is not None
    return [row for _, row in bodies(database, version.id)]


def test_the_same_pieces_are_composed_once(database: Database) -> None:
    assert compose_practice(database, curator="ada", pieces=PIECES + 2) == 2
    assert practice_request(3) == practice_request(3)
    assert len({practice_request(number).to_json() for number in range(200)}) > 190
    for example in approved(database):
        assert TAG in example.tags
        assert realize(example.structure).notes
        assert all(len(motif.degrees) <= HEAD for section in example.structure.sections for motif in section.motifs)


def test_every_row_fits_the_schema_and_keeps_to_its_plan(rows: list[Row]) -> None:
    answers = {row.prompt: row.answer for row in rows}
    found = measure(lambda messages: answers[tuple(messages)], rows, most=PIECES)
    assert (found.rows, found.fits, found.valid) == (PIECES,) * 3


def test_the_prompt_holds_what_is_fixed_in_the_answers_own_words(rows: list[Row]) -> None:
    for row in rows:
        asked = row.prompt[-1].content
        head, _, _ = row.answer.partition(',"title"')
        assert head in asked
        for section in json.loads(row.answer)["sections"]:
            names = ("name", "role", "key", "measures", "cadence", "dynamics", "texture")
            fixed = {name: section[name] for name in names}
            assert json.dumps(fixed, ensure_ascii=False, separators=(",", ":")) in asked


@trains
def test_a_note_and_a_chord_are_one_token_each(rows: list[Row], tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    folder = tiny_model(tmp_path / "tiny", write_rows(tmp_path / "rows.jsonl", rows))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tune = tokenizer.encode('"degrees":[3,-1,3],"rhythm":[0.5,1,0.5]', add_special_tokens=False)
    assert [tokenizer.decode([id]) for id in tune.ids][-4:-1] == ["0.5,", "1,", "0.5"]
    for text in (rows[0].answer, 'é [] [\'\n] {"a": "b"}', '""""{{{{'):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids, False) == text
