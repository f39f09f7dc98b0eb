"""Files that mean ill, or were cut off or garbled on the way, end in one clear error, soon.

The time allowed is the processor's, so that a busy machine changes nothing; nothing here takes half of it.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import corpus

from workbench.core.compose import compose
from workbench.core.compose.perform import perform
from workbench.core.compose.realize import realize
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.generate.agreement import agrees
from workbench.core.library.importers import ImportedPiece, read_any
from workbench.core.library.importers.figures import named_in
from workbench.core.music.keys import parse_key
from workbench.core.music.request import Request
from workbench.core.render import midi_bytes, musicxml

SECONDS = 10.0
NOTE = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>"
ATTRIBUTES = "<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
BAR = f"<measure>{ATTRIBUTES}{NOTE * 4}</measure>"
ONE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40"
END = b"\x00\xff\x2f\x00"
HEADER = "mc\tmn\tmn_onset\ttimesig\tvolta\tglobalkey\tlocalkey\tchord\tcadence\tphraseend\n"


def score(body: str, head: str = "") -> bytes:
    return f"{head}<score-partwise><part id='P1'>{body}</part></score-partwise>".encode()


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in entries:
            file.writestr(name, data)
    return content.getvalue()


def midi(*tracks: bytes, division: int = 480, kind: int = 1) -> bytes:
    head = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in tracks)


def table(*rows: str) -> bytes:
    return (HEADER + "".join(row + "\n" for row in rows)).encode()


def lying_size() -> bytes:
    data = bytearray(archive(("s.xml", score(BAR))))
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    return bytes(data)


def broken_checksum() -> bytes:
    data = bytearray(archive(("s.xml", score(BAR))))
    data[60] ^= 255
    return bytes(data)


def entity(declaration: str, encoding: str = "utf-8") -> bytes:
    return score(BAR, f"<!DOCTYPE s [{declaration}]>").decode().encode(encoding)


FIGURES = [f"{a}{b}{c}{d}" for a in ("I", "ii", "bVI", "#iv", "v") for b in ("", "o", "+") for c in ("7", "65", "9")
           for d in ("", "/V", "/bVI", "/ii", "/iii", "/IV", "/vi", "/VI", "/bIII", "/II", "/i", "/v")]  # fmt: skip

HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "laughing entities": ("x.xml", lambda: entity('<!ENTITY a "ha"><!ENTITY b "&a;&a;">')),
    "a file as an entity": ("x.xml", lambda: entity('<!ENTITY a SYSTEM "file:///etc/passwd">')),
    "entities in UTF-16": ("x.xml", lambda: entity('<!ENTITY a "ha">', "utf-16")),
    "a parameter entity": ("x.xml", lambda: entity('<!ENTITY % a SYSTEM "http://localhost/"> %a;')),
    "an unknown entity": ("x.xml", lambda: score(BAR + "&x;")),
    "deep elements": ("x.xml", lambda: score("<a>" * 100_000)),
    "elements without end": ("x.xml", lambda: score("<a/>" * 1_100_000)),
    "half a million notes": ("x.xml", lambda: score(f"<measure>{ATTRIBUTES}{NOTE * 90_000}</measure>")),
    "notes at one moment": (
        "x.xml",
        lambda: score(f"<measure>{ATTRIBUTES}{NOTE.replace('<pitch>', '<chord/><pitch>') * 60_000}</measure>"),
    ),
    "three thousand bars": ("x.xml", lambda: score(BAR + "<measure/>" * 3000)),
    "an encoding nobody has": ("x.xml", lambda: b'<?xml version="1.0" encoding="punycode"?>' + score(BAR)),
    "an encoding it is not in": ("x.xml", lambda: score(BAR, "<!-- \xe9 -->").decode().encode("latin-1")),
    "a score in NULs": ("x.xml", lambda: score(BAR + "\x00")),
    "a score cut off": ("x.xml", lambda: score(BAR)[:-40]),
    "a page": ("x.xml", lambda: b"<html><score-partwise/></html>"),
    "zeros packed": ("x.mxl", lambda: archive(("s.xml", bytes(40_000_000)))),
    "a container of zeros": (
        "x.mxl",
        lambda: archive(("META-INF/container.xml", bytes(5_000_000)), ("s.xml", b"<a/>")),
    ),
    "an archive of archives": ("x.mxl", lambda: archive(("s.xml", archive(("s.xml", score(BAR)))))),
    "many entries": ("x.mxl", lambda: archive(*[(f"{number}", b"") for number in range(600)])),
    "an archive of nothing": ("x.mxl", lambda: archive(("../../etc/passwd", score(BAR)))),
    "another packing": ("x.mxl", lambda: archive(("s.xml", score(BAR)), method=zipfile.ZIP_BZIP2)),
    "a size that lies": ("x.mxl", lying_size),
    "a broken checksum": ("x.mxl", broken_checksum),
    "half an archive": ("x.mxl", lambda: archive(("s.xml", score(BAR)))[:90]),
    "a flood of strokes": ("x.mid", lambda: midi(b"\x00\x90\x3c\x40" + b"\x01\x3c\x00\x01\x3c\x40" * 160_000 + END)),
    "an age of silence": ("x.mid", lambda: midi(ONE + b"\xff\xff\xff\x7f\x90\x3c\x40\x00\x80\x3c\x40" + END)),
    "a number without end": ("x.mid", lambda: midi(b"\x00" + b"\xff" * 900_000 + b"\x7f\x90\x3c\x40" + END)),
    "bars without end": ("x.mid", lambda: midi(b"\x00\xff\x58\x04\x01\x05\x18\x08" + ONE * 400 + END)),
    "no beats": ("x.mid", lambda: midi(ONE + END, division=0)),
    "a lying length": ("x.mid", lambda: midi(ONE + END)[:-6]),
    "a running status without status": ("x.mid", lambda: midi(b"\x00\x3c\x40" + END)),
    "a huge exponent": ("x.tsv", lambda: table("1\t1\t1e99999999\t4/4\t\tC\tI\tI\t\t")),
    "a table in Latin-1": ("x.tsv", lambda: table("1\t1\t0\t4/4\t\tC\tI\té\t\t").decode().encode("latin-1")),
    "a table with NULs": ("x.tsv", lambda: table("1\t1\t0\t4/4\t\tC\tI\tI\x00\t\t")),
    "one endless field": ("x.tsv", lambda: table("x" * 9_000_000)),
    "endless tabs": ("x.tsv", lambda: table("\t" * 9_000_000)),
    "rows without end": ("x.tsv", lambda: table(*["1\t1\t0\t4/4\t\tC\tI\tI\tPAC\t}"] * 21_000)),
    "chords without end": (
        "x.tsv",
        lambda: table(*[f"{n}\t{n}\t0\t4/4\t\tC\tI\t{figure}\t\t" for n, figure in enumerate(FIGURES)]),
    ),
    "phrases without end": (
        "x.tsv",
        lambda: table(*[f"{n // 10}\t{n // 10}\t{n % 10}/11\t4/4\t\tC\tI\tI\tPAC\t}}" for n in range(19_000)]),
    ),
    "an analysis in UTF-7": ("x.rntxt", lambda: b"m1 C: I \xff\nm2 V\n"),
    "one endless line": ("x.rntxt", lambda: b"m1 C: " + b"I " * 300_000),
    "a bar far away": ("x.rntxt", lambda: b"m1 C: I\nm99999 V\n"),
    "deep brackets": ("x.json", lambda: b"[" * 900_000),
    "deep objects": ("x.json", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a list without end": ("x.json", lambda: b"[" + b"{}," * 300_000 + b"{}]"),
    "a number of a megabyte": ("x.json", lambda: b'{"sections":[],"tempo":' + b"9" * 900_000 + b"}"),
    "half a pair": ("x.json", lambda: b'{"request": {}, "structure": {"key": "C"'),
    "lines without end": ("x.jsonl", lambda: b"{}\n" * 5_000_000),
    "deep lines": ("x.jsonl", lambda: b'{"a": 1}\n' + (b"[" * 900_000 + b"\n") * 5),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    named_in("N6", parse_key("C"), parse_key("g"))  # tables of chords are made once in a process


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_one_clear_error_soon(case: str) -> None:
    name, make = HOSTILE[case]
    data = make()
    began = process_time()
    with pytest.raises(InvalidInputError) as caught:
        read_any(name, data)
    assert process_time() - began < SECONDS
    assert caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.rntxt", "x.tsv", "x.musicxml", "x.mxl", "x.mid", "x"])
def test_a_hundred_megabytes_are_refused_by_their_size(name: str) -> None:
    data = bytes(100_000_000)
    began = process_time()
    with pytest.raises(InputTooLargeError):
        read_any(name, data)
    assert process_time() - began < 1


def test_names_in_an_archive_reach_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    container = b"<container><rootfiles><rootfile full-path='../../../evil.xml'/></rootfiles></container>"
    data = archive(("META-INF/container.xml", container), ("../../../evil.xml", score(BAR * 4)))
    assert read_any("x.mxl", data)[0].structure is not None
    assert not list(tmp_path.iterdir())
    assert not list(tmp_path.parent.glob("evil*"))


def test_what_a_document_type_points_to_is_not_fetched() -> None:
    # The tests' guard raises where anything reaches for the network.
    outside = '<!DOCTYPE score-partwise PUBLIC "-//x//y" "http://www.musicxml.org/dtds/partwise.dtd">'
    assert read_any("x.xml", score(BAR, outside))[0].structure is not None


@cache
def files() -> dict[str, bytes]:
    """Real files, one of each format and more."""
    piece = compose(Request(form="binary", key="g minor", time_signature="3/4", duration=25, seed=3))
    written = realize(piece)
    paths = {path.name: path for path in corpus.getCorePaths()}
    packed = paths["bwv269.mxl"].read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        inside = next(name for name in opened.namelist() if not name.startswith("META"))
        plain = opened.read(inside)
    row = json.dumps({"request": {"valence": 0.2}, "structure": piece.to_dict()}).encode()
    rows = ("1\t1\t0\t4/4\t\tC\tI\tI\t\t{", "2\t2\t1/2\t4/4\t\tC\tV\tV65/V\tHC\t}", "3\t3\t0\t4/4\t\tC\tvi\ti\tPAC\t}")
    return {
        "a.json": row,
        "b.jsonl": b"\n".join([piece.to_json(indent=None).encode(), row, b"{}"]),
        "c.rntxt": paths["riemenschneider003.rntxt"].read_bytes(),
        "d.harmonies.tsv": table(*rows),
        "e.musicxml": musicxml(written),
        "f.musicxml": plain,
        "g.mxl": packed,
        "h.mid": midi_bytes(perform(written)),
    }


_PIECES = (
    b"",
    b"0",
    b"-1",
    b"9" * 30,
    b"1e9",
    b"1/0",
    b"\x00",
    b"\xff\xfe",
    b"\t",
    b"\n",
    b"<",
    b"</note>",
    b"&lt;",
    b'"',
)
_CHANGE = st.one_of(
    st.tuples(st.just("cut"), st.floats(0, 1), st.sampled_from([1, 2, 40, 3000])),
    st.tuples(st.just("put"), st.floats(0, 1), st.sampled_from(_PIECES)),
    st.tuples(st.just("byte"), st.floats(0, 1), st.integers(0, 255)),
    st.tuples(st.just("end"), st.floats(0, 1), st.just(0)),
    st.tuples(st.just("twice"), st.floats(0, 1), st.sampled_from([8, 60, 900])),
    *[st.tuples(st.just("number"), st.floats(0, 1), st.sampled_from(["0", "1", "-3", "7", "4096", "99999999", "3.7"]))]
    * 5,
)


def changed(data: bytes, changes: list[tuple[str, float, object]]) -> bytes:
    """A file with some of its bytes cut, doubled or replaced, or its numbers made others."""
    for kind, where, what in changes:
        at = int(where * len(data))
        match kind, what:
            case "cut", int():
                data = data[:at] + data[at + what :]
            case "put", bytes():
                data = data[:at] + what + data[at:]
            case "byte", int():
                data = data[:at] + bytes([what]) + data[at + 1 :]
            case "end", _:
                data = data[:at]
            case "twice", int():
                data = data[:at] + data[at : at + what] + data[at:]
            case "number", str():
                found = re.compile(rb"\d+").search(data, at)
                if found:
                    data = data[: found.start()] + what.encode() + data[found.end() :]
    return data


def read_or_refused(name: str, data: bytes) -> tuple[ImportedPiece, ...]:
    """The pieces of a file, none where it ends in one clear error."""
    refused: InvalidInputError | None = None
    try:
        return read_any(name, data)
    except InvalidInputError as problem:
        refused = problem
    assert refused.hint
    assert len(str(refused)) < 600
    return ()


@pytest.mark.parametrize("name", list("abcdefgh"))
@given(st.lists(_CHANGE, min_size=1, max_size=4))
def test_garbled_files_are_read_or_refused(name: str, changes: list[tuple[str, float, object]]) -> None:
    whole = next(each for each in files() if each.startswith(name))
    data = changed(files()[whole], changes)
    began = process_time()
    for piece in read_or_refused(whole, data):
        if piece.structure is not None and piece.format not in {"json", "jsonl"}:
            assert agrees(piece.structure)
            assert realize(piece.structure).measures == piece.structure.measures
    assert process_time() - began < SECONDS


@given(
    st.binary(max_size=400),
    st.sampled_from(["", "MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\1\0", "PK\3\4", "<score-partwise>"]),
)
def test_any_bytes_are_read_or_refused(noise: bytes, head: str) -> None:
    data = head.encode("latin-1") + noise
    for name in ("x", "x.mid", "x.xml", "x.mxl", "x.tsv", "x.rntxt", "x.json", "x.jsonl"):
        read_or_refused(name, data)


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 119, 240, 480, 1920, 100_000]),
        st.one_of(
            st.builds(lambda kind, key, loud: bytes([kind, key, loud]), st.sampled_from([0x90, 0x80, 0x91, 0x99]),
                      st.integers(0, 127), st.integers(0, 127)),
            st.builds(lambda tempo: b"\xff\x51\x03" + tempo.to_bytes(3, "big"), st.integers(0, 2**24 - 1)),
            st.builds(lambda beats, unit: bytes([0xFF, 0x58, 4, beats, unit, 24, 8]), st.integers(0, 13),
                      st.integers(0, 9)),
            st.builds(lambda sharps, minor: bytes([0xFF, 0x59, 2, sharps % 256, minor]), st.integers(-7, 7),
                      st.integers(0, 1)),
            st.builds(lambda text: b"\xff\x06" + bytes([len(text)]) + text, st.binary(max_size=12)),
        ),
    ),
    max_size=40,
)  # fmt: skip


def variable(number: int) -> bytes:
    """A number as MIDI files write it."""
    parts = [number & 127]
    while number := number >> 7:
        parts.append(number & 127 | 128)
    return bytes(reversed(parts))


@given(st.lists(_EVENTS, min_size=1, max_size=3), st.sampled_from([1, 24, 480]))
def test_odd_midi_is_read_or_refused(tracks: list[list[tuple[int, bytes]]], division: int) -> None:
    data = midi(
        *[b"".join(variable(after) + event for after, event in track) + END for track in tracks], division=division
    )
    for piece in read_or_refused("x.mid", data):
        assert piece.structure is not None
        assert agrees(piece.structure)
        assert realize(piece.structure).measures == piece.structure.measures
