"""What the route for a version's files answers, without a browser."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from workbench.core.datasets.building.build import build
from workbench.core.datasets.files.export import CARD, file_names, stream
from workbench.core.datasets.recipes import Ratios, Recipe
from workbench.core.datasets.versions import Version
from workbench.core.errors import DatabaseError
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.server import app
from workbench.views.datasets import downloads
from workbench.views.datasets.downloads import url_of


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('downloads')}/library.sqlite3").upgrade()
    load_built_in(made, load_examples())
    yield made
    made.close()


@pytest.fixture(scope="module")
def version(library: Database) -> Version:
    recipe = Recipe(name="downloads", split=Ratios(train=0.5, validation=0.25, test=0.25))
    made = build(library, recipe, curator="ann").version
    assert made is not None
    return made


@pytest.fixture
def client(library: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(downloads, "database", lambda: library)
    with TestClient(Starlette(routes=app._user_routes)) as client:
        yield client


def test_every_listed_file_is_sent_byte_by_byte(client: TestClient, library: Database, version: Version) -> None:
    names = file_names(version)
    assert len(names) == 10
    for name in names:
        answer = client.get(url_of(version.id, name))
        assert answer.status_code == 200
        expected = hashlib.sha256(b"".join(stream(library, version, name))).hexdigest()
        assert hashlib.sha256(answer.content).hexdigest() == expected, name
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-encoding"] == "identity"


def test_parquet_and_the_card_are_what_they_say(client: TestClient, version: Version) -> None:
    table = pq.read_table(io.BytesIO(client.get(url_of(version.id, "test.parquet")).content))
    assert table.num_rows == version.summary["splits"]["test"]
    card = client.get(url_of(version.id, CARD))
    assert card.headers["content-type"] == "text/markdown; charset=utf-8"
    assert version.content_hash in card.text


def test_who_asks_for_the_head_alone_makes_no_file(
    client: TestClient, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "sent", lambda _: pytest.fail("the file was made"))
    answer = client.head(url_of(version.id, "train.parquet"))
    assert answer.status_code == 200
    assert answer.content == b""
    assert "content-length" not in answer.headers, "nobody knows it yet"
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "train.jsonl", "openai-dpo-train.jsonl", "train.parquet.exe", "%2e%2e", "x" * 3000, "%00", "é"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_name_that_is_not_listed_is_not_there(client: TestClient, version: Version, name: str, method: str) -> None:
    answer = client.request(method, f"/datasets/{version.id}/{name}")
    assert answer.status_code == 404
    if method == "GET" and name != "%2e%2e":  # which is no name of a file, but the folder above
        told = answer.json()
        assert told["error"]
        assert told["hint"]
        assert len(told["error"]) < 120


@pytest.mark.parametrize("wanted", ["nothing", "downloads 1", "0" * 400, "%00", "e"])
def test_a_version_that_is_unknown_is_told_with_a_hint(client: TestClient, version: Version, wanted: str) -> None:
    answer = client.get(f"/datasets/{wanted}/{CARD}")
    assert answer.status_code == 404
    assert answer.json()["hint"]


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd"])
def test_no_path_leads_out_of_a_version(client: TestClient, version: Version, name: str) -> None:
    assert client.get(f"/datasets/{version.id}/{name}").status_code == 404


def test_nothing_is_written_where_it_is_only_read(client: TestClient, version: Version) -> None:
    assert client.post(url_of(version.id, CARD)).status_code == 405


def test_a_file_that_breaks_on_the_way_is_not_taken_for_the_whole(
    client: TestClient, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[bytes]:
        yield b"the first rows\n"
        raise DatabaseError("A row's content is not what its hash says.")

    monkeypatch.setattr(downloads, "_made", broken)
    with pytest.raises(DatabaseError):
        client.get(url_of(version.id, "trl-sft-train.jsonl"))


def test_a_database_that_cannot_be_read_is_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Database:
        raise DatabaseError("The database cannot be opened.", hint="Look at its folder.")

    monkeypatch.setattr(downloads, "database", broken)
    answer = client.get("/datasets/any/README.md")
    assert answer.status_code == 500
    assert answer.json()["hint"] == "Look at its folder."
