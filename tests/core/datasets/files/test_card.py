"""The card says what a version holds, whence, under which rights, how it was made and what its limits are."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.core.datasets.small_version import RECIPE, built, copied
from workbench.core.datasets.files.card import dataset_card
from workbench.core.datasets.files.formats import json_line
from workbench.core.datasets.files.imports import import_file
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.review.marks import mark
from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import Version, bodies, facts_of_version, packed, put_bodies, write_version
from workbench.core.datasets.withdrawn import examples_of, withdraw_import
from workbench.core.library.curation import find
from workbench.core.library.database import Database, storable
from workbench.core.library.decisions import edit
from workbench.core.library.rights import own_rights

Kept = tuple[Database, Version]
HEADINGS = ["Whence", "Rights", "How it was made", "Limits"]
SAFE = {"h1", "h2", "p", "ul", "li", "pre", "code", "strong", "hr"}
HOSTILE = (
    "<script>alert(1)</script>", "</h1><img src=x onerror=alert(1)>", "[click](javascript:alert(1))",
    "![x](http://x/y.png)", "a\n\n# Heading", "a\n---\nlicense: mit\n---\nb", "`code` ``", "```\n<b>", '"]: {a: b} #',
    "*bold* _under_ ~~gone~~",
    "<!-- ", "&lt;b&gt; &amp;", "<http://evil.example>", "http://evil.example",
    "| a | b |", "back\\slash\\", "\x1b[31m\x7f",
    "雪 \U0001f600 \u2028 \u202e", "[a]: http://evil.example", "'", "{% raw %}",
)  # fmt: skip


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


class Seen(HTMLParser):
    """The tags of a rendered card, and its texts."""

    def __init__(self, card: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(MarkdownIt("commonmark").render(body(card)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def head(card: str) -> str:
    start, between, rest = card.partition("\n---\n")
    assert start.startswith("---\n")
    assert between
    assert rest
    return start.removeprefix("---\n")


def body(card: str) -> str:
    return card.partition("\n---\n")[2]


def shown(text: str) -> str:
    """A text as a reader sees it: in one line, what cannot be seen as a sign that it is there."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(storable(text).split()))


def sections(card: str) -> list[str]:
    return re.findall(r"^## (.+)$", card, re.MULTILINE)


# What it says


def test_the_card_says_what_whence_under_which_rights_how_and_limits(kept: Kept) -> None:
    database, version = kept
    card = dataset_card(database, version)
    assert sections(card) == HEADINGS
    assert f"# {version.label}\n" in card
    assert f"{version.rows} rows (41 train, 1 validation, 2 test)" in card
    assert version.content_hash in card
    assert f"Ships with the workbench: {version.rows} rows" in card
    assert "may be used for commercial training" in card
    assert "own work CC0-1.0 (AIRIA Workbench)" in card
    assert '"keys": 2' in card
    assert "public domain public domain" not in card
    assert "template default@1" in card
    assert "combinations of form, period and mood have no row" in card
    assert "Three epochs at OpenAI" in card
    assert all(line == line.rstrip() for line in card.splitlines())
    assert card.endswith("\n")


def test_every_row_is_counted_under_its_rights(kept: Kept) -> None:
    rights = dataset_card(*kept).partition("## Rights")[2].partition("## How")[0]
    assert sum(map(int, re.findall(r"^- (\d+) rows: ", rights, re.MULTILINE))) == kept[1].rows


def test_the_head_names_the_file_of_each_split_that_has_rows(kept: Kept) -> None:
    assert re.findall(r"  - split: (\w+)\n    path: (\S+)", head(dataset_card(*kept))) == [
        ("train", "train.parquet"), ("validation", "validation.parquet"), ("test", "test.parquet"),
    ]  # fmt: skip
    untested = built(kept[0], RECIPE | {"name": "untested", "split": {"train": 0.5, "validation": 0.5, "test": 0}})
    assert "test.parquet" not in dataset_card(kept[0], untested)


def test_withdrawn_rights_are_told_with_the_piece(kept: Kept) -> None:
    database, version = kept
    assert "withdrawn" not in dataset_card(database, version)
    source = next(facts_of_version(database, version.id)).source
    item = find(database, examples_of(source)[0])
    assert item is not None
    edit(database, item.id, curator="ada", version=item.version, rights=replace(item.rights, training=False))
    card = dataset_card(database, version)
    assert "**The rights of 1 sources were withdrawn since this version was made. Do not train on it.**" in card
    assert source in Seen(card).text


