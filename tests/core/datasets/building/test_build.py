"""A build makes the very conversations that generation has, each valid, and the same bytes each time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.core.datasets.conftest import SHIPPED, built, filled, rejected, rework, rows_of, twin_of
from workbench.core.compose.replan import plan_of
from workbench.core.datasets.building.build import Built, build
from workbench.core.datasets.building.planning import plan_build
from workbench.core.datasets.building.recheck import check_version
from workbench.core.datasets.files.export import file_names, stream
from workbench.core.datasets.recipes import STARTER, Augmentation, Ratios, Recipe, Sources
from workbench.core.datasets.rows import Facts, Row
from workbench.core.datasets.versions import Version, content_hash, facts_of_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.generate.prompt import build_prompt
from workbench.core.generate.sanitize import sanitize
from workbench.core.generate.templates import built_in, find_template
from workbench.core.generate.wire import wire_text
from workbench.core.library.database import Database
from workbench.core.library.examples import Example
from workbench.core.music.request import Request

TEMPLATE = find_template("default", built_in())
SHOWING = Recipe(name="showing", examples=2, augmentation=Augmentation(tempos=1))


@dataclass(frozen=True)
class Finished:
    """A finished build with its database."""

    database: Database
    built: Built

    @property
    def version(self) -> Version:
        assert self.built.version is not None, self.built.tally.told
        return self.built.version

    @property
    def rows(self) -> list[tuple[Facts, Row]]:
        return rows_of(self.database, self.version)

    def files(self) -> dict[str, str]:
        """The hash of every file of the version."""
        return {
            name: hashlib.sha256(b"".join(stream(self.database, self.version, name))).hexdigest()
            for name in file_names(self.version)
        }


def finished(tmp_path_factory: pytest.TempPathFactory, processes: int) -> Iterator[Finished]:
    path = tmp_path_factory.mktemp("starter") / "workbench.sqlite3"
    database = filled(Database(f"sqlite:///{path}").upgrade(), tuple(SHIPPED))
    yield Finished(database, build(database, STARTER, curator="ada", processes=processes))
    database.close()


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """The starter's version of the shipped library, made in this process."""
    yield from finished(tmp_path_factory, 0)


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """The same in a second library, made by two processes."""
    yield from finished(tmp_path_factory, 2)


def prompt_of(row: Row, shown: tuple[Example, ...] = (), *, system: bool = True) -> object:
    """What generation would send for the row's request, under the plan of the piece that the row's answer says."""
    request = Request.model_validate(dict(row.request))
    plan = plan_of(row.structure, request, seed=0)
    return build_prompt(request, plan, TEMPLATE, examples=shown, system=system).messages


# The shipped library


def test_the_starter_makes_five_hundred_rows_of_the_shipped_library_without_an_error(starter: Finished) -> None:
    assert starter.version.rows >= 500
    assert starter.version.rows == len(starter.rows) == sum(starter.version.summary["splits"].values())
    assert starter.built.tally.errors == 0
    assert min(starter.version.summary["splits"].values()) >= 10  # OpenAI takes no smaller file
    assert {each.source for each, _ in starter.rows} == {f"examples/{id}" for id in SHIPPED}


def test_every_prompt_is_what_generation_sends(starter: Finished) -> None:
    for _, row in starter.rows:
        assert row.prompt == prompt_of(row), row.key
        assert [message.role for message in row.prompt] == ["system", "user"]


def test_every_answer_is_read_back_as_its_piece_without_a_repair(starter: Finished) -> None:
    for _, row in starter.rows:
        read = sanitize(row.answer, request=Request.model_validate(dict(row.request)))
        assert read.valid_before_repair, row.key
        assert not read.repairs, row.key
        assert wire_text(read.structure) == row.answer, row.key


def test_a_row_without_changes_is_the_example_itself(starter: Finished) -> None:
    originals = [row for _, row in starter.rows if not row.changes]
    assert len(originals) == len(SHIPPED)
    for row in originals:
        example = SHIPPED[row.key.removeprefix("examples/")]
        assert row.answer == wire_text(example.structure)
        assert dict(row.rights) == example.rights
        assert Request.model_validate(dict(row.request)) == example.request.model_copy(
            update={"id": None, "seed": None}
        )


