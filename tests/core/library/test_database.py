"""What is kept stays kept: migrations go both ways, writers follow each other, and errors say what to do."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from tests.postgres import GUARDED, Cluster
from workbench.core.errors import DatabaseError
from workbench.core.experiments.runs import ended
from workbench.core.library import database as module
from workbench.core.library.choices import choice, choose
from workbench.core.library.curation import Filters, counts, submit_take
from workbench.core.library.database import (
    FILE,
    MIGRATIONS,
    Database,
    new_id,
    now,
    open_database,
    shared_database,
    storable,
    storable_json,
)
from workbench.core.library.decisions import trail, vote
from workbench.core.library.migrations import HEAD
from workbench.core.library.saved_views import save_view, saved_views
from workbench.core.library.tables import SettingRow, SubmissionRow, Table, TemplateRow
from workbench.core.library.takes import Take, is_submitted, keep_take, send_to_curators, takes_of
from workbench.core.settings import Settings

SECRET = "xyzzy-plugh"
Opened = Callable[[str], Database]
AtOnce = Callable[..., list[Any]]

anything = st.text(st.characters(exclude_categories=()))
"""Any text that Python can hold, with NUL and half characters."""
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
    max_leaves=12,
)
many = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def differences(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), Table.metadata)


def count(database: Database, key: str = "count") -> None:
    """Read a number and write the next one."""
    with database.writing() as session:
        row = session.get(SettingRow, key)
        if row is None:
            session.add(SettingRow(key=key, value={"value": 1}, version=1, updated_at=now()))
        else:
            row.value = {"value": row.value["value"] + 1}


def pointing_nowhere(note: str = "") -> SubmissionRow:
    """A row that points at one that is not there."""
    return SubmissionRow(id=new_id(), take_id="nobody", visitor="", note=note, state="waiting", created_at=now())


@pytest.fixture
def next_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts one more migration behind those there are."""
    folder = tmp_path / "100% of the migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "MIGRATIONS", folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(upwards: str, downwards: str = "pass") -> None:
        monkeypatch.setattr(module, "HEAD", "9000")
        (folder / "versions" / "9000_next.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision, down_revision = '9000', {HEAD!r}\n"
            f"def upgrade():\n    {upwards}\n"
            f"def downgrade():\n    {downwards}\n",
            "utf-8",
        )

    return write


# Migrations


def test_the_newest_migration_is_the_head_and_the_only_one() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest = max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    assert newest.startswith(f"{HEAD}_")


def test_an_empty_database_is_brought_to_the_head(empty: Database) -> None:
    assert empty.revision() is None
    assert empty.upgrade() is empty
    assert empty.revision() == HEAD
    assert tables(empty) == {"alembic_version", *Table.metadata.tables}


def test_migrations_go_up_down_and_up_again(empty: Database) -> None:
    empty.migrate("head")
    empty.migrate("base")
    assert empty.revision() is None
    assert tables(empty) <= {"alembic_version"}
    empty.upgrade()
    choose(empty, "usual", 1)
    assert choice(empty, "usual") == 1
    assert not differences(empty)


def test_the_migrations_make_the_tables_that_the_code_describes(database: Database) -> None:
    assert differences(database) == []


def test_the_library_comes_and_goes_and_what_was_kept_before_stays(empty: Database, piece: Callable[..., Take]) -> None:
    library = {"examples", "votes", "audit", "saved_views"}
    empty.migrate("0001")
    assert not library & tables(empty)
    empty.migrate("0002")
    empty.upgrade()
    take = keep_take(empty, piece(), "ada")
    send_to_curators(empty, take, "ada")
    for _ in range(2):
        item, new = submit_take(empty, take, curator="ada")
        assert new  # the library was empty
        vote(empty, item.id, "reject", curator="ada", version=1)
        save_view(empty, "ada", "Mine", Filters())
        with pytest.raises(DatabaseError), empty.writing() as session:
            session.execute(text("DELETE FROM audit"))
        empty.migrate("0001")
        assert empty.revision() == "0001"
        assert not library & tables(empty)
        empty.migrate("0002")
        assert library <= tables(empty)
        empty.upgrade()
        assert not differences(empty)
        assert is_submitted(empty, take)
        assert takes_of(empty, "ada") == (take,)
        assert (sum(counts(empty).values()), trail(empty), saved_views(empty, "ada")) == (0, (), {})


def test_upgrading_what_is_up_to_date_changes_nothing(database: Database) -> None:
    choose(database, "usual", 1)
    assert choice(database.upgrade(), "usual") == 1


