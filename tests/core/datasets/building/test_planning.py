"""A plan says what a build will hold: filters, exclusions, quotas, splits, and frozen tests that hold for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from tests.core.datasets.conftest import (
    FEW,
    SHIPPED,
    built,
    changed,
    rejected,
    rework,
    rows_of,
    twin_of,
)
from workbench.core.datasets.building.build import build
from workbench.core.datasets.building.planning import BuildPlan, plan_build
from workbench.core.datasets.building.recheck import check_version
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.recipes import Augmentation, Quota, Ratios, Recipe, Sources
from workbench.core.datasets.review.marks import mark, take_back
from workbench.core.datasets.rows import source_of
from workbench.core.datasets.versions import Version, find_row
from workbench.core.errors import InvalidInputError
from workbench.core.generate.wire import wire_text
from workbench.core.library.curation import submit
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit
from workbench.core.library.rights import own_rights
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request

ELISE, HUNT = "rondo-classical-elise", "rondo-classical-hunt"
NEAR, EXCLUDED = "near the frozen test set", "excluded by a reviewer"
AUGMENTED = Recipe(augmentation=Augmentation(keys=2, tempos=1))
NONCOMMERCIAL = own_rights("Ada", "written for this test", "CC-BY-NC-4.0")


def planned(database: Database, **sources: Any) -> set[str]:
    """The ids of the examples that a recipe with these filters lets through."""
    plan = plan_build(database, Recipe(sources=Sources(**sources)))
    return {entry.source.removeprefix("examples/") for entry in plan.entries}


# Filters


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, FEW),
        ({"forms": ("rondo",)}, [id for id in FEW if id.startswith("rondo-")]),
        ({"forms": ("rondo", "ABA")}, [id for id in FEW if id.startswith(("rondo-", "aba-"))]),
        ({"periods": ("baroque", "modern")}, [id for id in FEW if "-baroque-" in id or "-modern-" in id]),
        ({"modes": ("minor",)}, [id for id in FEW if SHIPPED[id].structure.tonality.mode == "minor"]),
        ({"origins": ("built-in",)}, FEW),
        ({"words": "ELISE rondo"}, ["rondo-classical-elise"]),
        ({"forms": ("rondo",), "periods": ("baroque",)}, ["rondo-baroque-spring"]),
    ],
)
def test_filters_let_through_what_matches_all_of_them(
    each_library: Database, filters: dict[str, Any], wanted: Sequence[str]
) -> None:
    assert wanted
    assert planned(each_library, **filters) == set(wanted)


def test_moods_are_those_of_the_requests(each_library: Database) -> None:
    moods = {id: mood_word(SHIPPED[id].request.valence, SHIPPED[id].request.arousal) for id in FEW}
    for mood in set(moods.values()):
        assert planned(each_library, moods=(mood,)) == {id for id in FEW if moods[id] == mood}
    assert planned(each_library, moods=tuple(set(moods.values()))) == set(FEW)


def test_what_waits_or_was_rejected_is_in_no_plan(library: Database) -> None:
    rejected(library, ELISE)
    changed(library, "rondo-baroque-spring", approve=False, structure=SHIPPED[HUNT].structure)
    assert planned(library) == set(FEW) - {ELISE, "rondo-baroque-spring"}


def test_a_kept_generation_is_let_through_by_its_origin(library: Database) -> None:
    hunt = SHIPPED[HUNT]
    submit(
        library, hunt.request, hunt.structure, curator="ada", origin={"kind": "take"}, id="kept", status="approved",
        rights=own_rights("Ada", "generated here"),
    )  # fmt: skip
    assert planned(library, origins=("take",)) == {"kept"}
    assert planned(library, origins=("take", "built-in")) == {*FEW, "kept"}
    assert planned(library, origins=("import",)) == set()


def test_filters_hold_for_rows_of_versions_too(library: Database) -> None:
    version = built(library)
    for filters in ({"forms": ("rondo",)}, {"modes": ("minor",)}, {"periods": ("baroque",)}, {"words": "a minor"}):
        by_version = planned(library, examples=False, versions=(version.id,), **filters)
        assert by_version
        names = {source.removeprefix(f"{version.id}/examples/") for source in by_version}
        if "words" not in filters:
            assert names == planned(library, **filters)
        assert names <= set(FEW)


# What is left out


def exclude(database: Database, version: Version, key: str) -> Any:
    return mark(database, version.id, key, "exclude", curator="ada", text="Dull")


def test_an_excluded_original_takes_all_that_is_derived_from_it_along(each_library: Database) -> None:
    version = built(each_library, AUGMENTED)
    made = exclude(each_library, version, f"examples/{ELISE}")
    plan = plan_build(each_library, AUGMENTED)
    assert f"examples/{ELISE}" not in {entry.source for entry in plan.entries}
    assert plan.left_out[EXCLUDED] == 1
    later = built(each_library, AUGMENTED)
    assert not [each for each, _ in rows_of(each_library, later) if each.source == f"examples/{ELISE}"]
    take_back(each_library, made.id, curator="ada")
    assert built(each_library, AUGMENTED).id == version.id


def test_an_excluded_variant_goes_alone(each_library: Database) -> None:
    version = built(each_library, AUGMENTED)
    keys = [each.key for each, _ in rows_of(each_library, version)]
    gone = next(key for key in keys if key.startswith(f"examples/{ELISE}~"))
    exclude(each_library, version, gone)
    later = built(each_library, AUGMENTED)
    assert [each.key for each, _ in rows_of(each_library, later)] == [key for key in keys if key != gone]
    assert later.summary["left_out"][EXCLUDED] == 1


def test_flags_and_comments_leave_nothing_out(library: Database) -> None:
    version = built(library)
    mark(library, version.id, f"examples/{ELISE}", "flag", curator="ada")
    mark(library, version.id, f"examples/{ELISE}", "comment", curator="ada", text="Why?")
    assert built(library).id == version.id


def test_the_same_piece_for_the_same_request_is_taken_once(library: Database) -> None:
    version = built(library)
    again = Recipe(sources=Sources(versions=(version.id,)))
    plan = plan_build(library, again)
    assert {entry.source for entry in plan.entries} <= {f"examples/{id}" for id in FEW}
    assert plan.left_out == {"the same piece for the same request is there already": 12}


def test_rights_that_were_withdrawn_hold_for_rows_that_come_by_way_of_a_version(each_library: Database) -> None:
    version = built(each_library)
    changed(each_library, ELISE, rights=NONCOMMERCIAL)
    found = build(
        each_library, Recipe(name="by", sources=Sources(examples=False, versions=(version.id,))), curator="ada",
        processes=0,
    )  # fmt: skip
    assert found.version is None
    [error] = [each for each in found.tally.told if each.severity == "error"]
    assert (error.check, error.key) == ("rights", f"{version.id}/examples/{ELISE}")
    assert "CC-BY-NC-4.0 does not allow it" in error.message


# Quotas


def by(plan: BuildPlan, *names: str) -> Counter[Any]:
    """How many rows a plan has, by some fields of its entries."""
    found: Counter[Any] = Counter()
    for entry in plan.entries:
        found[tuple(getattr(entry, name) for name in names)] += len(entry.wanted)
    return found


def test_no_more_rows_than_a_quota_allows(library: Database) -> None:
    quotas = (Quota(form="rondo", most=3), Quota(mode="minor", most=5), Quota(period="romantic", form="ABA", most=0))
    free, bound = plan_build(library, AUGMENTED), plan_build(library, AUGMENTED.model_copy(update={"quotas": quotas}))
    assert by(free, "form")["rondo",] > 3
    assert by(bound, "form")["rondo",] == 3
    assert by(bound, "mode")["minor",] == 5
    assert by(bound, "form", "period")["ABA", "romantic"] == 0
    assert bound.left_out["over a quota"] == free.rows - bound.rows > 0
    untouched = ("binary", "baroque", "major")
    assert by(bound, "form", "period", "mode")[untouched] == by(free, "form", "period", "mode")[untouched]


def test_originals_come_before_variants_in_a_quota(library: Database) -> None:
    plan = plan_build(library, AUGMENTED.model_copy(update={"quotas": (Quota(most=14),)}))
    assert plan.rows == 14
    assert sum(() in entry.wanted for entry in plan.entries) == 12
    other = plan_build(library, AUGMENTED.model_copy(update={"quotas": (Quota(most=14),), "seed": 5}))
    assert other.rows == 14


def test_a_build_keeps_to_its_plan(library: Database) -> None:
    recipe = AUGMENTED.model_copy(update={"quotas": (Quota(most=20),)})
    plan, version = plan_build(library, recipe), built(library, recipe)
    assert version.rows + sum(version.summary["left_out"].values()) - plan.left_out["over a quota"] == plan.rows == 20
    sides = {entry.source: (entry.split, entry.group) for entry in plan.entries}
    assert all((each.split, each.group) == sides[each.source] for each, _ in rows_of(library, version))


def test_only_training_is_augmented_unless_the_recipe_says_everywhere(library: Database) -> None:
    for everywhere in (False, True):
        more = AUGMENTED.augmentation.model_copy(update={"everywhere": everywhere})
        plan = plan_build(library, AUGMENTED.model_copy(update={"augmentation": more}))
        for entry in plan.entries:
            assert (len(entry.wanted) > 1) == (everywhere or entry.split == "train"), entry
            assert entry.wanted[0] == ()


# Frozen tests


@pytest.fixture
def frozen(library: Database) -> tuple[Version, list[str]]:
    """A version whose test rows are frozen, and the ids of the examples in them."""
    version = built(library, Recipe(name="first", split=Ratios(train=0.5, validation=0.25, test=0.25)))
    freeze(library, version.id, name="held", curator="ada")
    held = [each.source.removeprefix("examples/") for each, _ in rows_of(library, version) if each.split == "test"]
    assert len(held) >= 2
    return version, held


def held_rows(database: Database, version: Version) -> list[Any]:
    return [row for each, row in rows_of(database, version) if each.split == "test"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_test_split_of_later_versions_is_exactly_the_frozen_rows(
    library: Database, frozen: tuple[Version, list[str]], seed: int
) -> None:
    later = built(library, AUGMENTED.model_copy(update={"seed": seed}))
    assert held_rows(library, later) == held_rows(library, frozen[0])
    learned = {each.source for each, _ in rows_of(library, later) if each.split != "test"}
    assert learned == {f"examples/{id}" for id in FEW} - {f"examples/{id}" for id in frozen[1]}
    assert later.summary["frozen"] == ["held"]
    assert later.summary["left_out"][NEAR] == len(frozen[1])
    assert check_version(library, later, processes=0).errors == 0


def test_what_is_near_a_frozen_row_is_trained_on_by_no_later_version(
    library: Database, frozen: tuple[Version, list[str]]
) -> None:
    twin_of(library, frozen[1][0], "twin")
    later = built(library)
    assert "examples/twin" not in {each.source for each, _ in rows_of(library, later)}
    assert later.summary["left_out"][NEAR] == len(frozen[1]) + 1


def test_an_example_that_was_edited_stays_out_with_its_new_music_and_what_is_near_its_old(
    library: Database, frozen: tuple[Version, list[str]]
) -> None:
    old = frozen[1][0]
    rework(library, old, HUNT)
    twin_of(library, old, "old-twin")
    twin_of(library, HUNT, "new-twin")
    later = built(library, Recipe(augmentation=Augmentation(keys=1)))
    sources = {each.source for each, _ in rows_of(library, later) if each.split != "test"}
    assert not sources & {f"examples/{old}", "examples/old-twin", "examples/new-twin"}
    assert held_rows(library, later) == held_rows(library, frozen[0])
    assert check_version(library, later, processes=0).errors == 0


@pytest.mark.parametrize("edited", [False, True])
def test_a_frozen_example_does_not_come_back_by_way_of_a_version(
    library: Database, frozen: tuple[Version, list[str]], edited: bool
) -> None:
    """A version of derived rows holds it, in another key and tempo; the example itself is other music now."""
    with_it = Recipe(name="with it", split=Ratios(train=1, validation=0, test=0), sources=Sources(versions=("first",)))
    before = {entry.source for entry in plan_build(library, with_it).entries}
    assert before
    if edited:
        for id in frozen[1][:1]:
            rework(library, id, HUNT)
    plan = plan_build(library, with_it)
    held = {f"{frozen[0].id}/examples/{id}" for id in frozen[1]} | {f"examples/{id}" for id in frozen[1]}
    assert not held & {entry.source for entry in plan.entries}


def test_a_frozen_row_whose_example_lost_its_rights_is_dropped_counted_and_never_trained_on(
    library: Database, frozen: tuple[Version, list[str]]
) -> None:
    lost, *others = frozen[1]
    changed(library, lost, rights=NONCOMMERCIAL)
    twin_of(library, lost, "twin")
    later = built(library)
    assert later.summary["left_out"]["a frozen test row whose rights do not allow the use"] == 1
    assert {row.key for row in held_rows(library, later)} == {f"examples/{id}" for id in others}
    assert not {f"examples/{lost}", "examples/twin"} & {each.source for each, _ in rows_of(library, later)}
    assert check_version(library, later, processes=0).errors == 0


def test_an_excluded_frozen_row_is_dropped_counted_and_never_trained_on(
    library: Database, frozen: tuple[Version, list[str]]
) -> None:
    lost, *others = frozen[1]
    exclude(library, frozen[0], f"examples/{lost}")
    twin_of(library, lost, "twin")
    later = built(library)
    assert later.summary["left_out"]["a frozen test row, excluded by a reviewer"] == 1
    assert {row.key for row in held_rows(library, later)} == {f"examples/{id}" for id in others}
    assert "examples/twin" not in {each.source for each, _ in rows_of(library, later)}
    assert check_version(library, later, processes=0).errors == 0


def test_a_frozen_few_shot_row_may_show_what_is_validated_with_later(library: Database) -> None:
    """Its prompt is as it was frozen, and the examples that it shows were on the training side then."""
    first = built(library, Recipe(name="first", examples=3, split=Ratios(train=0.5, validation=0.25, test=0.25)))
    freeze(library, first.id, name="held", curator="ada")
    shown = {f"examples/{id}" for row in held_rows(library, first) for id in row.shown}
    met = set()
    for seed in range(4):
        later = built(library, Recipe(examples=2, seed=seed, split=Ratios(train=0.3, validation=0.4, test=0.3)))
        assert held_rows(library, later) == held_rows(library, first)
        met |= {each.source for each, _ in rows_of(library, later) if each.split == "validation"} & shown
    assert met


def test_a_test_that_was_frozen_later_does_not_speak_against_an_older_version(library: Database) -> None:
    first = built(library, Recipe(name="first"))
    second = built(library, Recipe(name="second", seed=3))
    assert {row.key for row in held_rows(library, first)} != {row.key for row in held_rows(library, second)}
    freeze(library, first.id, name="first", curator="ada")
    third = built(library, Recipe(name="third"))
    freeze(library, second.id, name="second", curator="ada")
    for version in (first, second, third):
        assert check_version(library, version, processes=0).errors == 0
    fourth = built(library, Recipe(name="fourth"))
    assert {row.key for row in held_rows(library, fourth)} == {
        row.key for version in (first, second) for row in held_rows(library, version)
    }


# Pairs


@pytest.fixture
def pairs(library: Database) -> Database:
    """A library in which one piece was edited before it was approved, and one approved and one rejected."""
    for id, worse in ((ELISE, 3), ("binary-romantic-chopin-prelude", 5)):
        example = SHIPPED[id]
        dull = example.structure.to_dict()
        tune = dull["sections"][0]["phrases"][0]["melody"]["degrees"]
        tune[0] = worse if tune[0] != worse else 1
        music = type(example.structure).model_validate(dull)
        if id == ELISE:
            edit(library, id, curator="ada", version=1, structure=music)
            changed(library, id, structure=example.structure.model_copy(update={"tempo": 70}))
        else:
            submit(
                library, example.request, music, curator="ada", origin={"kind": "test"}, id="dull",
                rights=own_rights("Ada", "written here"), status="rejected",
            )  # fmt: skip
    return library


def test_pairs_are_built_of_edits_and_decisions(pairs: Database) -> None:
    version = built(pairs, Recipe(kind="pair"))
    assert version.kind == "pair"
    rows = {row.key: row for _, row in rows_of(pairs, version)}
    assert set(rows) == {f"pairs/edits/{ELISE}", "pairs/decisions/binary-romantic-chopin-prelude/dull"}
    edited = rows[f"pairs/edits/{ELISE}"]
    assert edited.structure.tempo == 70
    assert edited.rejected == wire_text(SHIPPED[ELISE].structure)
    assert edited.source["why"] == "Approved after an edit; the rejected one is what it was before."
    decided = rows["pairs/decisions/binary-romantic-chopin-prelude/dull"]
    assert decided.answer == wire_text(SHIPPED["binary-romantic-chopin-prelude"].structure)
    assert decided.rejected_structure is not None
    assert decided.rejected != decided.answer
    assert check_version(pairs, version, processes=0).errors == 0


def test_both_answers_of_a_pair_are_changed_alike(pairs: Database) -> None:
    recipe = Recipe(kind="pair", augmentation=Augmentation(keys=2), split=Ratios(train=1, validation=0, test=0))
    rows = [row for _, row in rows_of(pairs, built(pairs, recipe))]
    derived = [row for row in rows if row.changes]
    assert len(derived) == 4
    originals = {row.key: row for row in rows if not row.changes}
    for row in derived:
        [change] = row.changes
        rejected_one = row.rejected_structure
        assert rejected_one is not None
        assert row.structure.key == rejected_one.key == change.value
        before = originals[source_of(row.key)]
        assert row.rejected not in {before.rejected, row.answer}
        assert row.source["why"] == before.source["why"]


def test_pairs_that_share_an_example_are_on_one_side(library: Database) -> None:
    """One rejected piece stands against two approved ones that are not alike."""
    one = {"curator": "ada", "origin": {"kind": "test"}, "rights": own_rights("Ada", "written here")}
    asked = Request(brief="Something to dance to")
    for id, music in (("one", HUNT), ("other", "rondo-romantic-organ-grinder"), ("worse", "rondo-modern-carousel")):
        status = "rejected" if id == "worse" else "approved"
        submit(library, asked, SHIPPED[music].structure, id=id, status=status, **one)
    for seed in range(6):
        recipe = Recipe(kind="pair", seed=seed, split=Ratios(train=0.5, validation=0.5, test=0))
        sides = {entry.source: entry.split for entry in plan_build(library, recipe).entries}
        assert set(sides) == {"pairs/decisions/one/worse", "pairs/decisions/other/worse"}
        assert len(set(sides.values())) == 1


def test_a_frozen_pair_keeps_its_example_out_of_chat_rows_and_is_in_none(pairs: Database) -> None:
    recipe = Recipe(name="pairs", kind="pair", split=Ratios(train=0.5, validation=0, test=0.5))
    version = built(pairs, recipe)
    [held] = [each.source for each, _ in rows_of(pairs, version) if each.split == "test"]
    freeze(pairs, version.id, name="held", curator="ada")
    example = f"examples/{held.split('/')[2]}"
    assert find_row(pairs, built(pairs, Recipe(name="chat")).id, example) is None
    rows = rows_of(pairs, built(pairs, Recipe(name="chat")))
    assert {each.kind for each, _ in rows} == {"chat"}
    assert {each.split for each, _ in rows} == {"train", "validation", "test"}


def test_pairs_need_a_preference(library: Database) -> None:
    with pytest.raises(InvalidInputError, match="lets no piece through"):
        build(library, Recipe(kind="pair"), curator="ada", processes=0)