def test_exclusions_and_frozen_tests_since_are_told(kept: Kept) -> None:
    database, version = kept
    first = next(facts_of_version(database, version.id))
    mark(database, version.id, first.key, "exclude", curator="ada", text="dull")
    freeze(database, version.id, name="blind_test", curator="ada")
    card = dataset_card(database, version)
    assert "1 rows were excluded by reviewers since" in card
    assert "frozen test set (blind_test): train no model on it" in Seen(card).text


def test_pairs_are_told_as_pairs_and_an_imported_file_with_its_hash(kept: Kept, tmp_path: Path) -> None:
    database, version = kept
    one, other, *_ = (row for _, row in bodies(database, version.id))
    file = tmp_path / "their_rows.jsonl"
    file.write_text(json_line(replace(one, kind="pair", rejected=other.answer), "trl-dpo"))
    made = import_file(database, file, name="pairs", rights=own_rights("Ada", "hers"), curator="ada").version
    assert made is not None
    card = dataset_card(database, made)
    assert "the MusicStructure that was preferred, and one that was not" in card
    assert f"Imported from their\\_rows.jsonl (SHA-256 `{made.recipe['imported']['sha256']}`)" in card
    withdraw_import(database, made.id)
    assert "Do not train on it" in dataset_card(database, made)


# What people wrote is shown, and is nothing else


def with_words(kept: Kept, text: str) -> Version:
    """A version in which every text that somebody may choose is this one."""
    database, version = kept
    _, first = next(iter(bodies(database, version.id)))
    facts = next(facts_of_version(database, version.id))
    layers = [layer | {"holder": text, "licence": text} for layer in first.to_dict()["rights"]["layers"]]
    row: Row = replace(
        first, rights={"layers": layers, "prompt": True, "training": True}, source={"id": facts.source, "origin": text}
    )
    put_bodies(database, [packed(row)])
    summary = dict(version.summary) | {
        "template": {"label": text}, "frozen": [text], "left_out": {text: 1},
        "splits": {"train": 1}, "everything": dict(version.summary["everything"]) | {"forms": {text: 1}},
        "findings": {"findings": [{"severity": "warning", "message": text}]},
    }  # fmt: skip
    recipe = {"name": text, "use": "training", "sources": {"forms": [text]}}
    return write_version(
        database, recipe, [replace(facts, digest=row.digest)], summary, name=text[:60], kind="chat", curator="ada"
    )[0]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_shown_and_do_nothing(kept: Kept, text: str) -> None:
    card = dataset_card(kept[0], with_words(kept, text))
    seen = Seen(card)
    assert set(seen.tags) <= SAFE
    assert (seen.tags.count("h1"), seen.tags.count("h2"), seen.tags.count("pre")) == (1, len(HEADINGS), 1)
    assert seen.text.count(shown(text)) >= 5
    assert sections(card) == HEADINGS
    assert head(card).count("\n") == head(dataset_card(*kept)).count("\n") - 4, "one split has two lines in the head"
    assert "\x1b" not in card
    assert "http://" not in body(card).partition("```json")[0]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("<>[]()`*_#-\\&!|:/\n\t ab'\"~{}.\x00\u2028"), min_size=1, max_size=40))
def test_any_text_is_only_text(kept: Kept, text: str) -> None:
    seen = Seen(dataset_card(kept[0], with_words(kept, text)))
    assert set(seen.tags) <= SAFE
    assert (seen.tags.count("h1"), seen.tags.count("h2"), seen.tags.count("pre")) == (1, len(HEADINGS), 1)
    assert shown(text) in seen.text


NO_YAML = importlib.util.find_spec("yaml") is None


@pytest.mark.skipif(NO_YAML and not os.environ.get("CI"), reason="PyYAML is not installed; with CI set this fails.")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_head_is_yaml_whatever_the_name_is(kept: Kept, text: str) -> None:
    import yaml

    version = with_words(kept, text)
    read = yaml.safe_load(head(dataset_card(kept[0], version)))
    assert read["pretty_name"] == version.label
    assert set(read) == {"pretty_name", "language", "task_categories", "tags", "size_categories", "configs"}
    assert read["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "train.parquet"}]},
    ]
