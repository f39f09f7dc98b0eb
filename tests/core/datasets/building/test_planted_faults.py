"""One of every fault is planted, and each one blocks with its own message.

Faults of a piece are planted in the library and found by a build, and planted in a row of a version and found by the
check of it. What a build cannot make, such as near-duplicates on two sides, is planted in a version alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import text, update

from tests.core.datasets.conftest import (
    FEW,
    SHIPPED,
    Change,
    built,
    changed,
    kept,
    rejected,
    rewritten,
    rows_of,
    twin_of,
)
from workbench.core.datasets.building.batches import FAULTY
from workbench.core.datasets.building.build import build
from workbench.core.datasets.building.making import Terms
from workbench.core.datasets.building.recheck import check_version
from workbench.core.datasets.building.row_checks import Looked, check_row
from workbench.core.datasets.building.whole_checks import Whole, check_whole, trace_of
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.faults import Fault
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.recipes import Augmentation, Recipe
from workbench.core.datasets.rows import Change as Step
from workbench.core.datasets.rows import Facts, Row
from workbench.core.datasets.versions import Version, find_row, versions
from workbench.core.errors import DatabaseError, InvalidInputError
from workbench.core.generate.templates import built_in
from workbench.core.generate.wire import wire_text
from workbench.core.library.database import Database
from workbench.core.library.likeness import fingerprint
from workbench.core.library.rights import Layer, Rights, own_rights, read_rights
from workbench.core.library.tables import ExampleRow
from workbench.core.music.structure import MusicStructure

ELISE, BOURREE = "rondo-classical-elise", "binary-baroque-bourree"
KEY = f"examples/{ELISE}"
TERMS = Terms(built_in()[0], True, "commercial_training", "", "gpt-4.1-mini", limit_of("gpt-4.1-mini"))
PLAIN = Recipe()
NONCOMMERCIAL = own_rights("Ada", "written for this test", "CC-BY-NC-4.0")


def music(id: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The music of an example that ships, changed."""
    data = SHIPPED[id].structure.to_dict()
    change(data)
    return data


def with_wrong_cadence(data: dict[str, Any]) -> None:
    """A perfect authentic cadence whose last chord is the dominant."""
    *_, phrase = (each for section in data["sections"] for each in section["phrases"] if each["cadence"] == "PAC")
    phrase["chords"][-1] = "V"
    gather_chords(data)


def with_augmented_sixth(data: dict[str, Any]) -> None:
    """A German sixth before a dominant: no chord of the baroque."""
    for section in data["sections"]:
        for phrase in section["phrases"]:
            for at, chord in enumerate(phrase["chords"][1:-1], 1):
                if phrase["chords"][at + 1] == "V" and chord not in {"V", "i64", "V64"}:
                    phrase["chords"][at] = "Ger65"
                    gather_chords(data)
                    return
    raise AssertionError("there is no place for it")


def gather_chords(data: dict[str, Any]) -> None:
    """Write the chords of each section anew after those of its phrases, so that nothing else is wrong."""
    for section in data["sections"]:
        section["chordProgression"] = [chord for phrase in section["phrases"] for chord in phrase["chords"]]


def without_licence(id: str) -> dict[str, Any]:
    """The rights of an example as if nobody had said the licence of its encoding."""
    rights = read_rights(dict(SHIPPED[id].rights))
    layers = tuple(Layer(each.layer, each.holder, "licence", "", each.source) for each in rights.layers)
    return Rights((rights.layers[0], layers[1], rights.layers[2])).to_dict()


@dataclass(frozen=True)
class Planted:
    """A fault in a piece: what is changed in which example, and the check and the message that tell it.

    ``follows`` is another check that must hear the same fault.
    """

    name: str
    check: str
    message: str
    example: str = ELISE
    values: dict[str, Any] | None = None
    recipe: Recipe = PLAIN
    follows: str = ""

    def plant(self, database: Database) -> None:
        """Change the example as no curator could, as if it had been kept before the checks were as they are."""
        if not self.values:
            return
        with database.writing() as session:
            session.execute(update(ExampleRow).where(ExampleRow.id == self.example).values(**self.values))

    def planted_in(self, row: Row) -> Row:
        """The row of the example with the fault in it."""
        values = self.values or {}
        if "structure" in values:
            row = replace(row, answer=wire_text(MusicStructure.model_validate(values["structure"])))
        return replace(row, rights=values.get("rights", row.rights))


