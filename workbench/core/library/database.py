"""The database: a SQLite file by default, PostgreSQL by URL; one object for each, made once and shared by threads.

SQLite keeps a write-ahead log, waits for a writer instead of failing, and checks foreign keys. Writing is one short
transaction that takes the lock at its beginning, in both databases, so two writers follow each other and none is lost:
what a writer has read stays true until it has written.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import DatabaseError as UnreadableError
from sqlalchemy.orm import Session

from workbench.core.errors import DatabaseError
from workbench.core.library.migrations import HEAD

if TYPE_CHECKING:
    from workbench.core.settings import Settings

MIGRATIONS = Path(__file__).with_name("migrations")
FILE = "workbench.sqlite3"
_ADVISORY = 7_241_116
"""The PostgreSQL lock that a writer holds, as SQLite's file is locked by one."""
_WAIT = 15
"""Seconds that a writer waits for the one before it."""
_SECRETS = ("password", "sslpassword")
"""Where a PostgreSQL URL may hold a password besides its usual place."""


class Database:
    """A database that is up to date.

    Raises:
        DatabaseError: the URL cannot be used, nobody answers there, or it was written by a newer workbench.
    """

    def __init__(self, url: str | URL) -> None:
        self._url = _usable(url)
        self.engine = _engine(self._url)
        self._writing = self.engine.execution_options(immediate=True)

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        if self.is_sqlite:
            return f"sqlite:///{self._url.database}"
        return self._url.difference_update_query(_SECRETS).render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self._url.get_backend_name() == "sqlite"

    def upgrade(self) -> Database:
        """Bring the tables up to date; two processes at once do it one after the other."""
        with self._told():
            if self.revision() != HEAD:
                self.migrate("head")
        return self

    def revision(self) -> str | None:
        """The revision that the tables are at; None where there are none yet."""
        with self._told(), self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
            return None if row is None else str(row[0])

    def migrate(self, revision: str) -> None:
        """Go up (``head`` or a revision) or down (``base`` or an earlier one)."""
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        back = revision == "base" or revision < (self.revision() or "")  # revisions are numbered, "head" sorts after
        go = command.downgrade if back else command.upgrade
        rebuilding = self._writing.execution_options(rebuilding=True)
        with self._told(), _migrating, rebuilding.begin() as connection:
            config.attributes["connection"] = connection
            try:
                go(config, revision)
            except CommandError:
                raise DatabaseError(
                    "The database was written by a newer version of the workbench.",
                    hint="Update the workbench, or name another database in WORKBENCH_DATABASE_URL.",
                ) from None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to read with."""
        with self._told(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session to write with: committed at the end, or nothing was written."""
        with self._told(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as problem:
            message, hint = _words(problem, self.name)
            raise DatabaseError(message, hint=hint) from None
        except SQLAlchemyError as problem:
            if type(problem) is UnreadableError:  # what SQLite says of a damaged file
                message, hint = _words(problem, self.name)
                raise DatabaseError(message, hint=hint) from None
            raise DatabaseError(
                f"The database refused: {type(problem).__name__}.", hint="Try again; if it stays, look at its log."
            ) from problem


def open_database(settings: Settings) -> Database:
    """The database that the settings name, up to date; a SQLite file in the data folder by default."""
    if settings.database_url is not None:
        return Database(settings.database_url.get_secret_value()).upgrade()
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DatabaseError(
            f"The folder {folder} cannot be made: {(problem.strerror or str(problem)).lower()}.",
            hint="Name another one in WORKBENCH_DATA_DIR.",
        ) from None
    return Database(URL.create("sqlite", database=str((folder / FILE).resolve()))).upgrade()


def new_id() -> str:
    """A new random id: 16 hexadecimal digits."""
    return token_hex(8)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def storable(text: str) -> str:
    """A text as every database takes it: without NUL and without half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def storable_json(value: Any) -> Any:
    """A JSON value as every database takes it: its texts storable, and null for what is not a finite number."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {storable(name): storable_json(item) for name, item in value.items()}
    return [storable_json(item) for item in value] if isinstance(value, list | tuple) else value


def _usable(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise DatabaseError(
            "WORKBENCH_DATABASE_URL is not a database URL.",
            hint="Write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.",
        ) from None
    backend = parsed.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise DatabaseError(
            f"Databases of the kind {backend[:30]!r} are not supported.", hint="Use sqlite:/// or postgresql://."
        )
    if parsed.database in {None, "", ":memory:"}:
        raise DatabaseError("A SQLite database needs a file.", hint="Write sqlite:///FILE.")
    return parsed.set(drivername="sqlite")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        server = create_engine(
            url, pool_pre_ping=True, pool_size=8, max_overflow=24, connect_args={"connect_timeout": 10},
            hide_parameters=True,
        )  # fmt: skip

        @event.listens_for(server, "begin")
        def _locked(connection: Connection) -> None:
            if connection.get_execution_options().get("immediate"):
                connection.exec_driver_sql(
                    f"SELECT set_config('lock_timeout', '{_WAIT}s', true), pg_advisory_xact_lock({_ADVISORY})"
                )

        return server
    engine = create_engine(url, pool_size=8, max_overflow=56, connect_args={"timeout": _WAIT}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by Python's driver
        for pragma in (f"busy_timeout={_WAIT}000", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        _write_ahead(connection)

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        # A migration may rebuild a table: dropping the old one must not take along what points at it.
        connection.exec_driver_sql(f"PRAGMA foreign_keys={'OFF' if options.get('rebuilding') else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on. SQLite itself does not wait for that where two open a new file at once."""
    end = time.monotonic() + _WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.02)


def _words(problem: DBAPIError, name: str) -> tuple[str, str]:
    """What went wrong, without the statement and its values, which may be somebody's."""
    reason = str(problem.orig).lower()
    if "locked" in reason or "busy" in reason or "lock timeout" in reason:
        return "The database is busy.", "Try again in a moment."
    if "full" in reason or "disk i/o" in reason:
        return "The disk is full, or cannot be written.", "Make room, then try again."
    if "readonly" in reason or "read-only" in reason or "unable to open" in reason:
        return f"The database {name} cannot be written.", "Check who may write there, or name another in the settings."
    if "password" in reason or "authentication" in reason:
        return f"The database {name} refuses the user or the password.", "Check WORKBENCH_DATABASE_URL."
    if "malformed" in reason or "not a database" in reason:
        return f"{name} is not a database, or it is damaged.", "Bring it back from a copy, or name another."
    return f"The database {name} does not answer as it should.", "Check that it runs and that its URL is right."


_migrating = threading.Lock()
"""Alembic migrates one database at a time in a process: its context is a global one."""
_opened: dict[tuple[str, str], Database] = {}
_opening = threading.Lock()


def shared_database(settings: Settings) -> Database:
    """The one database object of this process for these settings, opened when it is first asked for."""
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    place = (url, str(settings.data_dir.resolve()))
    with _opening:
        if place not in _opened:
            _opened[place] = open_database(settings)
        return _opened[place]