def test_a_derived_row_says_so_and_differs_from_all_others(starter: Finished) -> None:
    rows = starter.rows
    derived = [(each, row) for each, row in rows if row.changes]
    assert len(derived) == starter.version.summary["derived"] > 400
    assert {change.kind for _, row in derived for change in row.changes} == {"key", "tempo", "mood"}
    assert all(each.split == "train" for each, _ in derived)
    assert all(row.key == "~".join([each.source, *map(str, row.changes)]) for each, row in derived)
    assert len({row.answer for _, row in rows}) == len({row.key for _, row in rows}) == len(rows)


def test_facts_say_what_is_in_the_row(starter: Finished) -> None:
    for each, row in starter.rows:
        structure, request = row.structure, Request.model_validate(dict(row.request))
        assert (each.key, each.digest, each.kind) == (row.key, row.digest, "chat")
        assert (each.form, each.tonic, each.tempo) == (structure.form, structure.key, structure.tempo)
        assert (each.meter, each.mode) == (structure.time_signature, structure.tonality.mode)
        assert (each.valence, each.arousal) == (request.valence, request.arousal)
        assert min(each.tokens_in, each.tokens_out) > 0


def test_the_starter_passes_the_check_of_what_came_from_somebody_else(starter: Finished) -> None:
    tally = check_version(starter.database, starter.version, processes=0)
    assert tally.errors == 0, tally.told


def test_a_second_build_on_a_second_library_has_the_same_bytes(starter: Finished, again: Finished) -> None:
    assert again.version.content_hash == starter.version.content_hash
    assert again.version.id == starter.version.id
    assert again.version.summary == starter.version.summary
    assert again.built.tally == starter.built.tally
    assert [row for _, row in again.rows] == [row for _, row in starter.rows]
    files = starter.files()
    assert {name.rpartition(".")[2] for name in files} == {"jsonl", "parquet", "md"}
    assert again.files() == files


def test_the_content_hash_follows_from_the_rows_alone(starter: Finished) -> None:
    facts = tuple(facts_of_version(starter.database, starter.version.id))
    assert content_hash(starter.version.recipe, facts) == starter.version.content_hash
    assert content_hash(starter.version.recipe, facts[:-1]) != starter.version.content_hash


# Small libraries


def test_the_same_recipe_makes_the_same_version_in_each_kind_of_database(
    each_library: Database, library: Database
) -> None:
    here, there = built(each_library, SHOWING), built(library, SHOWING)
    assert (here.content_hash, here.summary) == (there.content_hash, there.summary)
    assert rows_of(each_library, here) == rows_of(library, there)


def test_prompts_may_go_without_the_system_part(library: Database) -> None:
    for _, row in rows_of(library, built(library, Recipe(system=False))):
        assert row.prompt == prompt_of(row, system=False)
        assert [message.role for message in row.prompt] == ["user"]


def test_few_shot_prompts_show_what_generation_would_show(library: Database) -> None:
    rows = rows_of(library, built(library, SHOWING))
    assert len(rows) > 12
    for each, row in rows:
        assert len(row.shown) == 2, row.key
        assert row.prompt == prompt_of(row, tuple(SHIPPED[id] for id in row.shown)), each.key
        assert [m.role for m in row.prompt] == ["system", *["user", "assistant"] * 2, "user"]


def test_few_shot_examples_come_from_the_training_side_and_never_are_the_row_s_own(library: Database) -> None:
    rows = rows_of(library, built(library, SHOWING))
    sides = {each.source: each.split for each, _ in rows}
    assert set(sides.values()) == {"train", "validation", "test"}
    groups = {each.source: each.group for each, _ in rows}
    for each, row in rows:
        for id in row.shown:
            assert sides[f"examples/{id}"] == "train"
            assert groups[f"examples/{id}"] != each.group