PLANTED = [
    Planted(
        "right missing", "rights",
        r"The rights do not allow commercial training: Edition or encoding: not said: the licence\.",
        values={"rights": without_licence(ELISE)},
    ),
    Planted(
        "noncommercial", "rights",
        r"The rights do not allow commercial training: .*CC-BY-NC-4\.0 does not allow it",
        values={"rights": NONCOMMERCIAL.to_dict()},
    ),
    Planted(
        "wrong cadence", "music.cadences.authentic-written", r"bar 35: The PAC ends on V\.",
        values={"structure": music(ELISE, with_wrong_cadence)}, follows="music.cadences.authentic-sounds",
    ),
    Planted(
        "chord outside the profile", "music.chords.in-style", r"bar \d+: .*Ger65.*baroque", example=BOURREE,
        values={"structure": music(BOURREE, with_augmented_sixth)},
    ),
    Planted(
        "over-long row", "tokens", r"The row has 3,261 tokens; gpt-4\.1-mini takes 3,200\.",
        recipe=Recipe(max_tokens=3200, sources={"words": "elise"}),
    ),
]  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_fault_in_the_library_blocks_the_build_with_its_own_message(library: Database, planted: Planted) -> None:
    planted.plant(library)
    found = build(library, planted.recipe, curator="ada", processes=0)
    assert found.version is None
    assert versions(library) == ()
    only_fault(found.tally.told, planted.check, planted.message, f"examples/{planted.example}", planted.follows)


@pytest.mark.parametrize("planted", PLANTED[:-1], ids=lambda planted: planted.name)
def test_a_fault_in_the_library_is_left_out_where_the_recipe_says_so(library: Database, planted: Planted) -> None:
    planted.plant(library)
    recipe = Recipe(faults="leave-out", augmentation=Augmentation(keys=2))
    found = build(library, recipe, curator="ada", processes=0)
    assert found.version is not None
    assert found.left_out[FAULTY] in {1, 3}  # an example in training has two variants
    only_fault(found.tally.told, planted.check, planted.message, f"examples/{planted.example}", planted.follows)
    sources = {each.source for each, _ in rows_of(library, found.version)}
    assert sources == {f"examples/{id}" for id in FEW if id != planted.example}
    assert found.version.summary["originals"]["pieces"] == len(sources)


@pytest.mark.parametrize("planted", PLANTED[:-1], ids=lambda planted: planted.name)
def test_a_fault_in_a_row_of_a_version_is_found_in_it(library: Database, planted: Planted) -> None:
    version = planted_version(library, planted.planted_in, f"examples/{planted.example}")
    tally = check_version(library, version, processes=0)
    only_fault(tally.told, planted.check, planted.message, f"examples/{planted.example}", planted.follows)


def test_an_over_long_row_is_found_in_a_version(library: Database) -> None:
    version = built(library)
    version = replace(version, summary={**version.summary, "tokens": {**version.summary["tokens"], "limit": 4_000}})
    message = r"The row has 4,142 tokens; gpt-4\.1-mini takes 4,000\."
    only_fault(
        check_version(library, version, processes=0).told, "tokens", message, "examples/rondo-baroque-spring"
    )  # fmt: skip


def test_a_piece_that_cannot_be_read_stops_the_build_and_is_named(library: Database) -> None:
    Planted("unreadable", "", "", values={"structure": {"key": 1}}).plant(library)
    with pytest.raises(InvalidInputError, match=f"The example {ELISE} cannot be read") as caught:
        build(library, Recipe(), curator="ada", processes=0)
    assert "Mend it" in caught.value.hint
    assert kept(library)["ready"] == 0


