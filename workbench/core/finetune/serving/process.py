"""A model server beside the workbench: started, waited for, and ended with whatever needed it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workbench.core.errors import WorkbenchError
from workbench.core.finetune.local.environment import beside_environment

PATIENCE = 600.0
"""Seconds that a server has to load its models."""
_GRACE = 10.0
_READY = re.compile(r"^Serving .+ at (http://127\.0\.0\.1:\d+/v1)$", re.MULTILINE)


@contextmanager
def served(models: Mapping[str, str | Path], *, grammar: bool = True, log: Path, port: int = 0) -> Iterator[str]:
    """Serve models, by name, from folders or ids on the hub; the base URL, such as ``http://127.0.0.1:4711/v1``.

    Without ``grammar`` no answer is held to a schema. ``port`` 0 takes any free one.

    What the server prints is added to ``log``. It ends with this block, and with this process at the latest.

    Raises:
        WorkbenchError: it could not be started; the message is the server's own last word.
    """
    log = log.resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    sources = [str(Path(model).resolve()) if Path(model).is_dir() else str(model) for model in models.values()]
    names = [word for name in models for word in ("--name", name)]
    options = ["--port", str(port), "--tied", *(() if grammar else ("--no-grammar",))]
    with log.open("ab") as written:
        begin = written.tell()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "workbench", "serve-model", *options, *names, "--", *sources],
                cwd=log.parent, env=beside_environment(), stdin=subprocess.PIPE, stdout=written, stderr=written,
                start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            raise WorkbenchError(
                f"The model server cannot be started: {problem.strerror}.", hint="Try again."
            ) from None
    try:
        yield _url(process, log, begin)
    finally:
        _end(process)


def _url(process: subprocess.Popen[bytes], log: Path, begin: int) -> str:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        ended = process.poll() is not None  # looked at before the log: a server says why first and ends then
        said = log.read_bytes()[begin:].decode("utf-8", "replace")
        if ready := _READY.search(said):
            return ready[1]
        if ended:
            lines = [line for line in said.splitlines() if line.strip()]
            last = lines[-1].removeprefix("workbench: ")[:500] if lines else f"exit code {process.returncode}"
            raise WorkbenchError(f"The model server ended: {last}", hint=f"All that it printed is in {log.name}.")
        time.sleep(0.05)
    raise WorkbenchError(
        f"The model server was not ready within {PATIENCE:g} seconds.", hint=f"What it printed is in {log.name}."
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