def test_a_run_that_was_kept_before_comparing_stays_as_it_is_and_cannot_be_changed(empty: Database) -> None:
    empty.migrate("0005")
    told = {"id": "r", "name": "first", "at": now(), "none": "{}", "list": "[]", "data": b"x"}
    with empty.writing() as session:
        session.execute(
            text(
                "INSERT INTO experiment_runs VALUES (:id, :name, 1, :none, '', NULL, :none, 'done', '', '', 1, 1, 0, "
                "0, 0, 0, NULL, :list, '', '', :at, :at, NULL)"
            ),
            told,
        )
        session.execute(
            text(
                "INSERT INTO experiment_cells VALUES (:id, 0, 'c', 'q', 'v', 0, 'done', '', '', :none, :none, '', '', "
                "'', '', '', :data)"
            ),
            told,
        )
    for way in ("head", "0005", "head"):
        empty.migrate(way)
        assert [each.position for each in ended(empty, "r")] == [0]
        for change in ("UPDATE experiment_cells SET fault = 'x'", "DELETE FROM experiment_cells"):
            with pytest.raises(DatabaseError), empty.writing() as session:
                session.execute(text(change))
    assert not differences(empty)


def test_a_migration_can_be_gone_back_to(database: Database, next_migration: Callable[[str, str], None]) -> None:
    next_migration("op.add_column('takes', sa.Column('stars', sa.Integer()))", "op.drop_column('takes', 'stars')")
    database.upgrade()
    assert database.revision() == "9000"
    assert differences(database)
    database.migrate(HEAD)
    assert database.revision() == HEAD
    assert not differences(database)


def test_a_migration_that_fails_leaves_nothing(database: Database, next_migration: Callable[[str, str], None]) -> None:
    next_migration("op.create_table('half', sa.Column('a', sa.Integer())); op.drop_table('nowhere')", "pass")
    with pytest.raises(DatabaseError):
        database.upgrade()
    assert database.revision() == HEAD
    assert "half" not in tables(database)
    choose(database, "usual", 1)


def test_a_table_that_a_migration_rebuilds_keeps_what_points_at_it(
    database: Database, next_migration: Callable[[str, str], None], piece: Callable[..., Take]
) -> None:
    take = keep_take(database, piece(), "ada")
    send_to_curators(database, take, "ada")
    next_migration(
        "with op.batch_alter_table('takes') as batch:\n"
        "        batch.alter_column('source', type_=sa.String(300), existing_type=sa.String(200))",
        "pass",
    )
    database.upgrade()
    assert is_submitted(database, take)
    with pytest.raises(DatabaseError), database.writing() as session:
        session.add(pointing_nowhere())  # what points at it is checked again


def test_a_database_of_a_newer_workbench_is_left_alone(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer") as caught:
        database.upgrade()
    assert "WORKBENCH_DATABASE_URL" in caught.value.hint
    assert database.revision() == "9999"
    assert set(Table.metadata.tables) <= tables(database)


def test_threads_that_upgrade_an_empty_database_at_once_all_succeed(
    empty_url: str, opened: Opened, at_once: AtOnce
) -> None:
    databases = [opened(empty_url) for _ in range(4)]
    answers = at_once(lambda number: databases[number].upgrade().revision(), 4)
    assert answers == [HEAD] * 4
    assert not differences(databases[0])


def test_different_databases_can_be_upgraded_at_once(tmp_path: Path, opened: Opened, at_once: AtOnce) -> None:
    databases = [opened(f"sqlite:///{tmp_path}/{number}.sqlite3") for number in range(6)]
    assert at_once(lambda number: databases[number].upgrade().revision(), 6) == [HEAD] * 6


def test_processes_that_upgrade_an_empty_database_at_once_all_succeed(
    empty_url: str, opened: Opened, two_processes: Callable[[str], list[tuple[str, str]]]
) -> None:
    program = (
        "import sys, alembic.command, alembic.config\n"
        "from workbench.core.library.database import Database\n"
        "database = Database(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(database.upgrade().revision())\n"
        "database.close()\n"
    )
    assert two_processes(program) == [(f"{HEAD}\n", "")] * 2
    assert not differences(opened(empty_url))


# Writing and reading


def test_sqlite_is_set_up_at_every_connect(tmp_path: Path, opened: Opened) -> None:
    database = opened(f"sqlite:///{tmp_path}/{FILE}").upgrade()
    connections = [database.engine.connect() for _ in range(10)]
    try:
        for connection in connections:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
            }
            assert found == {"journal_mode": "wal", "busy_timeout": 15_000, "foreign_keys": 1, "synchronous": 1}
    finally:
        for connection in connections:
            connection.close()


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    def writes() -> None:
        with database.writing() as session:
            row = session.get(SettingRow, "usual")
            assert row is not None
            row.value = {"value": "after"}
            session.add(SettingRow(key="more", value={}, version=1, updated_at=now()))
            session.flush()
            raise ZeroDivisionError

    choose(database, "usual", "before")
    with pytest.raises(ZeroDivisionError):
        writes()
    assert choice(database, "usual") == "before"
    assert choice(database, "more") is None


