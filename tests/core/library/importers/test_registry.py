"""The registry finds a file's format by its content, and JSON comes in valid, to be mended, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.core.compose import compose
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.generate import sanitize
from workbench.core.library.importers import all_formats, importer, read_any, registry
from workbench.core.library.importers.registry import File, ImportedPiece
from workbench.core.music.request import Request

PIECE = compose(Request(form="binary", key="g minor", time_signature="3/4", duration=25, seed=3))
ROMANTEXT = b"Composer: A. Nonymous\nTime Signature: 3/4\nm1 C: I\nm2 V\nm3 I ||\n"
TABLE = (
    b"mc\tmn\tmn_onset\ttimesig\tvolta\tglobalkey\tlocalkey\tchord\tcadence\tphraseend\n"
    b"1\t1\t0\t4/4\t\tC\tI\tI\t\t{\n2\t2\t0\t4/4\t\tC\tI\tV7\t\t\n3\t3\t0\t4/4\t\tC\tI\tI\tPAC\t}\n"
)
NOTES = (
    b"mn\tmn_onset\tduration_qb\tstaff\tgracenote\ttied\ttpc\tmidi\n"
    b"1\t0\t4\t1\t\t\t1\t67\n2\t0\t4\t1\t\t\t2\t74\n3\t0\t4\t1\t\t\t0\t72\n"
)


def test_every_format_has_what_a_person_needs_to_know() -> None:
    formats = {each.id: each for each in all_formats()}
    assert set(formats) == {"dcml", "json", "jsonl", "midi", "musicxml", "romantext"}
    endings = [ending for each in formats.values() for ending in each.endings]
    assert len(endings) == len(set(endings))
    for each in formats.values():
        assert each.title
        assert each.most > 0
        assert all(ending.startswith(".") and ending == ending.lower() for ending in each.endings)


def test_a_new_format_needs_no_list_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    all_formats()
    monkeypatch.setattr(registry, "_formats", dict(registry._formats))

    @importer("tune", endings=(".tune",), title="a tune", most=100, looks=lambda file: file.data == b"la")
    def import_tune(file: File) -> list[ImportedPiece]:
        return [ImportedPiece(format="tune", name=file.name, structure=PIECE)]

    all_formats.cache_clear()
    try:
        assert read_any("x.tune", b"la")[0].structure == PIECE
    finally:
        all_formats.cache_clear()


@pytest.mark.parametrize("name", ["x.rntxt", "x.romantext", "x.txt", "x", "x.mid", "x.json", "../../x.xml"])
def test_the_content_decides_and_not_the_name(name: str) -> None:
    (piece,) = read_any(name, ROMANTEXT)
    assert piece.format == "romantext"
    assert piece.structure is not None
    told = any("By its name" in note for note in piece.notes)
    assert told == name.endswith((".mid", ".json", ".xml"))


@pytest.mark.parametrize("name", ["x.rntxt", "x.tsv", "x.xml", "x.mid", "x.json", "x.jsonl", "x.mxl", "x.doc", ""])
def test_what_is_in_no_format_is_one_clear_error(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_any(name, b"nothing to see here")
    assert caught.value.hint
    with pytest.raises(InvalidInputError, match="empty"):
        read_any(name, b"")


def test_a_name_is_only_a_name() -> None:
    (piece,) = read_any("..\\..\\etc/<b>pass\x00wd</b>/../mine.rntxt", ROMANTEXT)
    assert piece.name == "mine.rntxt"
    assert piece.source.title == "mine"
    (marked,) = read_any("<script>alert(1)<\\script>.rntxt", ROMANTEXT)
    assert marked.name == "script>.rntxt"


def test_text_from_a_file_stays_text() -> None:
    text = "Title: <img src=x onerror=alert(1)>\x1b[31m \u202eback\nTime Signature: 4/4\nm1 C: I\nm2 V\nm3 I\n"
    (piece,) = read_any("x.rntxt", text.encode())
    assert piece.source.title == "<img src=x onerror=alert(1)> [31m back"
    assert piece.structure is not None
    assert piece.structure.title == piece.source.title


def test_read_and_guessed_are_told_apart() -> None:
    (piece,) = read_any("x.rntxt", b"License: CC0\n" + ROMANTEXT)
    read = {fact.what for fact in piece.read}
    guessed = {fact.what for fact in piece.guessed}
    assert {"composer", "licence", "meter", "local keys", "numerals"} <= read
    assert {"title", "tempo", "cadences", "form"} <= guessed
    assert not read & guessed
    for fact in piece.guessed:
        assert 0 < fact.confidence < 1
        assert fact.says.endswith(".")
    assert all(fact.confidence == 1 for fact in piece.read)
    meter = piece.fact("meter")
    assert meter is not None
    assert meter.value == "3/4"
    assert piece.fact("nothing") is None


def test_notes_beside_a_table_give_it_its_tune() -> None:
    (bare,) = read_any("a/x.harmonies.tsv", TABLE)
    (sung,) = read_any("a/x.harmonies.tsv", TABLE, companions={"b/X.notes.tsv": NOTES, "b/x.notes.tsv": NOTES})
    assert bare.structure is not None
    assert sung.structure is not None
    assert (bare.structure.sections[0].phrases or ())[0].melody is None
    melody = (sung.structure.sections[0].phrases or ())[0].melody
    assert melody is not None
    assert melody.degrees == (5, 9, 8)
    assert sung.source.licence == "CC-BY-NC-SA-4.0"
    (other,) = read_any("x.harmonies.tsv", TABLE, companions={"y.notes.tsv": NOTES})
    assert other.structure == bare.structure


def test_notes_without_harmony_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="without harmony"):
        read_any("x.notes.tsv", NOTES)


def test_a_structure_is_taken_as_it_is() -> None:
    (piece,) = read_any("x.json", PIECE.to_json().encode())
    assert piece.structure == PIECE
    assert piece.raw is None
    assert piece.request is None
    assert {"key", "meter", "tune"} <= {fact.what for fact in piece.read}


def test_airias_pairs_are_taken_apart(airia_files: list[Path]) -> None:
    for path in airia_files:
        (piece,) = read_any(path.name, path.read_bytes())
        assert piece.request is not None
        assert piece.source.format == "AIRIA JSON"
        assert (piece.structure is None) == (piece.raw is not None)
        assert sanitize(piece.structure.to_dict() if piece.structure else piece.raw or {}).structure


def test_what_has_to_be_mended_is_given_back_as_it_is() -> None:
    broken = PIECE.to_dict() | {"tempo": "fast", "colour": "blue"}
    wish = {"valence": 9}
    (piece,) = read_any("x.json", json.dumps({"request": wish, "structure": broken}).encode())
    assert piece.structure is None
    assert piece.raw == broken
    assert piece.request is None
    assert piece.raw_request == wish
    assert sum("mended" in note for note in piece.notes) == 2
    assert sanitize(piece.raw).structure.key == PIECE.key


def test_a_list_holds_several_pieces_and_an_example_its_structure() -> None:
    example = {"id": "x", "request": {}, "structure": PIECE.to_dict(), "tags": ["t"], "rights": {}}
    pieces = read_any("x.json", json.dumps([PIECE.to_dict(), example]).encode())
    assert [piece.structure for piece in pieces] == [PIECE, PIECE]
    assert [piece.name for piece in pieces] == ["x.json#1", "x.json#2"]
    assert any("rights, tags" in note for note in pieces[1].notes)


def test_a_bad_line_is_told_and_the_others_are_read() -> None:
    row = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": PIECE.to_json()}]}
    lines = [json.dumps(PIECE.to_dict()), "{broken", "", json.dumps(row), '{"sections": []}', "7"]
    pieces = read_any("x.jsonl", "\n".join(lines).encode())
    assert [piece.name for piece in pieces] == [f"x.jsonl#{line}" for line in (1, 2, 4, 5, 6)]
    assert [piece.structure is not None for piece in pieces] == [True, False, True, False, False]
    assert [piece.problem is not None for piece in pieces] == [False, True, False, False, True]
    assert pieces[1].problem is not None
    assert pieces[1].problem.message.startswith("Line 2:")
    assert pieces[3].raw == {"sections": []}


def test_lines_without_a_piece_are_one_error() -> None:
    with pytest.raises(InvalidInputError, match="Line 1"):
        read_any("x.jsonl", b'{"a": 1}\n{"b": 2}\n')


@pytest.mark.parametrize("each", all_formats(), ids=lambda each: each.id)
def test_too_long_a_file_is_refused_unread(each: registry.Format) -> None:
    head = {"midi": b"MThd", "musicxml": b"<score-partwise>", "romantext": b"m1 C: I\n", "dcml": b"mn\tlocalkey\n"}
    data = head.get(each.id, b'{"a": 1}\n') + b" " * each.most
    with pytest.raises(InputTooLargeError, match="MB"):
        read_any("x" + each.endings[0], data)