# Changed rows


def shuffled(row: Row) -> Row:
    """The row with the first two members of its answer in the other order."""
    data = json.loads(row.answer)
    first, second, *others = data.items()
    return replace(row, answer=json.dumps(dict([second, first, *others]), ensure_ascii=False, separators=(",", ":")))


def with_another_note(row: Row) -> Row:
    """The row with one note of its first tune a step higher."""
    data = json.loads(row.answer)
    data["sections"][0]["phrases"][0]["melody"]["degrees"][0] += 1
    return replace(row, answer=wire_text(MusicStructure.model_validate(data)))


CHANGED: list[tuple[str, Callable[[Row], Row], str, str]] = [
    (
        "reordered", shuffled, "round-trip",
        r"The answer's JSON was changed: it is not written as the schema orders it\.",
    ),
    (
        "spaced", lambda row: replace(row, answer=row.answer.replace(":", ": ", 1)), "round-trip",
        r"The answer's JSON was changed",
    ),
    ("cut off", lambda row: replace(row, answer=row.answer[:-20]), "schema", r"The answer is no MusicStructure: "),
    ("empty", lambda row: replace(row, answer=""), "schema", r"The answer is no MusicStructure: "),
    ("a list", lambda row: replace(row, answer="[]"), "schema", r"no MusicStructure: It is no JSON object\."),
    (
        "without sections", lambda row: replace(row, answer='{"key":"C major"}'), "schema",
        r"The answer is no MusicStructure: ",
    ),
    (
        "request", lambda row: replace(row, request={**row.request, "tempo": "fast"}), "schema",
        r"The request cannot be read: tempo: ",
    ),
    (
        "rights", lambda row: replace(row, rights={"layers": 3}), "rights",
        r"The rights cannot be read: rights\.layers is not a list",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "check", "message"), CHANGED, ids=[each[0] for each in CHANGED])
def test_a_changed_row_is_found_in_a_version(
    library: Database, name: str, change: Callable[[Row], Row], check: str, message: str
) -> None:
    version = planted_version(library, change, KEY)
    told = check_version(library, version, processes=0).told
    assert_told(told, check, message, KEY)
    assert {fault.key for fault in told if fault.severity == "error"} == {KEY}


@pytest.mark.parametrize(("name", "change", "check", "message"), CHANGED, ids=[each[0] for each in CHANGED])
def test_a_changed_row_is_found_by_itself(
    library: Database, name: str, change: Callable[[Row], Row], check: str, message: str
) -> None:
    assert_told(check_row(Looked(change(row_in(library)), TERMS)), check, message, KEY)


def test_a_changed_note_is_no_longer_the_piece_that_the_row_was_made_from(library: Database) -> None:
    row = row_in(library)
    made_from = SHIPPED[ELISE].structure
    assert check_row(Looked(row, TERMS, made_from)) == ()
    told = check_row(Looked(with_another_note(row), TERMS, made_from))
    assert_told(told, "round-trip", r"The answer is not the piece that it was made from\.", KEY)


def test_a_note_that_was_changed_in_the_database_is_found_by_the_row_s_hash(each_library: Database) -> None:
    version = built(each_library)
    facts, row = rows_of(each_library, version)[0]
    _, data = _packed(with_another_note(row))
    put_under(each_library, facts.digest, data)
    with pytest.raises(DatabaseError, match=f"content is not what its hash {facts.digest[:12]} says"):
        check_version(each_library, version, processes=0)


def test_a_row_that_was_exchanged_is_found_by_the_version_s_hash(each_library: Database) -> None:
    version = built(each_library)
    facts, row = rows_of(each_library, version)[0]
    digest, data = _packed(with_another_note(row))
    put_under(each_library, digest, data)
    unguarded(each_library, "dataset_rows", "UPDATE dataset_rows SET digest = :to WHERE digest = :old",
              to=digest, old=facts.digest)  # fmt: skip
    told = check_version(each_library, version, processes=0).told
    assert_told(told, "hash", r"The version is not what its hash says\.", "")


