"""Answers that were made elsewhere are read line by line, and judged as the pipeline judges its own."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.experiments.small_split import a_row
from workbench.core.compose import compose, compose_plan, plan
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.experiments.imports import Output, read_outputs, sample_of_raw
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.storing import read_sample, sample_to_dict
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

SHORT = Request(duration=30, form="ABA", period="classical")
GOOD = compose(SHORT, seed=3).to_json(indent=None)
ASKED = Asked("short", SHORT)


def lines(*rows: Any) -> io.BytesIO:
    return io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())


def row(**more: Any) -> dict[str, Any]:
    return {"request": SHORT.to_dict(), "raw": GOOD} | more


# Reading ------------------------------------------------------------------------------------------------------------


def test_lines_are_read_with_what_they_tell(tmp_path: Path) -> None:
    told = {"model": "their own ", "tokens_in": 5, "tokens_out": 6, "cost": 0.25, "seconds": 2, "first_token": 0.5}
    file = tmp_path / "outputs.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + lines(row(), row(seed=3, **told)).getvalue().replace(b"\n", b"\r\n\n"))
    one, two = read_outputs(file)
    assert one == Output(1, SHORT, GOOD)
    assert (two.line, two.seed, two.told) == (3, 3, told | {"model": "their own"})
    assert one.digest == two.digest == ASKED.digest
    asked = read_outputs(lines(row(raw=json.loads(GOOD))))
    assert json.loads(next(asked).raw) == json.loads(GOOD)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "no JSON object"),
        (b"\xff", "not UTF-8"),
        (b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}", "levels deep"),
        (b'{"raw": "' + b"x" * 4_000_000 + b'"}', "longer than"),
        ({"raw": GOOD}, "The request is missing"),
        (row(request=3), "The request is missing"),
        (row(request={"valence": 3}), "In the request: valence is 3; it must be at most 1"),
        ({"request": {}}, "The raw answer is missing"),
        (row(raw=None), "The raw answer is missing"),
        (row(raw=[1]), "The raw answer is missing"),
        (row(raw="x" * 1_000_001), "longer than 1,000,000 bytes"),
        (row(answer="x"), "'answer' is no field"),
        (row(seed=-1), "The seed"),
        (row(seed=True), "The seed"),
        (row(tokens_in=1.5), "tokens_in is no number"),
        (row(cost=-1), "cost is no number"),
        (row(seconds=1e300), "seconds is no number"),
        (row(first_token="1"), "first_token is no number"),
        (row(model=""), "The model"),
        (row(model="a\nb"), "The model"),
        (row(seed=1), "answers the request of line 1 again"),
    ],
    ids=str,
)
def test_a_wrong_line_is_refused_by_its_number(bad: Any, said: str) -> None:
    line = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    found = read_outputs(io.BytesIO(lines(row(seed=1)).getvalue() + line + b"\n"))
    assert next(found).line == 1
    with pytest.raises(InvalidInputError) as caught:
        next(found)
    assert caught.value.message.startswith("Line 2: ")
    assert said in caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.hint


def test_an_empty_file_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for source in (io.BytesIO(b"\n\n"), tmp_path / "none.jsonl"):
        with pytest.raises(InvalidInputError):
            list(read_outputs(source))


def test_a_long_file_is_read_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.core.experiments.imports.MAX_OUTPUTS", 300)
    line = json.dumps({"request": {"brief": "NUMBER"}, "raw": "x" * 100_000}) + "\n"

    class Endless(io.RawIOBase):
        def __init__(self, many: Callable[[], Iterator[bytes]]) -> None:
            self.left = many()

        def read(self, _: int = -1) -> bytes:
            return next(self.left, b"")

    tracemalloc.start()
    found = read_outputs(Endless(lambda: (line.replace("NUMBER", str(at)).encode() for at in range(301))))  # type: ignore[arg-type]
    assert sum(1 for _ in zip(range(300), found, strict=False)) == 300
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()
    with pytest.raises(InputTooLargeError, match="At most 300"):
        list(read_outputs(Endless(lambda: (line.replace("NUMBER", str(at)).encode() for at in range(301)))))  # type: ignore[arg-type]


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        list(read_outputs(io.BytesIO(data)))


# Judging ------------------------------------------------------------------------------------------------------------


def broken(structure: MusicStructure, **changes: Any) -> str:
    return json.dumps(structure.to_dict() | changes)


@pytest.mark.parametrize(
    ("raw", "flags", "outcome"),
    [
        (GOOD, (True, True, True), "first-try"),
        (f"```json\n{GOOD}\n```", (False, False, False), "repaired"),
        (GOOD.replace('"key"', '"music_key"', 1), (True, False, False), "repaired"),
        (compose(Request(duration=30, form="rondo"), seed=3).to_json(), (True, True, False), "fell-back"),
        ("{}", (True, False, False), "fell-back"),
        ("", (False, False, False), "fell-back"),
        ("[" * 99, (False, False, False), "fell-back"),
        ("Sorry \ud800", (False, False, False), "fell-back"),
    ],
    ids=["good", "fenced", "spelling", "another form", "no music", "nothing", "deep", "no characters"],
)
def test_an_answer_is_told_as_it_came_and_becomes_a_piece(raw: str, flags: tuple[bool, ...], outcome: str) -> None:
    made = sample_of_raw(ASKED, raw, seed=3, told={"tokens_out": 9, "model": "theirs"})
    assert ((made.valid_json, made.valid_schema, made.valid_piece), made.outcome) == (flags, outcome)
    assert (made.raw, made.provider, made.model, made.calls, made.tokens_out) == (raw, "imported", "theirs", 1, 9)
    assert (made.repairs > 0) == (outcome == "repaired")
    assert made.structure is not None
    assert made.report is not None
    assert made.report.valid
    assert read_sample(sample_to_dict(made)) == made


def test_it_is_held_to_the_plan_that_was_shown_and_to_no_other() -> None:
    elsewhere = compose_plan(plan(SHORT, seed=8), SHORT).to_json()
    assert plan(SHORT, seed=8).to_dict() != plan(SHORT, seed=3).to_dict()
    assert sample_of_raw(ASKED, elsewhere, seed=8).valid_piece
    assert not sample_of_raw(ASKED, elsewhere, seed=3).valid_piece
    assert sample_of_raw(ASKED, elsewhere).valid_piece, "nobody knows what was shown: the request alone counts"
    row = a_row("rondo-classical-elise")
    asked = Asked(row.key, Request.model_validate(dict(row.request)), row)
    made = sample_of_raw(asked, row.answer)
    assert (made.valid_json, made.valid_schema, made.valid_piece) == (True, True, True)
    assert made.form.measures == row.structure.measures
