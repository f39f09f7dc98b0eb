"""The three DCML movements come in with every key, cadence and phrase end that their annotators wrote.

The tables are read here by themselves, label by label; the bars of a structure are those of the movement, but that
Corelli's bars 6 and 9, in which one phrase ends and the next begins, are written twice.
"""

from __future__ import annotations

import csv
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from workbench.core.checks import check
from workbench.core.compose.realize import realize
from workbench.core.generate.agreement import agrees
from workbench.core.library.importers import ImportedPiece, read_any
from workbench.core.music.structure import MusicStructure

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "dcml"
BARS = {
    "K283-1": list(range(1, 121)),
    "K331-1": list(range(1, 135)),
    "op01n01a": [1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12, 13, 14],
}
KEYS = {
    "K283-1": {"I": "G major", "V": "D major", "IV": "C major"},
    "K331-1": {"I": "A major", "i": "a minor"},
    "op01n01a": {"I": "F major", "V": "C major", "vi": "d minor"},
}
NAMED = {"PAC", "IAC", "HC", "DC", "PC"}
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the sample tables are not beside this checkout")
MOVEMENTS = pytest.mark.parametrize("name", BARS)


def rows_of(name: str) -> list[dict[str, str]]:
    """The table, of different endings the last."""
    with (FOLDER / f"{name}.harmonies.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    last = max(row.get("volta") or "" for row in rows)
    return [row for row in rows if (row.get("volta") or "") in ("", last)]


def imported(name: str) -> ImportedPiece:
    table = (FOLDER / f"{name}.harmonies.tsv").read_bytes()
    (piece,) = read_any(
        f"{name}.harmonies.tsv",
        table,
        companions={f"{name}.notes.tsv": (FOLDER / f"{name}.notes.tsv").read_bytes()},
    )
    return piece


def structure_of(name: str) -> MusicStructure:
    structure = imported(name).structure
    assert structure is not None
    return structure


def ends_of(name: str) -> list[tuple[int, str | None]]:
    """The movement's bar that each phrase ends in, and its cadence."""
    ends, at = [], 0
    for section in structure_of(name).sections:
        for phrase in section.phrases or ():
            at += phrase.measures
            ends.append((BARS[name][at - 1], phrase.cadence))
    return ends


@MOVEMENTS
def test_bars_meter_and_home_key_are_the_movements(name: str) -> None:
    structure, row = structure_of(name), rows_of(name)[0]
    assert structure.measures == len(BARS[name])
    assert structure.time_signature == row["timesig"]
    assert structure.key == f"{row['globalkey']} major"


@MOVEMENTS
def test_every_cadence_is_there_and_no_other(name: str) -> None:
    labels = [(int(row["mn"]), row["cadence"]) for row in rows_of(name) if row["cadence"] in NAMED]
    assert len(labels) == {"K283-1": 15, "K331-1": 38, "op01n01a": 5}[name]
    assert [(bar, cadence) for bar, cadence in ends_of(name) if cadence] == labels


@MOVEMENTS
def test_every_phrase_end_is_there(name: str) -> None:
    rows, ends = rows_of(name), {bar for bar, _ in ends_of(name)}
    marked = 0
    for number, row in enumerate(rows):
        if "}" not in row["phraseend"]:
            continue
        marked += 1
        elided = "{" in row["phraseend"] and row["cadence"] not in NAMED and Fraction(row["mn_onset"]) == 0
        first = int(row["mn"]) - elided
        after = rows[number + 1] if number + 1 < len(rows) else {"mn": "9999", "mn_onset": "0"}
        last = int(after["mn"]) - (Fraction(after["mn_onset"]) == 0)
        assert ends & set(range(first, max(first, last) + 1)), f"bar {row['mn']}: {row['phraseend']}"
    assert marked == {"K283-1": 15, "K331-1": 35, "op01n01a": 5}[name]


@MOVEMENTS
def test_every_local_key_holds_in_its_bars(name: str) -> None:
    keys: dict[int, list[str]] = {}
    before = ""
    for row in rows_of(name):
        bar = keys.setdefault(int(row["mn"]), [])
        if not bar and Fraction(row["mn_onset"]) > 0:
            bar.append(before)  # what sounds on from the bar before
        before = KEYS[name][row["localkey"]]
        bar.append(before)
    held, at = {}, 0
    for section in structure_of(name).sections:
        for _ in range(section.measures):
            held.setdefault(BARS[name][at], section.key)
            at += 1
    whole = {bar: inside[0] for bar, inside in keys.items() if len(set(inside)) == 1 and bar}
    assert len(whole) > 0.5 * len(held)
    assert {bar: held[bar] for bar in whole} == whole


@MOVEMENTS
def test_what_was_read_says_every_label(name: str) -> None:
    piece = imported(name)
    cadences, keys = piece.fact("cadences"), piece.fact("local keys")
    assert cadences is not None
    assert keys is not None
    assert cadences.confidence == keys.confidence == 1
    labels = [f"{row['cadence']} {row['mn']}" for row in rows_of(name) if row["cadence"] in NAMED]
    assert cadences.value.split(", ") == labels
    changes = []
    for row in rows_of(name):
        key = KEYS[name][row["localkey"]]
        if row["chord"] and (not changes or changes[-1][0] != key):
            changes.append((key, row["mn"]))
    assert keys.value.split(", ") == [f"{key} {bar}" for key, bar in changes]
    others = Counter(row["cadence"] for row in rows_of(name) if row["cadence"] not in ("", *NAMED))
    assert any("no name here" in note for note in piece.notes) == bool(others)


@MOVEMENTS
def test_the_tune_plays_and_no_check_finds_an_error(name: str) -> None:
    structure = structure_of(name)
    phrases = [phrase for section in structure.sections for phrase in section.phrases or ()]
    assert all(phrase.melody for phrase in phrases)
    assert agrees(structure)
    score = realize(structure)
    assert score.measures == structure.measures
    assert sum(note.voice == 0 for note in score) > 5 * len(phrases)
    assert check(structure, profile="baroque" if name.startswith("op") else "classical").valid


@MOVEMENTS
def test_the_licence_that_keeps_it_out_of_training_comes_along(name: str) -> None:
    piece = imported(name)
    assert piece.source.licence == "CC-BY-NC-SA-4.0"
    licence = piece.fact("licence")
    assert licence is not None
    assert licence.confidence < 1


def test_the_tune_of_the_theme_is_mozarts() -> None:
    phrase = (structure_of("K331-1").sections[0].phrases or ())[0]
    assert phrase.melody is not None
    assert phrase.melody.degrees[:10] == (3, 4, 3, 5, 5, 2, 3, 2, 4, 4)
    assert phrase.melody.rhythm[:10] == (0.75, 0.25, 0.5, 1, 0.5, 0.75, 0.25, 0.5, 1, 0.5)