def test_an_answer_that_cannot_carry_the_music_is_told(library: Database) -> None:
    """Where phrases have no chords of their own, an answer cannot say how long each chord lasts."""

    def bare(data: dict[str, Any]) -> None:
        section = data["sections"][0]
        section["harmonicRhythm"] = [1.0] * len(section["chordProgression"])
        for phrase in section["phrases"]:
            phrase.pop("chords"), phrase.pop("chordBeats", None)

    structure = MusicStructure.model_validate(music(ELISE, bare))
    row = replace(row_in(library), answer=wire_text(structure))
    told = check_row(Looked(row, TERMS, structure))
    assert_told(told, "round-trip", r"The answer cannot say how long the chords of A last\.", KEY)


# What is wrong between rows


def moved(version_side: str) -> Change:
    return lambda facts, row: (replace(facts, split=version_side), row)


def test_a_near_duplicate_on_another_side_is_found(library: Database) -> None:
    twin_of(library, ELISE, "elise-twin")
    version = rewritten(
        library, built(library),
        lambda facts, row: (replace(facts, split="test") if facts.source == "examples/elise-twin" else facts, row),
    )  # fmt: skip
    only_fault(
        check_version(library, version, processes=0).told, "leak.split",
        rf"examples/elise-twin \(test\) is nearly the same as {KEY} \(train\): 100% alike\.", "examples/elise-twin",
    )  # fmt: skip


def test_rows_of_one_source_on_two_sides_are_found(library: Database) -> None:
    version = built(library, Recipe(augmentation=Augmentation(tempos=1)))
    derived = next(each.key for each, _ in rows_of(library, version) if each.source == KEY and each.derived)
    planted = rewritten(
        library, version, lambda facts, row: (replace(facts, split="test") if facts.key == derived else facts, row)
    )
    only_fault(
        check_version(library, planted, processes=0).told, "leak.split",
        rf"Rows of {KEY} are in train and in test\.", derived,
    )  # fmt: skip


def test_a_row_of_a_frozen_test_set_in_training_is_found_in_another_key_too(library: Database) -> None:
    """The leaked piece is transposed, under another name and for another request."""
    first = built(library, Recipe(name="first"))
    held = next(each.source for each, _ in rows_of(library, first) if each.split == "test")
    freeze(library, first.id, name="held", curator="ada")
    later = built(library, Recipe(name="later"))
    step = Step("key", "Eb major")
    whole = build_one_in_key(library, held, step)
    leaked = replace(whole, key="import/leaked", source={**whole.source, "id": "import/leaked"})

    def leak(facts: Facts, row: Row) -> tuple[Facts, Row] | None:
        if row.key != KEY:
            return None
        return replace(facts, source="import/leaked", group="import/leaked"), leaked

    version = rewritten(library, later, lambda facts, row: (facts, row), [leak])
    told = [each for each in check_version(library, version, processes=0).told if each.severity == "error"]
    assert_told(
        told, "leak.test",
        rf"import/leaked \(train\) is nearly the same as {held} of the frozen test set: 100% alike\.", "import/leaked",
    )  # fmt: skip
    assert {each.check for each in told} == {"leak.test", "leak.split"}


def test_an_example_of_the_test_side_that_is_shown_is_found(library: Database) -> None:
    version = built(library, Recipe(examples=1))
    sides = {each.source: each.split for each, _ in rows_of(library, version)}
    tested = next(source.removeprefix("examples/") for source, side in sides.items() if side == "test")

    def show(facts: Facts, row: Row) -> tuple[Facts, Row]:
        return facts, replace(row, shown=(tested,)) if row.key == KEY else row

    only_fault(
        check_version(library, rewritten(library, version, show), processes=0).told, "leak.shown",
        rf"The prompt shows the example {tested}, but it is in the test split\.", KEY,
    )  # fmt: skip


