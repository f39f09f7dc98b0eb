"""Engraved pages, from a worker process that may crash or hang without harm.

verovio is native code, and some inputs bring it down; the process that does so takes nobody with it and is started anew
for the next score.
"""

from __future__ import annotations

import atexit
import json
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from workbench.core.errors import EngravingError

MAX_BYTES = 20_000_000
_WORKER = Path(__file__).with_name("_engraver.py")


class Engraver:
    """One worker process, started at first use, shared by all threads, restarted when it dies."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-P", str(_WORKER))) -> None:
        self.command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def engrave(self, musicxml: bytes, *, timeout: float = 20.0) -> tuple[str, ...]:
        """The pages of a score as SVG documents.

        Args:
            musicxml: the score.
            timeout: seconds until the worker is given up, waiting for others' scores included.

        Raises:
            EngravingError: verovio refused the score, crashed over it, or took too long.
        """
        if len(musicxml) > MAX_BYTES:
            raise EngravingError(
                f"The score is {len(musicxml) / 1e6:.0f} MB of MusicXML; at most {MAX_BYTES / 1e6:.0f} are engraved.",
                hint="Engrave its sections as pieces of their own, or open the MusicXML in a notation program.",
            )
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            raise EngravingError("The engraver is busy with other scores.", hint="Try again in a moment.")
        try:
            answer = self._ask(musicxml, deadline)
            if answer is None and time.monotonic() < deadline:
                # The worker may have died of something else, so the score gets one more chance.
                answer = self._ask(musicxml, deadline)
        finally:
            self._lock.release()
        if answer is None:
            late = time.monotonic() >= deadline
            raise EngravingError(
                f"The engraver took longer than {timeout:g} seconds."
                if late
                else "The engraver crashed over this score.",
                hint="The rest of the piece is unharmed; the MusicXML opens in any notation program.",
            )
        if "error" in answer:
            raise EngravingError(
                f"The engraver cannot draw this score ({answer['error']}).",
                hint="Run `make setup` to install verovio again."
                if "ModuleNotFoundError" in answer["error"]
                else "The rest of the piece is unharmed; the MusicXML opens in any notation program.",
            )
        return tuple(answer["pages"])

    def close(self) -> None:
        """End the worker; the next call starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # bytes that the dead worker will never read
                        pipe.close()

    def _ask(self, musicxml: bytes, deadline: float) -> dict[str, list[str]] | None:
        """The worker's answer; None when it died or had to be killed."""
        process = self._started()
        watch = threading.Timer(max(0.0, deadline - time.monotonic()), process.kill)
        watch.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(struct.pack(">I", len(musicxml)) + musicxml)
            process.stdin.flush()
            head = process.stdout.read(4)
            size = struct.unpack(">I", head)[0] if len(head) == 4 else -1
            body = process.stdout.read(size) if size >= 0 else b""
            if size >= 0 and len(body) == size:
                answer: dict[str, list[str]] = json.loads(body)
                return answer
        except OSError:
            pass  # the pipe broke: the worker is gone
        finally:
            watch.cancel()
        self.close()
        return None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            except OSError as problem:
                raise EngravingError(
                    f"The engraver cannot be started: {problem}.", hint="Run `make setup` and try again."
                ) from problem
        return self._process


@cache
def _shared() -> Engraver:
    engraver = Engraver()
    atexit.register(engraver.close)
    return engraver


def engrave(musicxml: bytes, *, timeout: float = 20.0) -> tuple[str, ...]:
    """The pages of a score as SVG documents, from a worker that all callers share.

    Raises:
        EngravingError: see ``Engraver.engrave``.
    """
    return _shared().engrave(musicxml, timeout=timeout)