def test_a_related_example_is_never_shown(library: Database) -> None:
    """Were it allowed, it would come first: it is the same piece for nearly the same request."""
    twin_of(library, "rondo-classical-elise", "elise-twin")
    shown = {
        id
        for seed in range(4)
        for each, row in rows_of(library, built(library, Recipe(examples=3, seed=seed)))
        if each.source in {"examples/elise-twin", "examples/rondo-classical-elise"}
        for id in row.shown
    }
    assert shown
    assert not shown & {"elise-twin", "rondo-classical-elise"}


def test_a_pair_of_near_duplicates_is_on_one_side_whatever_the_seed(library: Database) -> None:
    twin_of(library, "rondo-classical-elise", "elise-twin")
    pairs = Counter()
    for seed in range(12):
        plan = plan_build(library, Recipe(seed=seed, split=Ratios(train=0.4, validation=0.3, test=0.3)))
        sides = {entry.source: entry.split for entry in plan.entries}
        assert sides["examples/elise-twin"] == sides["examples/rondo-classical-elise"]
        pairs[sides["examples/elise-twin"]] += 1
    assert sum(pairs.values()) == 12


def test_every_phase_is_told_and_the_count_never_goes_back(library: Database) -> None:
    heard: list[tuple[str, int, int]] = []
    version = built(library, Recipe(augmentation=Augmentation(keys=4)), told=lambda *said: heard.append(said))
    assert list(dict.fromkeys(phase for phase, _, _ in heard)) == [
        "Reading the pieces", "Looking for pieces that are nearly the same", "Making and checking the rows",
        "Checking the whole", "Writing the version",
    ]  # fmt: skip
    made = [(done, of) for phase, done, of in heard if phase == "Making and checking the rows"]
    assert made == sorted(made)
    assert made[-1][0] == made[-1][1]
    assert version.rows <= made[-1][1]


def test_a_recipe_that_lets_nothing_through_says_what_was_left_out(library: Database) -> None:
    with pytest.raises(InvalidInputError, match="lets no piece through") as caught:
        build(library, Recipe(sources=Sources(forms=("fugue",))), curator="ada", processes=0)
    assert caught.value.hint == "Widen its filters."


def test_a_version_that_is_not_there_cannot_be_a_source(library: Database) -> None:
    with pytest.raises(InvalidInputError, match="is no version"):
        build(library, Recipe(sources=Sources(versions=("nothing",))), curator="ada", processes=0)


def test_a_library_that_changes_meanwhile_stops_the_build(library: Database) -> None:
    def told(phase: str, done: int, total: int) -> None:
        if phase.startswith("Looking"):
            rejected(library, "rondo-classical-elise")

    with pytest.raises(ConflictError, match="library was changed"):
        build(library, Recipe(), curator="ada", processes=0, told=told)


def test_rows_of_another_version_can_be_built_from(library: Database) -> None:
    first = built(library, Recipe(name="first", augmentation=Augmentation(keys=1)))
    second = built(library, Recipe(name="second", sources=Sources(examples=False, versions=(first.id,))))
    before = {row.key: row for _, row in rows_of(library, first)}
    after = {row.key: row for _, row in rows_of(library, second)}
    assert set(after) == {f"{first.id}/{key}" for key in before}
    for key, row in before.items():
        other = after[f"{first.id}/{key}"]
        assert (other.prompt, other.answer, other.rights) == (row.prompt, row.answer, row.rights)


def test_what_one_example_makes_by_two_ways_stays_on_one_side(library: Database) -> None:
    """In a version's rows its keys are the only thing that tells where a piece comes from after it was edited."""
    first = built(library, Recipe(name="first"))
    rework(library, "rondo-classical-elise", "rondo-classical-hunt")
    for seed in range(6):
        split = Ratios(train=0.4, validation=0.3, test=0.3)
        plan = plan_build(library, Recipe(seed=seed, split=split, sources=Sources(versions=(first.id,))))
        sides = {entry.source: entry.split for entry in plan.entries}
        assert sides["examples/rondo-classical-elise"] == sides[f"{first.id}/examples/rondo-classical-elise"]