def test_what_the_database_refuses_leaves_nothing_and_shows_no_values(database: Database) -> None:
    def writes() -> None:
        with database.writing() as session:
            session.add(SettingRow(key="more", value={}, version=1, updated_at=now()))
            session.flush()
            session.add(pointing_nowhere(note=SECRET))

    with pytest.raises(DatabaseError) as caught:
        writes()
    assert caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert choice(database, "more") is None


def test_writers_at_once_lose_nothing(database: Database, at_once: AtOnce) -> None:
    def ten_times(_: int) -> None:
        for _ in range(10):
            count(database)

    assert at_once(ten_times, 12) == [None] * 12
    assert choice(database, "count") == 120


def test_writers_with_databases_of_their_own_lose_nothing(
    database: Database, empty_url: str, opened: Opened, at_once: AtOnce
) -> None:
    others = [opened(empty_url) for _ in range(6)]

    def ten_times(number: int) -> None:
        for _ in range(10):
            count(others[number])

    assert at_once(ten_times, 6) == [None] * 6
    assert choice(database, "count") == 60


def test_who_reads_does_not_wait_for_who_writes(database: Database) -> None:
    choose(database, "usual", "before")
    with database.writing() as session:
        row = session.get(SettingRow, "usual")
        assert row is not None
        row.value = {"value": "after"}
        session.flush()
        assert choice(database, "usual") == "before"
    assert choice(database, "usual") == "after"


def test_who_waits_too_long_to_write_is_told_that_it_is_busy(
    database: Database, empty_url: str, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT", 1)
    impatient = opened(empty_url)
    with database.writing() as session:
        assert session.get(SettingRow, "usual") is None  # who only reads first is a writer all the same
        with pytest.raises(DatabaseError, match="busy") as caught:
            choose(impatient, "usual", 1)
    assert "again" in caught.value.hint
    choose(impatient, "usual", 1)


def test_a_server_that_was_restarted_is_found_again(cluster: Cluster, opened: Opened) -> None:
    name = cluster.create()
    database = opened(cluster.url(name)).upgrade()
    cluster.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    choose(database, "usual", 1)
    cluster.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert choice(database, "usual") == 1
    database.close()
    cluster.drop(name)


def test_moments_come_back_in_utc_as_they_were(database: Database) -> None:
    moment = now()
    with database.writing() as session:
        session.add(SettingRow(key="when", value={}, version=1, updated_at=moment))
    with database.reading() as session:
        row = session.get(SettingRow, "when")
        assert row is not None
        assert row.updated_at == moment
        assert row.updated_at.utcoffset() == moment.utcoffset()


# Where the database is


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        f"mysql://ada:{SECRET}@localhost/pieces",
        f"{SECRET}://localhost",
        f"postgresql://ada:{SECRET}@localhost:port/pieces",
        f"postgresql://ada:{SECRET}@[::1/pieces",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_at_once(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database(url)
    assert "sqlite:///" in caught.value.hint
    if not url.startswith(SECRET):  # there it is no password
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_other_drivers_names_are_understood(cluster: Cluster, tmp_path: Path, opened: Opened) -> None:
    name = cluster.create()
    for scheme in ("postgres", "postgresql+psycopg2", "postgresql+asyncpg"):
        url = cluster.url(name).replace("postgresql", scheme)
        assert opened(url).upgrade().revision() == HEAD
    assert opened(f"sqlite+aiosqlite:///{tmp_path}/pieces").upgrade().revision() == HEAD


def test_the_name_shows_no_password(tmp_path: Path, opened: Opened) -> None:
    for url in (
        f"postgresql://ada:{SECRET}@localhost:5432/pieces",
        f"postgresql://localhost:5432/pieces?user=ada&password={SECRET}",
        f"postgresql://ada@localhost:5432/pieces?sslpassword={SECRET}",
    ):
        name = opened(url).name
        assert SECRET not in name
        assert "localhost:5432/pieces" in name
    assert opened(f"sqlite:///{tmp_path}/{FILE}").name == f"sqlite:///{tmp_path}/{FILE}"


def test_a_server_that_does_not_answer_is_told_without_the_password(opened: Opened) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        database = opened(f"postgresql://ada:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/pieces")
        with pytest.raises(DatabaseError, match="does not answer") as caught:
            database.upgrade()
    assert "127.0.0.1" in caught.value.message
    assert caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_password_is_told_without_the_password(cluster: Cluster, opened: Opened) -> None:
    with pytest.raises(DatabaseError, match="password") as caught:
        opened(cluster.url("postgres", GUARDED, SECRET)).upgrade()
    assert "WORKBENCH_DATABASE_URL" in caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_database_that_is_not_on_the_server_is_told(cluster: Cluster, opened: Opened) -> None:
    with pytest.raises(DatabaseError, match="nowhere") as caught:
        opened(cluster.url("nowhere")).upgrade()
    assert caught.value.hint


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "pieces", tmp_path / "no folder" / "pieces", tmp_path):
        with pytest.raises(DatabaseError, match="cannot be written") as caught:
            opened(f"sqlite:///{place}").upgrade()
        assert caught.value.hint


@pytest.mark.parametrize("keep", [0, 100])
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, opened: Opened, keep: int) -> None:
    path = tmp_path / FILE
    opened(f"sqlite:///{path}").upgrade().close()
    whole = path.read_bytes()
    damaged = whole[:keep] + b"\xa5" * (len(whole) - keep)
    path.write_bytes(damaged)
    with pytest.raises(DatabaseError, match="damaged") as caught:
        opened(f"sqlite:///{path}").upgrade()
    assert "copy" in caught.value.hint
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("folder", ["plain", "what? #1 100%25 'a' \"b\"", "曲", "a/b/c"])
def test_without_a_url_the_database_is_a_file_in_the_data_folder(tmp_path: Path, folder: str) -> None:
    database = open_database(Settings(WORKBENCH_DATA_DIR=tmp_path / folder))
    assert database.is_sqlite
    assert database.revision() == HEAD
    assert database.name.endswith(f"/{folder}/{FILE}")
    database.close()
    assert (tmp_path / folder / FILE).is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.partition("/")[0]]


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatabaseError, match="cannot be made") as caught:
        open_database(Settings(WORKBENCH_DATA_DIR=tmp_path / "file" / "data"))
    assert "WORKBENCH_DATA_DIR" in caught.value.hint


