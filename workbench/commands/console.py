"""Talking to a terminal: results on standard output, everything else on standard error, one line a complaint."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BROKEN_PIPE = 141
"""What a shell reports of a program that the end of a pipe stopped."""


def use_utf8() -> None:
    """Write UTF-8 whatever the locale says: flats and sharps are ordinary text here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def one_line(text: str) -> str:
    """The text in one line, without anything that a terminal would take for a command."""
    return "".join(char if char.isprintable() else "\ufffd" for char in " ".join(text.split()))


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"workbench: {one_line(text)}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """Progress: one line on standard error, without a name in front."""
    print(one_line(text), file=sys.stderr, flush=True)


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Long work that Ctrl-C stops for certain: what it gives is to be called between one piece of work and the next.

    Python drops an interrupt that comes while it tidies up after objects; here it is remembered.
    """
    asked = False

    def stop(*_: object) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    def go_on() -> None:
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield go_on
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield go_on
    finally:
        signal.signal(signal.SIGINT, before)


def print_json(value: Any) -> None:
    """A value as JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def explain_os_error(problem: OSError) -> str:
    """What the operating system refused, and what to do about it."""
    where = f"{problem.filename}: " if problem.filename else ""
    hints = {
        FileNotFoundError: "Check the path.",
        FileExistsError: "A file stands where a folder is needed: choose another folder.",
        NotADirectoryError: "A file stands where a folder is needed: choose another folder.",
        IsADirectoryError: "Name a file, not a folder.",
        PermissionError: "Check who may read and write there.",
    }
    hint = next((text for kind, text in hints.items() if isinstance(problem, kind)), "Check the path and the disk.")
    return f"{where}{(problem.strerror or str(problem)).lower()}. {hint}"


def reader_left() -> int:
    """Whoever read standard output has gone: say nothing more, and let Python's own last flush go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return BROKEN_PIPE
