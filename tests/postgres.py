"""A PostgreSQL server for the tests: made in a folder of its own, reached through a socket there, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from workbench.core.library.database import Database

PROGRAMS = ("initdb", "postgres", "pg_ctl")
OWNER = "workbench"
"""The server's superuser, who needs no password here."""
GUARDED = "guarded"
"""A user whose password is asked for."""
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
    "autovacuum": "off",
    "listen_addresses": "",
}
ROOM = 2**30
"""Bytes that a server in memory may come to need, with much to spare."""
PATIENCE = 60.0
"""Seconds for a server to start or to end."""


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs: in the PATH, or where Debian keeps the newest version."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True)
    for folder in (*map(Path, os.get_exec_path()), *debian):
        if all(os.access(folder / name, os.X_OK) for name in PROGRAMS):
            return folder
    return None


class Cluster:
    """A running server. ``url`` of a database that ``create`` made opens it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def url(self, name: str, user: str = OWNER, password: str = "") -> str:
        """The URL of a database, as a person would write it into the settings."""
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@/{name}?host={self._folder}"

    def create(self, *, upgraded: bool = False) -> str:
        """Make a database without tables, or one that is up to date; its name."""
        template = self._upgraded if upgraded else "template0"
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    @cached_property
    def _upgraded(self) -> str:
        name = self.create()
        Database(self.url(name)).upgrade().close()
        return name

    def drop(self, name: str) -> None:
        """Take a database away, whoever still looks at it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run a statement as the server's superuser."""
        with psycopg.connect(host=str(self._folder), user=OWNER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_cluster(bin_folder: Path) -> Iterator[Cluster]:
    """Make a server, run it, and take it away again. As root it runs as another user, since it refuses root."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-pg-", dir=_place()))
    try:
        person: dict[str, Any] = {}
        if os.getuid() == 0:
            account = _account()
            person = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        options: dict[str, Any] = {
            **person, "cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT,
        }  # fmt: skip
        data = folder / "data"
        made = subprocess.run(
            [
                bin_folder / "initdb", "--pgdata", data, "--username", OWNER, "--encoding", "UTF8", "--locale", "C",
                "--auth", "trust", "--no-sync",
            ],
            stdout=subprocess.PIPE, text=True, check=False, **options,
        )  # fmt: skip
        assert made.returncode == 0, f"initdb failed:\n{made.stdout}"
        access = f"local all {GUARDED} scram-sha-256\nlocal all all trust\n"
        (data / "pg_hba.conf").write_text(access, "ascii")
        settings = [word for name, value in FAST.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log.txt").open("wb") as log:
            server = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, "-k", folder, *settings], stdout=log, **options
            )
        try:
            cluster = Cluster(folder)
            _wait_for(cluster, server, folder / "log.txt")
            cluster.run(f"CREATE ROLE {GUARDED} LOGIN PASSWORD 'open sesame'")
            yield cluster
        finally:
            _stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> str:
    """Memory where there is enough of it, which is many times faster; the path is short, as a socket's must be."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return str(memory) if roomy else "/tmp"


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _wait_for(cluster: Cluster, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return cluster.run("SELECT 1")
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"PostgreSQL did not start:\n{log.read_text('utf-8', 'replace')}") from None
        time.sleep(0.05)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """At once: what it holds is thrown away."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