def test_a_shown_example_that_is_related_to_the_row_s_piece_is_found(library: Database) -> None:
    version = built(library, Recipe(examples=1))

    def show(facts: Facts, row: Row) -> tuple[Facts, Row]:
        return facts, replace(row, shown=(ELISE,)) if row.key == KEY else row

    only_fault(
        check_version(library, rewritten(library, version, show), processes=0).told, "leak.shown",
        rf"The prompt shows the example {ELISE}, but it is related to the row's own piece\.", KEY,
    )  # fmt: skip


def test_an_example_of_a_frozen_test_set_that_is_shown_is_found(library: Database) -> None:
    first = built(library, Recipe(name="first"))
    held = next(each.source for each, _ in rows_of(library, first) if each.split == "test").removeprefix("examples/")
    freeze(library, first.id, name="held", curator="ada")
    later = built(library, Recipe(name="later", examples=1))

    def show(facts: Facts, row: Row) -> tuple[Facts, Row] | None:
        shown = replace(row, shown=(held,)) if row.key == KEY else row
        return None if facts.split == "test" else (facts, shown)

    only_fault(
        check_version(library, rewritten(library, later, show), processes=0).told, "leak.shown",
        rf"The prompt shows the example {held}, but it is in a frozen test set\.", KEY,
    )  # fmt: skip


def test_the_same_row_twice_is_found(library: Database) -> None:
    def again(facts: Facts, row: Row) -> tuple[Facts, Row] | None:
        return (facts, replace(row, key=f"{KEY}~again")) if row.key == KEY else None

    version = rewritten(library, built(library), lambda facts, row: (facts, row), [again])
    only_fault(
        check_version(library, version, processes=0).told, "duplicate", rf"The row says the same as {KEY}\.",
        f"{KEY}~again",
    )  # fmt: skip


def test_a_prompt_with_two_answers_is_a_warning(library: Database) -> None:
    def again(facts: Facts, row: Row) -> tuple[Facts, Row] | None:
        return (facts, replace(with_another_note(row), key=f"{KEY}~again")) if row.key == KEY else None

    version = rewritten(library, built(library), lambda facts, row: (facts, row), [again])
    warned = [each for each in check_version(library, version, processes=0).told if each.check == "duplicate"]
    assert [(each.severity, each.key) for each in warned] == [("warning", f"{KEY}~again")]
    assert warned[0].message == f"The row asks the same as {KEY} and answers something else."


def test_rights_that_are_withdrawn_after_the_build_are_found_and_name_the_ground(each_library: Database) -> None:
    version = built(each_library)
    assert check_version(each_library, version, processes=0).errors == 0
    changed(each_library, ELISE, rights=NONCOMMERCIAL)
    only_fault(
        check_version(each_library, version, processes=0).told, "withdrawn",
        rf"Its rights were withdrawn since: {ELISE}: .*CC-BY-NC-4\.0 does not allow it", KEY,
    )  # fmt: skip
    assert find_row(each_library, version.id, KEY) is not None, "a version is not changed by it"


def test_an_example_that_was_deleted_after_the_build_is_told_as_withdrawn(library: Database) -> None:
    version = built(library)
    with library.writing() as session:
        session.execute(text("DELETE FROM votes WHERE example_id = :id"), {"id": ELISE})
        session.execute(update(ExampleRow).where(ExampleRow.id == ELISE).values(id="renamed"))
    only_fault(
        check_version(library, version, processes=0).told, "withdrawn", rf"{ELISE} is no longer in the library", KEY
    )  # fmt: skip


def test_an_example_that_only_left_the_library_is_not_withdrawn(library: Database) -> None:
    version = built(library)
    rejected(library, ELISE)
    assert check_version(library, version, processes=0).errors == 0


