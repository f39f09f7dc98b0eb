"""Checking a file of rows: every fault with its line, in order, in constant memory, in one process or in several."""

from __future__ import annotations

import copy
import io
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_files import Method, problems_in
from training_rows import rows, written

from workbench.core.datasets.faults import MAX_TOLD
from workbench.core.datasets.files.answer_rules import answer_faults
from workbench.core.datasets.files.file_check import FileReport, check_file
from workbench.core.datasets.files.formats import FORMATS
from workbench.core.datasets.files.line_check import Seen
from workbench.core.datasets.files.lines import MAX_LINE
from workbench.core.datasets.files.overlap import Shared, Twice, overlap
from workbench.core.errors import InvalidInputError
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import load_examples
from workbench.core.music.reading import read_structure

GOOD = written("openai-chat").splitlines()
STRUCTURE = load_examples()[0].structure
ANSWER = wire_text(STRUCTURE)


def checked(*lines: bytes, end: bytes = b"\n", **options: Any) -> FileReport:
    return check_file(io.BytesIO(end.join([*lines, b""])), **options)


def told(report: FileReport) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.check) for fault in report.tally.told]


def chat(answer: str, asked: str = "A walk") -> bytes:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages}).encode()


def musical(change: Callable[[dict[str, Any]], None]) -> list[str]:
    data = STRUCTURE.to_dict()
    change(data)
    return [fault.check for fault in answer_faults(json.dumps(data, ensure_ascii=False, separators=(",", ":")))]


@pytest.mark.parametrize("name", FORMATS)
def test_our_own_files_are_sound(name: str) -> None:
    report = checked(*written(name).splitlines())
    assert told(report) == []
    assert (report.format, report.rows, report.sound, report.counted, report.errors) == (name, 12, 12, 12, 0)
    assert report.size == len(written(name))
    assert report.exact
    assert report.longest <= report.tokens // 2


def test_each_fault_is_told_on_its_line() -> None:
    lines = list(GOOD)
    lines[2] = b"{"
    lines[3] = b""
    lines[4] = lines[4].replace(b'"role":"user"', b'"role":"human"')
    lines[6] = b'{"messages":[],"messages":[]}'
    lines[7] = chat("no music")
    lines[8] = written("trl-sft").splitlines()[0]
    lines[9] = lines[0]
    report = checked(*lines)
    assert told(report) == [
        (3, "line.json"), (4, "line.empty"), (5, "format.role"), (7, "line.duplicate-key"), (8, "answer.json"),
        (9, "format.mixed"), (10, "row.duplicate"),
    ]  # fmt: skip
    assert report.errors == 7


def test_a_mark_returns_and_a_wrong_name_are_told_once() -> None:
    data = b"\xef\xbb\xbf" + b"\r\n".join([*GOOD, b""])
    report = check_file(io.BytesIO(data), music=False, name="rows.json")
    assert told(report) == [(1, "file.bom"), (None, "file.crlf"), (None, "file.name")]
    assert "12 lines end in CR LF" in report.tally.told[1].message
    assert report.sound == 12


def test_too_few_rows_are_told() -> None:
    assert told(checked(*GOOD[:9], music=False)) == [(None, "file.rows")]
    assert told(checked(written("trl-sft").splitlines()[0], music=False)) == []


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_an_error(data: bytes) -> None:
    assert "file.rows" in [check for _, check in told(check_file(io.BytesIO(data)))]


def test_a_wide_file_is_called_by_its_name() -> None:
    report = check_file(io.BytesIO(b"\n".join(GOOD[:2]).decode().encode("utf-16")))
    assert told(report)[0] == (1, "file.encoding")


def test_lines_in_no_format_say_which_there_are() -> None:
    report = checked(b'{"instruction":"a"}', b'{"text":"b"}')
    assert told(report) == [(1, "format.unknown"), (2, "format.unknown")]
    assert "openai-chat" in report.tally.told[0].hint


