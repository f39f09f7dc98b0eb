"""The text in the editor: kept, read and mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.core.compose import compose
from workbench.core.music.reading import MAX_BYTES, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.edits import MAX_EDITS, Edit, edit_of, mended, own_text, read_text


@pytest.fixture(scope="module")
def structure() -> MusicStructure:
    return compose(Request(duration=40), seed=3)


def test_the_text_of_a_piece_reads_back_as_the_piece(structure: MusicStructure) -> None:
    text = own_text(structure)
    assert read_structure(text) == structure
    assert text.count("\n") < structure.to_json().count("\n") / 2


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_composed_piece_needs_no_mend(seed: int) -> None:
    assert mended(own_text(compose(Request(duration=40), seed=seed)), None) is None


def test_a_syntax_error_is_told_with_its_line(structure: MusicStructure) -> None:
    reading = read_text(own_text(structure).replace('"form":', '"form"', 1))
    assert reading.structure is None
    assert reading.line == next(n for n, line in enumerate(own_text(structure).splitlines(), 1) if '"form"' in line)
    assert reading.hint


def test_a_value_out_of_range_is_told_with_its_line(structure: MusicStructure) -> None:
    text = own_text(structure)
    data = json.loads(text) | {"tempo": 9000}
    reading = read_text(json.dumps(data, indent=2))
    assert "tempo" in reading.message
    assert reading.line is not None
    assert '"tempo"' in json.dumps(data, indent=2).splitlines()[reading.line - 1]


def test_a_finding_in_a_file_of_airia_is_found_on_its_line(airia_files: list[Path]) -> None:
    text = json.dumps(json.loads(airia_files[0].read_text("utf-8")), indent=2)
    reading = read_text(text)
    assert reading.structure is not None
    assert '"key"' in text.splitlines()[reading.line_of("/key") - 1]
    assert reading.line_of("/key") > 2


@pytest.mark.parametrize("text", ["", "no music", "[" * 5000, "\x00", "{}", "null", '{"sections": []}', "{" * 60])
def test_rubbish_is_explained_and_never_raised(text: str) -> None:
    reading = read_text(text)
    assert reading.structure is None
    assert reading.message
    mended(text, None)


def test_a_text_over_a_megabyte_is_refused_and_what_was_there_stays() -> None:
    edit = Edit("{}", "{}")
    edit.type("x" * (MAX_BYTES + 1))
    assert edit.text == "{}"
    assert "bytes long" in read_text("é" * MAX_BYTES).message


def test_a_mend_can_be_taken_back(structure: MusicStructure) -> None:
    edit = Edit(own_text(structure), own_text(structure))
    broken = f"Here it is: ```json\n{edit.own[:-2]}\n```"
    edit.type(broken)
    found = mended(edit.text, None)
    assert found is not None
    edit.put(found[0], repairs=found[1])
    assert read_text(edit.text).structure is not None
    assert edit.repairs
    edit.bring_back()
    assert (edit.text, edit.repairs, edit.version) == (broken, (), 2)


def test_an_undo_can_be_taken_back_too() -> None:
    edit = Edit("a", "b")
    edit.put(edit.own)
    assert not edit.changed
    edit.bring_back()
    assert edit.text == "b"


def test_only_so_many_edits_are_kept(structure: MusicStructure) -> None:
    edits: dict[str, Edit] = {}
    first = edit_of(edits, "0", structure)
    assert edit_of(edits, "0", structure) is first
    for number in range(1, MAX_EDITS + 1):
        edit_of(edits, str(number), structure)
    assert "0" not in edits
    assert len(edits) == MAX_EDITS