def test_leaving_out_a_leak_keeps_the_counts_true(library: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """No build makes such a leak by itself, so it is told of one that is not there."""
    from workbench.core.datasets.building import build as module

    wanted = Recipe(faults="leave-out", augmentation=Augmentation(tempos=1))
    before = built(library, wanted).summary
    fault = Fault("leak.split", "error", "Planted.", key=KEY)
    monkeypatch.setattr(module, "check_whole", lambda whole: (*check_whole(whole), fault))
    found = build(library, wanted, curator="ada", processes=0)
    assert found.version is not None
    gone = found.left_out[FAULTY]
    assert gone >= 2
    after = found.version.summary
    assert after["everything"]["pieces"] == before["everything"]["pieces"] - gone == found.version.rows
    assert after["originals"]["pieces"] == before["originals"]["pieces"] - 1
    assert KEY not in {each.source for each, _ in rows_of(library, found.version)}


# Helpers


def build_one_in_key(database: Database, source: str, step: Step) -> Row:
    """The row of an example in another key."""
    from workbench.core.datasets.building.making import make_row
    from workbench.core.datasets.building.sources import sources

    found = next(each for each in sources(database, Recipe()) if each.id == source)
    return make_row(found, (step,), TERMS).row


def row_in(database: Database) -> Row:
    """The row of the example that faults are planted in."""
    return next(row for _, row in rows_of(database, built(database)) if row.key == KEY)


def planted_version(database: Database, change: Callable[[Row], Row], key: str) -> Version:
    """A version in which one row was changed, as if it came from elsewhere."""
    return rewritten(database, built(database), lambda facts, row: (facts, change(row) if row.key == key else row))


def _packed(row: Row) -> tuple[str, bytes]:
    from workbench.core.datasets.versions import packed

    return packed(row)


def put_under(database: Database, digest: str, data: bytes) -> None:
    """Put a content under a hash, whatever it says."""
    unguarded(database, "dataset_bodies", "DELETE FROM dataset_bodies WHERE digest = :digest", digest=digest)
    unguarded(
        database, "dataset_bodies", "INSERT INTO dataset_bodies (digest, data) VALUES (:digest, :data)", digest=digest,
        data=data,
    )  # fmt: skip


def unguarded(database: Database, table: str, statement: str, **values: Any) -> None:
    """Do what the database's guard refuses, as somebody could who takes it away first."""
    on = "" if database.is_sqlite else f" ON {table}"
    with database.writing() as session:
        session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_update{on}"))
        session.execute(text(statement), values)


def assert_told(told: Sequence[Fault], check: str, message: str, key: str) -> None:
    """One of the faults is this error."""
    found = [each for each in told if each.check == check and each.severity == "error" and each.key == key]
    assert found, [str(each) for each in told]
    assert any(re.search(message, each.message) for each in found), [each.message for each in found]
    assert all(each.hint for each in found)


def only_fault(told: Sequence[Fault], check: str, message: str, key: str, follows: str = "") -> None:
    """This error is told, and no other one but what follows from it."""
    assert_told(told, check, message, key)
    known = {(check, key), (follows, key)}
    others = [str(each) for each in told if each.severity == "error" and (each.check, each.key) not in known]
    assert not others


def test_each_planted_fault_has_its_own_message() -> None:
    patterns = [each.message for each in PLANTED] + [message for _, _, _, message in CHANGED[:1]]
    assert len(set(patterns)) == len(patterns)


def test_whole_checks_know_a_clean_version_from_a_leaking_one(library: Database) -> None:
    rows = rows_of(library, built(library))
    traces = {row.key: trace_of(row) for _, row in rows}
    marks = {each.source: fingerprint(row.structure) for each, row in rows}
    facts = [each for each, _ in rows]
    assert check_whole(Whole(facts, traces, marks)) == ()
    tested = next(each for each in facts if each.split == "test")
    leaking = Whole(facts, traces, {**marks, KEY: marks[tested.source]})
    assert [fault.check for fault in check_whole(leaking)] == ["leak.split"]
    against = Whole(facts, traces, marks, {"examples/held": marks[KEY]})
    assert [(fault.check, fault.key) for fault in check_whole(against)] == [("leak.test", KEY)]
    assert check_whole(Whole(facts, traces, marks, {tested.source: marks[tested.source]})) == ()
