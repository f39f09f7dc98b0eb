"""The library as an archive: everything goes out and comes in again; what is hostile is told, one line a file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fresh import fresh
from workbench.core.compose import compose
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library import archive as archives
from workbench.core.library.archive import all_items, read_archive, write_archive
from workbench.core.library.curation import Filters, counts, find, load_built_in, submit
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.music.request import Request

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "own.sqlite3")
    yield made
    made.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "other.sqlite3")
    yield made
    made.close()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_library_goes_out_and_comes_in_again(own: Database, other: Database) -> None:
    load_built_in(own, load_examples())
    request = Request(duration=40, brief="雪の帰り道")
    submit(own, request, compose(request, seed=4), curator="ada", origin={"kind": "take"}, tags=["mine"], note="good")
    data = write_archive(all_items(own), at=NOW)
    outcomes = list(read_archive(other, data, curator="bob", keep_status=True))
    assert all(outcome.new and not outcome.problem for outcome in outcomes)
    assert counts(other) == counts(own)
    theirs = {item.structure.to_json(): item for item in all_items(other)}
    for item in all_items(own):
        copy = theirs[item.structure.to_json()]
        assert (copy.request, copy.tags, copy.teaches, copy.rights, copy.note) == (
            item.request, item.tags, item.teaches, item.rights, item.note,
        )  # fmt: skip
    again = list(read_archive(other, data, curator="bob"))
    assert not any(outcome.new or outcome.problem for outcome in again)


def test_what_comes_from_elsewhere_waits(own: Database, other: Database) -> None:
    load_built_in(own, load_examples())
    list(read_archive(other, write_archive(all_items(own), at=NOW), curator="bob"))
    assert counts(other)["approved"] == 0
    assert counts(other)["waiting"] == counts(own)["approved"]


def test_only_a_part_goes_out_where_only_a_part_is_wanted(own: Database) -> None:
    load_built_in(own, load_examples())
    data = write_archive(all_items(own, Filters(status="", form="rondo")), at=NOW)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.startswith("examples/")]
        assert json.loads(archive.read("manifest.json"))["examples"] == len(names) > 0
        assert all(json.loads(archive.read(name))["structure"]["form"] == "rondo" for name in names)


def test_nothing_unfit_is_approved_whatever_the_archive_says(other: Database) -> None:
    piece = compose(Request(duration=40), seed=1)
    value = {"request": {}, "structure": piece.to_dict(), "rights": {"layers": []}, "status": "approved"}
    outcome = next(
        read_archive(other, zipped({"examples/x.json": json.dumps(value).encode()}), curator="b", keep_status=True)
    )
    item = find(other, outcome.id)
    assert item is not None
    assert item.status == "waiting"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("../../etc/passwd", b"{}"),
        ("/etc/passwd", b"{}"),
        ("examples/../x.json", b"{}"),
        ("examples/x.txt", b"{}"),
        ("examples/x.json", b"not json"),
        ("examples/x.json", b"[]"),
        ("examples/x.json", b"[" * 5000),
        ("examples/x.json", b'{"structure": {}}'),
        ("examples/x.json", b'{"structure": 3, "request": 4}'),
        ("examples/x.json", b'{"tags": [1]}'),
        ("examples/x.json", b'{"teaches": 5}'),
        ("examples/x.json", b'{"rights": []}'),
        ("examples/x.json", b"\xff\xfe"),
        ("examples/x.json", b"x" * 2_000_000),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_file_is_told_and_the_others_go_on(other: Database, tmp_path: Path, name: str, content: bytes) -> None:
    piece = compose(Request(duration=40), seed=1)
    good = json.dumps({"request": {}, "structure": piece.to_dict()}).encode()
    before = sorted(tmp_path.iterdir())
    outcomes = list(read_archive(other, zipped({name: content, "examples/good.json": good}), curator="b"))
    assert [bool(outcome.problem) for outcome in outcomes] == [True, False]
    assert len(outcomes[0].problem) < 400
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", b"PK\x03\x04" + b"\x00" * 50])
def test_what_is_no_archive_is_refused(other: Database, data: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        list(read_archive(other, data, curator="b"))
    assert caught.value.hint


def test_a_bomb_is_refused_before_it_is_unpacked(other: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL", 10_000_000)
    bomb = zipped({f"examples/{number}.json": b"0" * 2_000_000 for number in range(10)})
    assert len(bomb) < 50_000
    with pytest.raises(InputTooLargeError):
        list(read_archive(other, bomb, curator="b"))
    monkeypatch.setattr(archives, "MAX_ARCHIVE", 10)
    with pytest.raises(InputTooLargeError):
        list(read_archive(other, bomb, curator="b"))


_SOUND = zipped(
    {f"examples/{each.id}.json": json.dumps(each.to_dict()).encode() for each in load_examples()[:2]}
    | {"manifest.json": b"{}"}
)


@settings(max_examples=60)
@given(at=st.integers(0, len(_SOUND) - 1), value=st.binary(min_size=1, max_size=6), cut=st.integers(0, len(_SOUND)))
def test_a_damaged_archive_never_breaks_the_import(at: int, value: bytes, cut: int) -> None:
    broken = (_SOUND[:at] + value + _SOUND[at + len(value) :])[: max(cut, 10)]
    database = _fuzzed()
    try:
        for outcome in read_archive(database, broken, curator="fuzz"):
            assert outcome.problem or outcome.id
    except (InvalidInputError, InputTooLargeError) as problem:
        assert problem.hint  # noqa: PT017


_kept: list[Database] = []


def _fuzzed() -> Database:
    if not _kept:
        import tempfile

        _kept.append(fresh(f"{tempfile.mkdtemp()}/fuzz.sqlite3"))
    return _kept[0]


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    for database in _kept:
        database.close()
