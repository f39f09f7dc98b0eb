"""What the findings view and the list of improvements say about a piece."""

from __future__ import annotations

import json

import pytest

from workbench.core.checks import FAMILIES, PROFILES, Finding, Report, check
from workbench.core.compose import compose
from workbench.core.compose.refine import refine
from workbench.core.generate.repairs import Repair
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.edits import own_text
from workbench.views.findings import PROFILE_ORDER, counts_words, findings_data, own_profile
from workbench.views.improvements import effect_words, repair_lines, step_lines


def broken(structure: MusicStructure) -> MusicStructure:
    """The piece with a subdominant where its last close wants a dominant."""
    data = json.loads(own_text(structure))
    phrase = data["sections"][-1]["phrases"][-1]
    place = max(n for n, chord in enumerate(phrase["chords"]) if chord.startswith("V"))
    phrase["chords"][place] = "IV"
    data["sections"][-1]["chordProgression"] = [
        chord for each in data["sections"][-1]["phrases"] for chord in each["chords"]
    ]
    return read_structure(data)


@pytest.fixture(scope="module")
def piece() -> MusicStructure:
    return compose(Request(duration=60, form="ABA", key="G major"), seed=3)


def test_every_profile_can_be_chosen() -> None:
    assert set(PROFILE_ORDER) == set(PROFILES)


def test_a_piece_is_checked_in_its_own_period(piece: MusicStructure) -> None:
    assert own_profile(piece.model_copy(update={"period": "baroque"})) == "baroque"
    assert own_profile(piece.model_copy(update={"period": None})) == "classical"


def test_the_counts_are_told_in_words() -> None:
    def report(*severities: str) -> Report:
        return Report("classical", tuple(Finding("form.x", severity, "m") for severity in severities))  # type: ignore[arg-type]

    assert counts_words(report("error", "warning", "warning", "info")) == "1 error and 2 warnings"
    assert counts_words(report("warning")) == "1 warning"
    assert counts_words(report("info", "info")) == "Nothing to mend, 2 notes"
    assert counts_words(report()) == "Nothing to mend: every check is content."


def test_a_broken_cadence_is_listed_with_its_bar_and_its_explanation(piece: MusicStructure) -> None:
    report = check(broken(piece), profile=own_profile(piece))
    data = findings_data(report, "abc", line_of=lambda pointer: len(pointer))
    first = next(group for group in data["groups"] if group["title"] == "Cadences")
    assert first["about"] == FAMILIES["cadences"]
    row = first["findings"][0]
    assert row["severity"] == "error"
    assert row["measures"] == [piece.measures]
    assert row["lines"]
    assert row["hint"]
    assert row["explanation"]


def test_what_is_found_in_many_bars_is_said_once() -> None:
    found = [Finding("chords.in-style", "warning", "same", "/x", bar, "hint") for bar in (3, 3, *range(5, 30))]
    notes = [Finding("chords.opens-clearly", "info", "note", "", None)]
    data = findings_data(Report("classical", (*found, *notes)), "abc")
    (row,) = data["groups"][0]["findings"]
    assert row["measures"][:3] == [3, 5, 6]
    assert len(row["measures"]) + row["more"] == 26
    assert data["noted"].startswith("1 note,")
    assert len(data["notes"]) == 1


def test_the_family_of_the_worst_comes_first() -> None:
    found = (Finding("phrases.x", "error", "bad"), Finding("keys.x", "warning", "odd"))
    assert [group["title"] for group in findings_data(Report("classical", found), "abc")["groups"]] == [
        "Phrases",
        "Keys",
    ]


def test_an_improvement_says_what_it_changes_and_what_that_does(piece: MusicStructure) -> None:
    spoilt = broken(piece)
    steps = refine(spoilt).steps
    step = next(step for step in steps if step.id == "cadence-as-planned")
    (line,) = step_lines(step)
    assert line.endswith("IV → V7")
    assert "chord" in line
    profile = own_profile(piece)
    assert effect_words(check(spoilt, profile=profile), check(step.after, profile=profile)).startswith("Errors 1 → 0")


def test_a_repair_is_told_with_where_before_after_and_why() -> None:
    repairs = (
        Repair("/sections/0/cadence", "cadence.spelling", "perfect", "PAC", "Cadences are PAC, IAC."),
        Repair("", "text.fence", "```", None, "The fence was taken off."),
    )
    assert repair_lines(repairs, {"sections": [{"name": "A"}]}) == [
        "A, cadence: perfect → PAC. :gray[Cadences are PAC, IAC.]",
        "The text: \\`\\`\\`. :gray[The fence was taken off.]",
    ]
