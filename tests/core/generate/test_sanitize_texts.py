"""Texts around and instead of JSON: what models really send."""

from __future__ import annotations

import json
import re

import pytest

from tests.core.generate.answers import PIECE, kinds, mended, piece, refused, text
from workbench.core.generate import sanitize
from workbench.core.music.reading import read_structure

TEXT = text(PIECE)
FLAT = json.dumps(PIECE, ensure_ascii=False)
WANTED = read_structure(PIECE)
OTHER = text(piece(tempo=50, title="A sketch"))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (f"```json\n{TEXT}\n```", "text.fence"),
        (f"```\n{FLAT}\n```", "text.fence"),
        (f"Here is the piece:\n\n{TEXT}", "text.before"),
        (f"こちらが作品です。\n{TEXT}\nお楽しみください。", "text.after"),
        (f"Voici [enfin] la pièce {{ternaire}} :\n```json\n{TEXT}\n```\nBonne écoute !", "text.fence"),
        (f"<think>\nFirst I try {OTHER} but no.\n</think>\n{TEXT}", "text.thoughts"),
        (f"I try {OTHER}</think>{TEXT}", "text.thoughts"),
        (f"<thinking>{TEXT}", "text.thoughts"),
        (f'{{"note": "not this"}}\n{TEXT}', "text.before"),
        (f"A draft: {OTHER}\nBetter: {TEXT}", "text.before"),
        (TEXT.replace('"tempo": 96,', '"tempo": 96, // a walking pace'), "json.comment"),
        (TEXT.replace('"tempo": 96,', '/* slow, "really" */ "tempo": 96, # bpm'), "json.comment"),
        (TEXT.replace("}\n", "},\n").replace("]\n", "],\n"), "json.extra-comma"),
        (repr(PIECE), "json.quotes"),
        (repr(PIECE | {"title": None, "character": None}), "json.literal"),
        (re.sub(r'"(\w+)":', r"\1:", TEXT), "json.unquoted"),
        (TEXT.replace('"4/4"', "4/4").replace('"C major"', "C major"), "json.unquoted"),
        (TEXT.replace('"', "“").replace("“", "“", 1), None),
        (TEXT.replace('"name": "A",', '"name": "A,'), "json.missing-quote"),
        (TEXT.replace(",\n", "\n"), "json.missing-comma"),
        (FLAT.replace('"tempo": 96', '"tempo" 96'), "json.missing-colon"),
        (FLAT.replace('"I", "IV", "V7", "I"]', '"I", "IV", "V7", "I"'), "json.missing-bracket"),
        (FLAT.replace('"rhythm": [1, 0.5, 0.5]}', '"rhythm": [1, 0.5, 0.5]'), "json.missing-bracket"),
        (FLAT.replace('"dynamics": "p"}', '"dynamics": "p"}}'), "json.extra-bracket"),
        (TEXT[1:], "json.missing-bracket"),
        (TEXT.replace('"tempo": 96', '"tempo": 90,\n  "tempo": 96'), "json.duplicate-key"),
        (TEXT.replace('"tempo": 96', '"tempo": 96,\n  "title": NaN'), "json.not-a-number"),
        (json.dumps(TEXT), "text.quoted"),
        (json.dumps({"function": "compose", "arguments": FLAT}), "text.quoted"),
        (json.dumps({"choices": [{"message": {"content": f"Here:\n```json\n{TEXT}\n```"}}]}), "text.quoted"),
        (TEXT.replace('"measures": 8,', '"measures": 8, ...'), "json.ellipsis"),
        (TEXT.encode("utf-16"), "text.encoding"),
    ],
)  # fmt: skip
def test_the_object_is_found_and_nothing_is_lost(answer: str | bytes, kind: str | None) -> None:
    if kind is None:
        answer = re.sub('"([^"]*)"', "“\\1”", TEXT)
        kind = "json.quotes"
    result = mended(answer)
    assert result.structure == WANTED
    assert kind in kinds(result)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert sanitize(b"\xef\xbb\xbf" + TEXT.encode()).valid_before_repair


def test_quotation_marks_and_line_breaks_inside_a_text() -> None:
    broken = text(piece(reasoning="X")).replace('"X"', '"The "sighing" motif\nreturns"')
    result = mended(broken)
    assert result.structure.reasoning == 'The "sighing" motif\nreturns'
    assert "json.inner-quotes" in kinds(result)
    escaped = mended(text(piece(reasoning="X")).replace('"X"', r'"a \[ b\_"'))
    assert escaped.structure.reasoning == r"a \[ b\_"
    assert "json.escape" in kinds(escaped)


def test_half_characters_and_bytes_that_are_no_text() -> None:
    assert mended(text(piece(title="X")).replace('"X"', '"a\\ud800b"')).structure.title == "a?b"
    assert mended(text(piece(title="X")).replace("X", "caf\u00e9").encode("latin-1")).structure.title == "caf\ufffd"


def test_apostrophes_do_not_end_a_text_in_single_quotes() -> None:
    assert mended(
        repr(piece(character="it's A' again")).replace("\"it's A' again\"", "'it's A' again'")
    ).structure.character


def test_the_empty_one_of_two_equal_names_is_given_up() -> None:
    result = mended(TEXT.replace('"form": "ABA"', '"form": "ABA", "form": ""'))
    assert result.structure.form == "ABA"
    assert [repair.path for repair in result.repairs] == ["/form"]


def test_a_cut_off_answer_keeps_its_complete_sections() -> None:
    ends = [match.end() for match in re.finditer(r"\n    }", TEXT)]
    second = mended(TEXT[: ends[1] - 30])
    assert [each.name for each in second.structure.sections] == ["A"]
    assert second.structure.sections == WANTED.sections[:1]
    assert [repair.kind for repair in second.repairs] == ["json.cut-off"]
    assert "half-written section" in second.repairs[0].why
    assert mended(TEXT[: ends[1]]).structure.sections == WANTED.sections[:2]
    fenced = mended(f"```json\n{TEXT[: ends[1] - 30]}\n```")
    assert fenced.structure.sections == WANTED.sections[:1]


def test_the_only_section_is_kept_as_far_as_it_goes() -> None:
    at = TEXT.index('"chordProgression": [') + len('"chordProgression": [') + 40
    result = mended(TEXT[:at])
    assert [each.name for each in result.structure.sections] == ["A"]
    assert result.structure.sections[0].chord_progression[:2] == ("I", "IV")
    assert "json.cut-off" in kinds(result)


def test_a_half_written_number_is_not_taken_for_a_whole_one() -> None:
    answer = FLAT[: FLAT.index('"measures": 4, "chordProgression": ["I", "IV", "V7"') + len('"measures": 4')]
    assert len(mended(answer).structure.sections) == 2


def test_every_place_to_break_off_ends_in_a_piece_or_in_words() -> None:
    for end in range(0, len(FLAT), 3):
        try:
            result = sanitize(FLAT[:end])
        except Exception:
            assert refused(FLAT[:end])
            assert end < FLAT.index('"IV"')
        else:
            assert result.repairs


@pytest.mark.parametrize(
    "answer", ["", "   ", "{", "[", "null", "5", '"text"', "[]", "[1, 2]", "I'm sorry, I can't.", "{}", "```json\n```"]
)
def test_what_holds_no_structure_is_refused_in_words(answer: str) -> None:
    refused(answer)
    refused(answer.encode())
