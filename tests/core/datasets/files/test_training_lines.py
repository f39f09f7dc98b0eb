"""Lines of any file: told one by one, numbered, and never more in memory than one of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.datasets.files.lines import BLOCK, BrokenLineError, Line, Lines, opened, parse_line
from workbench.core.errors import InvalidInputError


class Dripping(io.RawIOBase):
    """A stream that gives a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.at = data, step, 0

    def read(self, _size: int = -1) -> bytes:
        block = self.data[self.at : self.at + self.step]
        self.at += len(block)
        return block


def lines(data: bytes, *, cap: int = 100) -> list[Line]:
    return list(Lines(io.BytesIO(data), cap=cap))


def problem(data: bytes) -> str:
    with pytest.raises(BrokenLineError) as broken:
        parse_line(Line(1, data))
    assert broken.value.fault.severity == "error"
    assert broken.value.fault.message.endswith(".")
    return broken.value.fault.check.removeprefix("line.")


def test_lines_are_numbered_as_an_editor_numbers_them() -> None:
    assert lines(b"a\n\n \nb\nc") == [Line(1, b"a"), Line(4, b"b", 2), Line(5, b"c")]
    assert lines(b"a\n") == [Line(1, b"a")]
    assert lines(b"") == []


def test_empty_lines_at_the_end_are_not_told() -> None:
    assert lines(b"a\n\n\n") == [Line(1, b"a")]


def test_a_mark_and_carriage_returns_are_taken_off_and_known() -> None:
    read = Lines(io.BytesIO(b"\xef\xbb\xbf{}\r\n[]\r\n\r\n1\n"))
    assert list(read) == [Line(1, b"{}"), Line(2, b"[]"), Line(4, b"1", 1)]
    assert (read.bom, read.wide, read.returns, read.rows, read.count, read.size) == (True, False, 3, 3, 4, 15)
    assert list(Lines(io.BytesIO(b"\xef\xbb\xbf"))) == []


def test_a_line_that_is_too_long_is_dropped_and_the_next_one_read() -> None:
    assert lines(b"x" * 101 + b"\nb\n" + b"y" * 100) == [Line(1, None), Line(2, b"b"), Line(3, b"y" * 100)]
    assert lines(b"z" * (3 * BLOCK)) == [Line(1, None)]
    assert lines(b"z" * (3 * BLOCK) + b"\na") == [Line(1, None), Line(2, b"a")]


@given(
    st.lists(st.sampled_from([b"", b" ", b"ab", b"c" * 9, b"\r", b"\xef\xbb\xbf", b"d\r"]), max_size=12),
    st.integers(1, 7),
)
def test_blocks_make_no_difference(parts: list[bytes], step: int) -> None:
    data = b"\n".join(parts)
    read, again = Lines(io.BytesIO(data), cap=8), Lines(Dripping(data, step), cap=8)  # type: ignore[arg-type]
    assert list(read) == list(again)
    assert (read.size, read.bom, read.returns, read.count) == (again.size, again.bom, again.returns, again.count)
    assert read.size == len(data)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="No such file"), opened(tmp_path / "none.jsonl"):
        pass
    with pytest.raises(InvalidInputError, match="directory"), opened(tmp_path):
        pass


def test_a_stream_that_was_given_stays_open() -> None:
    stream = io.BytesIO(b"{}")
    with opened(stream) as same:
        assert same is stream
    assert not stream.closed


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (b"{", "json"),
        (b"{'a': 1}", "json"),
        (b"{} {}", "json"),
        (b"[1]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b'{"a": "\xff"}', "utf-8"),
        (b'{"a": "\\ud800"}', "utf-8"),
        ('{"a": 1}'.encode("utf-16-le"), "nul"),
        (b'{"a": "x\x00"}', "nul"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"a": [{"b": {"c": 1, "c": 1}}]}', "duplicate-key"),
        (b'{"a": NaN}', "number"),
        (b'{"a": -Infinity}', "number"),
        (b'{"a": 1e999}', "number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "number"),
        (b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}", "depth"),
        (b"[" * 1_000_000, "depth"),
        (b'{"a":' * 100_000, "depth"),
    ],
)
def test_what_is_no_object_is_told_in_its_own_words(data: bytes, check: str) -> None:
    assert problem(data) == check


def test_a_sound_line_is_its_value() -> None:
    text = '{"a": "é♭\\ud83c\\udfb5", "b": [[1, 2.5, {"c": "}}}}{{{{[["}]], "n": 123456789012345678901234567890}'
    assert parse_line(Line(1, text.encode())) == json.loads(text)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\0123abu\r\n \ud800', max_size=60).map(
    lambda text: text.encode("utf-8", "surrogatepass")
))  # fmt: skip
def test_any_bytes_are_an_object_or_a_fault(data: bytes) -> None:
    for line in Lines(io.BytesIO(data)):
        try:
            value, check = parse_line(line), ""
        except BrokenLineError as broken:
            value, check = {}, broken.fault.check
        assert isinstance(value, dict)
        assert not check or check.startswith("line.")
