"""Who checks and measures: processes of this machine, or a Dask cluster; the same code and the same results.

With ``WORKBENCH_SCHEDULER`` it is the cluster behind that address, through its ``concurrent.futures`` interface.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
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


class Crew:
    """An executor, and how many tasks it does at the same time."""

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


def crew(settings: Settings, processes: int | None = None) -> Crew:
    """Who does the work: the cluster of the settings, else so many processes, else (0) a thread of this one.

    Raises:
        WorkbenchError: the cluster's scheduler does not answer, or has no workers.
    """
    if settings.scheduler:
        return _cluster(settings.scheduler)
    count = min(os.cpu_count() or 1, MOST) if processes is None else processes
    pool: Executor
    if count <= 0:
        pool = ThreadPoolExecutor(1, thread_name_prefix="judge")
    else:
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)
    return Crew(pool, max(count, 1), lambda: pool.shutdown(wait=True, cancel_futures=True))


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
    except (OSError, TimeoutError, ValueError) as problem:
        raise WorkbenchError(
            f"The scheduler does not answer: {type(problem).__name__}.", hint="Check WORKBENCH_SCHEDULER."
        ) from None
    if not slots:
        client.close()
        raise WorkbenchError("The scheduler has no workers.", hint="Start some: dask worker ADDRESS.")
    pool = client.get_executor(pure=False)

    def close() -> None:
        pool.shutdown(wait=False)
        client.close()

    return Crew(pool, slots, close)