def test_the_format_that_was_named_counts() -> None:
    report = checked(*GOOD[:2], format="trl-sft", music=False)
    assert [check for _, check in told(report)] == ["format.mixed", "format.mixed"]
    with pytest.raises(InvalidInputError, match="alpaca"):
        checked(*GOOD, format="alpaca")


def test_the_first_hundred_are_told_and_the_rest_counted() -> None:
    report = checked(*GOOD, *[b"[]"] * 700, *[b""] * 5, GOOD[0], music=False)
    assert len(report.tally.told) == MAX_TOLD
    assert told(report)[-1] == (12 + MAX_TOLD, "line.object")
    assert report.tally.counts["line.object", "error"] == 700
    assert report.tally.counts["line.empty", "error"] == 5
    assert report.tally.counts["row.duplicate", "error"] == 1


def test_an_over_long_row_is_told_by_its_tokens() -> None:
    report = checked(*GOOD, max_tokens=4_000)
    assert {check for _, check in told(report)} == {"row.tokens"}
    by_bytes = checked(*GOOD, max_tokens=4_000, music=False)
    assert told(by_bytes) == told(report)
    assert by_bytes.longest == report.longest > 4_000
    guessed = checked(*GOOD, max_tokens=4_000, model="llama-3")
    assert not guessed.exact
    assert "about" in guessed.tally.told[0].message


def test_a_model_brings_its_own_limit() -> None:
    assert checked(*GOOD, music=False).limit == 65_536
    assert checked(*GOOD, music=False, model="nobody-knows").limit is None


def test_the_same_prompt_may_have_another_answer() -> None:
    other = json.loads(GOOD[1])
    other["messages"][-1]["content"] = ANSWER
    report = checked(*GOOD, json.dumps(other).encode(), music=False)
    assert [(fault.line, fault.check, fault.severity) for fault in report.tally.told] == [
        (13, "row.same-prompt", "warning")
    ]
    assert "line 2" in report.tally.told[0].message


def test_duplicates_are_found_across_chunks_in_line_order() -> None:
    lines = [chat("{}", f"walk {number}") for number in range(900)]
    lines[300], lines[301], lines[899] = b"{", lines[2], lines[5]
    assert told(checked(*lines, music=False)) == [
        (301, "line.json"), (302, "row.duplicate"), (900, "row.duplicate")
    ]  # fmt: skip


def test_memory_for_duplicates_is_bounded_and_says_so() -> None:
    twice = Twice(most=2)
    found = [twice.find(Seen(n, bytes([n]), bytes([n]))) for n in (1, 2, 3, 4)]
    assert [fault and fault.check for fault in found] == [None, None, "file.many-rows", None]
    again = twice.find(Seen(9, b"\1", b"\1"))
    assert again is not None
    assert "line 1" in again.message


# answers


def test_a_sound_answer_has_no_faults() -> None:
    assert answer_faults(ANSWER) == []
    assert answer_faults(ANSWER, load_examples()[0].request) == []


def test_an_answer_that_has_to_be_repaired_is_an_error_that_says_how() -> None:
    found = answer_faults(ANSWER[:-1] + ",}")
    assert [(fault.check, fault.severity) for fault in found] == [("answer.json", "error")]
    assert "1 repair" in found[0].hint
    assert [fault.check for fault in answer_faults(f"Here it is: {ANSWER}")] == ["answer.json"]


def test_an_answer_that_is_no_music_is_an_error() -> None:
    assert [fault.check for fault in answer_faults("I cannot do that.")] == ["answer.json"]
    assert [fault.check for fault in answer_faults("[1]")] == ["answer.schema"]
    assert [fault.check for fault in answer_faults('{"key":"C major"}')] == ["answer.schema"]
    assert [fault.check for fault in answer_faults("[" * 100_000)] == ["answer.json"]
    assert [fault.check for fault in answer_faults("x" * 1_100_000)] == ["answer.json"]
    assert musical(lambda data: data.update(tempo=900)) == ["answer.schema"]


