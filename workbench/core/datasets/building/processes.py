"""Work spread over processes, in order and in bounded memory."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from workbench.core.errors import WorkbenchError

Task = TypeVar("Task")
Result = TypeVar("Result")


def spread(function: Callable[[Task], Result], tasks: Iterable[Task], processes: int) -> Iterator[tuple[Task, Result]]:
    """Each task with what the function makes of it, in the order of the tasks; 0 processes work in this one.

    At most two tasks for each process are under way, so tasks are read no faster than they are done. The function is
    one of a module, tasks and results can be pickled. Stopping early, or an error, ends the processes; so does the end
    of this one, however it comes.

    Raises:
        WorkbenchError: a process died.
    """
    if processes <= 0:
        yield from ((task, function(task)) for task in tasks)
        return
    under_way: deque[tuple[Task, Future[Result]]] = deque()
    # A server's threads do not survive a fork, so they are spawned.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=end_with_parent)
    try:
        for task in tasks:
            under_way.append((task, pool.submit(function, task)))
            if len(under_way) > 2 * processes:
                done, future = under_way.popleft()
                yield done, future.result()
        while under_way:
            done, future = under_way.popleft()
            yield done, future.result()
    except BrokenProcessPool as problem:
        raise WorkbenchError(
            "A process that did a part of the work has died.", hint="Try again; with one process if it happens again."
        ) from problem
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """In a worker: end when the process that began it is gone. One that is killed cannot end its workers itself, and
    they would wait for tasks for ever."""
    parent = parent_process()

    def watch() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=watch, name="end with parent", daemon=True).start()
