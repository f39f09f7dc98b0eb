"""Who checks and measures: processes of this machine, or a Dask cluster; the same code and the same results.

With ``WORKBENCH_SCHEDULER`` it is the cluster behind that address, through its ``concurrent.futures`` interface.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

from workbench.core.datasets.building.processes import end_with_parent
from workbench.core.errors import WorkbenchError
from workbench.core.settings import Settings

T = TypeVar("T")
PATIENCE = 10.0
"""Seconds that a scheduler may take to answer."""
MOST = 8
"""Processes that are begun where nobody says how many."""
WATCH = 0.5
"""Seconds after which a worker looks whether the process that began it is still there."""


LARGE, LARGE_KEPT = 16_384, 24
"""Bytes that a cluster is sent once, and how many such it keeps."""


class Crew:
    """An executor, how many tasks it does at the same time, and how many cells (``batch``) are one task at most."""

    batch = 8

    def __init__(self, executor: Executor, slots: int, close: Callable[[], None]) -> None:
        self.executor, self.slots, self._close = executor, slots, close

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have a function of a module called, with arguments that can be pickled."""
        return self.executor.submit(function, *args)

    def close(self) -> None:
        """End it; what has not begun is left undone."""
        self._close()

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cluster(Crew):
    """A Dask cluster. Large bytes, such as a variant's kit, travel to it once and not with each task.

    They are the result of a task of their own: whoever loses them has them made again. A task is dear, so it is larger.
    """

    batch = 32

    def __init__(self, client: Any, slots: int) -> None:
        super().__init__(client.get_executor(pure=False), slots, client.close)
        self._client = client
        self._there: dict[bytes, Any] = {}

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Have a function of a module called, with arguments that can be pickled."""
        return super().submit(function, *(self._sent(each) if _is_large(each) else each for each in args))

    def close(self) -> None:
        """End it; what has not begun is left undone."""
        self._there.clear()
        self.executor.shutdown(wait=False)
        super().close()

    def _sent(self, data: bytes) -> Any:
        """What stands for the data in a task; each worker has it."""
        if data not in self._there:
            while len(self._there) >= LARGE_KEPT:
                self._there.pop(next(iter(self._there)))
            self._there[data] = self._client.submit(_same, data, pure=False)
            self._client.replicate(self._there[data])
        return self._there[data]


def _is_large(value: object) -> bool:
    return isinstance(value, bytes) and len(value) >= LARGE


def _same(data: bytes) -> bytes:
    return data


def crew(settings: Settings, processes: int | None = None, *, few: bool = False) -> Crew:
    """Who does the work: the cluster of the settings, else so many processes, else (0) a thread of this one.

    Where nobody says how many and there are but a ``few`` things to do, processes are begun only if that takes no time.

    Raises:
        WorkbenchError: the cluster's scheduler does not answer, or has no workers.
    """
    if settings.scheduler:
        return _cluster(settings.scheduler)
    at_once = _may_fork()
    count = min(os.cpu_count() or 1, MOST) if processes is None else processes
    if processes is None and few and not at_once:
        count = 0
    pool: Executor
    if count <= 0:
        pool = ThreadPoolExecutor(1, thread_name_prefix="judge")
    elif at_once:
        pool = ProcessPoolExecutor(
            count, mp_context=get_context("fork"), initializer=partial(_begin_forked, os.getpid())
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the threads are those of numpy, which knows of forks
            pool.submit(os.getpid)  # all are begun now, while there are no threads
    else:
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)
    return Crew(pool, max(count, 1), lambda: pool.shutdown(wait=True, cancel_futures=True))


def _may_fork() -> bool:
    """Whether this process may be doubled, with all that it has loaded: a server's threads would not survive that."""
    alone = threading.active_count() == 1 and threading.current_thread() is threading.main_thread()
    return alone and sys.platform == "linux"


def _begin_forked(parent: int) -> None:
    """In a worker that is a double: it has the other ends of all pipes, and would not see them closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _begin() -> None:
    """In a worker: an interrupt is for the process that began it, which then ends it in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def _cluster(address: str) -> Crew:
    try:
        from distributed import Client
    except ImportError:
        raise WorkbenchError(
            "Dask is not installed.", hint="python -m pip install -r requirements.txt, or unset WORKBENCH_SCHEDULER."
        ) from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
        slots = sum(client.nthreads().values())
    except Exception as problem:  # bad addresses and a busy machine make the client fail in many ways
        raise WorkbenchError(
            f"The scheduler does not answer: {type(problem).__name__}.", hint="Check WORKBENCH_SCHEDULER."
        ) from None
    if not slots:
        client.close()
        raise WorkbenchError("The scheduler has no workers.", hint="Start some: dask worker ADDRESS.")
    return Cluster(client, slots)