def test_an_answer_that_is_written_otherwise_is_a_warning() -> None:
    found = answer_faults(json.dumps(STRUCTURE.to_dict(), indent=1))
    assert [(fault.check, fault.severity) for fault in found] == [("answer.canonical", "warning")]


def test_a_wrong_cadence_is_an_error_in_its_bar() -> None:
    data = STRUCTURE.to_dict()
    phrase = data["sections"][-1]["phrases"][-1]
    assert phrase["cadence"] == "PAC"
    phrase["chords"][-1] = "IV"
    data["sections"][-1]["chordProgression"][-1] = "IV"
    found = answer_faults(wire_text(read_structure(data)))
    assert any(fault.check.startswith("music.cadences.") and fault.message.startswith("bar ") for fault in found)
    assert all(fault.severity == "error" for fault in found)


def test_a_chord_outside_the_pieces_own_profile_is_an_error() -> None:
    def exotic(data: dict[str, Any]) -> None:
        data["period"] = "baroque"
        section = data["sections"][0]
        assert section["chordProgression"][0] == section["phrases"][0]["chords"][0] == "I"
        section["chordProgression"][0] = section["phrases"][0]["chords"][0] = "V9"

    assert "music.chords.in-style" in musical(exotic)


def test_parts_that_do_not_agree_are_told_by_their_own_check() -> None:
    assert "music.schema.measures-agree" in musical(lambda data: data["sections"][0].update(measures=9))


def test_a_piece_without_end_is_not_realized() -> None:
    started = time.perf_counter()
    found = musical(lambda data: data.update(sections=[data["sections"][0] | {"phrases": None, "measures": 1000}] * 32))
    assert found == ["answer.size", "answer.canonical"]
    assert time.perf_counter() - started < 5


def test_an_answer_is_held_to_the_request_in_its_prompt() -> None:
    line = chat(ANSWER, 'Request: {"form": "rondo", "key": "e minor", "duration": 600}')
    checks = [check for _, check in told(checked(line, format="openai-chat")) if check.startswith("music.")]
    assert checks
    assert all(check.startswith("music.fit.") for check in checks)


def test_a_rejected_answer_may_be_worse_music_but_should_be_music() -> None:
    row = json.loads(written("trl-dpo").splitlines()[0])
    row["rejected"][0]["content"] = "no"
    report = checked(json.dumps(row).encode())
    assert [(fault.check, fault.severity) for fault in report.tally.told] == [("answer.rejected", "warning")]


# any size, any bytes