def test_the_settings_name_another_database(empty_url: str, tmp_path: Path) -> None:
    database = open_database(Settings(WORKBENCH_DATABASE_URL=empty_url, WORKBENCH_DATA_DIR=tmp_path / "data"))
    assert database.revision() == HEAD
    assert not (tmp_path / "data").exists()
    database.close()


def test_a_process_has_one_database_object_for_its_settings(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: AtOnce
) -> None:
    monkeypatch.setattr(module, "_opened", {})
    chosen = Settings(WORKBENCH_DATABASE_URL=empty_url, WORKBENCH_DATA_DIR=tmp_path / "data")
    databases = at_once(lambda _: shared_database(chosen), 8)
    assert len({id(each) for each in databases}) == 1
    other = shared_database(Settings(WORKBENCH_DATA_DIR=tmp_path / "other"))
    assert other is not databases[0]
    databases[0].close()
    other.close()


# Texts and values


@given(anything)
def test_a_storable_text_has_no_nul_and_no_half_characters(said: str) -> None:
    kept = storable(said)
    assert "\x00" not in kept
    assert kept.encode().decode() == kept == storable(kept)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_an_ordinary_text_is_stored_as_it_is(said: str) -> None:
    assert storable(said) == said


@given(values)
def test_a_storable_value_is_json_in_the_strict_sense(value: Any) -> None:
    kept = storable_json(value)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept == storable_json(kept)


@many
@given(said=anything)
def test_every_text_comes_back(database: Database, said: str) -> None:
    name = new_id()
    row = TemplateRow(name=name, version=1, parts={}, note=storable(said), visitor="", created_at=now())
    with database.writing() as session:
        session.add(row)
    with database.reading() as session:
        kept = session.get(TemplateRow, row.id)
        assert kept is not None
        assert kept.note == storable(said)


@many
@given(value=values)
def test_every_value_comes_back(database: Database, value: Any) -> None:
    choose(database, "value", value)
    assert choice(database, "value") == storable_json(value)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\udfff\ud800", "曲\x00名", "🎼", "\u2028\ufeff"])
def test_hostile_texts_are_taken(database: Database, text: str) -> None:
    choose(database, "value", {text: [text, (text,)]})
    kept = storable(text)
    assert choice(database, "value") == {kept: [kept, [kept]]}