class Endless(io.RawIOBase):
    """A stream of many megabytes that are made while they are read: rows, and lines without an end."""

    def __init__(self, megabytes: int) -> None:
        self.parts = self._parts(megabytes)

    def _parts(self, megabytes: int) -> Iterator[bytes]:
        for number in range(megabytes // 30):
            yield b'{"messages":"' + b"x" * 1_000_000
            for _ in range(27):
                yield b"x" * 1_000_000
            yield b'"}\n' + b"\n" * 100_000
            row = json.loads(GOOD[number % 12])
            rows = []
            for each in range(50):
                row["messages"][0]["content"] = f"{number} {each}"
                rows.append(json.dumps(row).encode() + b"\n")
            yield b"".join(rows)

    def read(self, _size: int = -1) -> bytes:
        return next(self.parts, b"")


def test_three_hundred_megabytes_need_the_memory_of_a_few() -> None:
    check_file(io.BytesIO(GOOD[0]), music=False)
    tracemalloc.start()
    try:
        started = time.perf_counter()
        report = check_file(Endless(300), music=False)  # type: ignore[arg-type]
        seconds = time.perf_counter() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.size > 280_000_000
    assert report.sound == 500
    assert report.tally.counts["line.too-long", "error"] == 10
    assert report.tally.counts["line.empty", "error"] == 1_000_000
    assert len(report.tally.told) == MAX_TOLD
    assert peak < 6 * MAX_LINE
    assert seconds < 30


def test_many_processes_find_what_one_finds(tmp_path: Path) -> None:
    lines = [*GOOD, b"{", *written("openai-chat", 40).splitlines()[12:], chat("x"), GOOD[3]]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    done: list[int] = []
    alone, together = check_file(path, processes=0), check_file(path, processes=2, progress=done.append)
    assert alone.to_dict() == together.to_dict()
    assert told(alone) == [(13, "line.json"), (42, "answer.json"), (43, "row.duplicate")]
    assert done[-1] == path.stat().st_size
    assert alone.name == "rows.jsonl"


def test_a_check_can_be_stopped() -> None:
    class StopError(Exception):
        pass

    def stop(_done: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        checked(*GOOD, progress=stop, processes=1)


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([GOOD[0], GOOD[0][:-9], b"\xef\xbb\xbf", b"\r", b"[]", b"{}", b"\xff", chat("{}")]),
               max_size=6).map(b"\n".join)
)  # fmt: skip
@settings(max_examples=60)
def test_any_bytes_get_a_report(data: bytes) -> None:
    report = check_file(io.BytesIO(data))
    assert report.size == len(data)
    numbers = [fault.line for fault in report.tally.told if fault.line is not None]
    assert numbers == sorted(numbers)
    assert report.errors
    json.dumps(report.to_dict())


def test_a_flood_of_bad_messages_is_not_told_one_by_one() -> None:
    line = b'{"messages":[' + b"{}," * 1_200_000 + b"{}]}"
    assert told(checked(line, format="openai-chat")) == [(1, "format.messages"), (None, "file.rows")]


VALUES = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "user", "assistant", "x", [], {}])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container inside a value with every place in it."""
    for place, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, place
        if isinstance(inner, dict | list):
            yield from places(inner)


@pytest.mark.parametrize("name", ["openai-chat", "openai-dpo"])
@given(data=st.data())
def test_what_is_sound_here_is_taken_by_the_provider(name: str, data: st.DataObject) -> None:
    lines = written(name).splitlines()
    value = json.loads(lines[1])
    for owner, place in places(value):
        if place == "content":
            owner[place] = f"{owner['role']} {len(owner[place])}"
    for _ in range(data.draw(st.integers(1, 2))):
        every = list(places(value))
        if not every:
            break
        owner, place = every[data.draw(st.integers(0, len(every) - 1))]
        match data.draw(st.sampled_from(["change", "drop", "double", "add"])):
            case "change":
                owner[place] = data.draw(VALUES)
            case "drop":
                del owner[place]
            case "double" if isinstance(owner, list):
                owner.append(copy.deepcopy(owner[place]))
            case "add" if isinstance(owner, dict):
                owner[data.draw(st.sampled_from(["weight", "tools", "name", "content"]))] = data.draw(VALUES)
    lines[0] = json.dumps(value).encode()
    report = checked(*lines, format=name, music=False)
    method: Method = "dpo" if name == "openai-dpo" else "supervised"
    if not report.errors:
        assert problems_in(b"\n".join(lines), method=method) == []


# overlap


def test_what_two_files_share_is_told_whatever_their_formats() -> None:
    one = written("openai-chat")
    lines = written("trl-sft", 14).splitlines()
    changed = json.loads(lines[4])
    changed["completion"][0]["content"] = "{}"
    other = b"\n".join([b"{", lines[2], json.dumps(changed).encode(), *lines[12:]])
    found = overlap(io.BytesIO(one), io.BytesIO(other))
    assert (found.rows, found.prompts, found.complete) == (1, 1, True)
    assert found.told == (Shared(3, 2, True), Shared(5, 3, False))
    assert not overlap(io.BytesIO(one), io.BytesIO(other), most=3).complete


def test_our_rows_are_all_different() -> None:
    assert len({row.digest for row in rows()}) == 12
