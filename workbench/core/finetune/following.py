"""Following trainings: begin what was asked for, listen to backends, keep what they tell, pass on a wish to stop.

One process follows a training at a time, and says in the database that it lives. When it is gone, another takes over
where it was: a training outlives the workbench, and nothing is uploaded or begun twice.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from workbench.core.datasets.versions import find_version
from workbench.core.errors import ModelError, ModelRefusedError, WorkbenchError
from workbench.core.finetune import trainings
from workbench.core.finetune.backends import Backend, make_backend
from workbench.core.finetune.offers import order_of
from workbench.core.finetune.training import Status
from workbench.core.finetune.trainings import Training
from workbench.core.generate.secrecy import scrubber
from workbench.core.library.database import Database, now
from workbench.core.library.generations import new_owner
from workbench.core.settings import Settings

BEAT = 2.0
"""Seconds between two signs of life, and between two looks for trainings that nobody follows."""
REST = 15.0
"""Seconds for which a training is left alone when its backend does not answer."""
GIVE_UP = timedelta(minutes=10)
"""How long after its end a training is still asked for its last words."""

_log = logging.getLogger(__name__)


class Follower:
    """Follows the trainings of a database, in threads of its own, until it is closed."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self.owner = new_owner()
        self._scrub = scrubber(settings)
        self._closed = threading.Event()
        self._woken = threading.Event()
        self._guard = threading.Lock()
        self._followed: dict[str, threading.Thread] = {}
        self._rests: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        self._backends: dict[str, Backend] = {}

    def start(self) -> Follower:
        """Begin to follow, beside whatever else this process does."""
        self._thread = threading.Thread(target=self._run, name="trainings", daemon=True)
        self._thread.start()
        atexit.register(self.close)
        return self

    def wake(self) -> None:
        """Look at once for what has changed: a training was begun, tried again, or is to stop."""
        with self._guard:
            self._rests.clear()
        self._woken.set()

    def close(self) -> None:
        """Leave every training to whoever comes next; they go on by themselves."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._woken.set()
        for thread in [*self._followed.values(), *([self._thread] if self._thread else [])]:
            thread.join(5.0)
        atexit.unregister(self.close)

    def follow_once(self, id: str) -> Training | None:
        """Do what can be done for one training now, and leave it again; None where there is none.

        Where another process follows it, it is only read.
        """
        if trainings.claim(self._database, id, self.owner) is not None:
            try:
                with self._beating():
                    self._step(id)
            finally:
                trainings.let_go(self._database, id, self.owner)
        return trainings.find_training(self._database, id)

    def follow(self, id: str, told: Callable[[Training | None], None] = lambda _: None) -> Training | None:
        """Follow one training to its end, here; ``told`` hears how it stands, and an error that it raises ends this."""
        while True:
            found = self.follow_once(id)
            told(found)
            if found is None or (found.ended and found.settled):
                return found
            time.sleep(self._backend(found.backend).pace)

    @contextmanager
    def _beating(self) -> Iterator[None]:
        """Say all the while that this process lives: an upload may take long."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(BEAT):
                with suppress(WorkbenchError):
                    trainings.beat(self._database, self.owner)

        thread = threading.Thread(target=beat, name="beats", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    # --- the threads -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                if any(thread.is_alive() for thread in list(self._followed.values())):
                    trainings.beat(self._database, self.owner)
                for training in trainings.unsettled(self._database):
                    self._take(training)
            except WorkbenchError as problem:
                _log.warning("trainings could not be looked for: %s", problem.message)
            except Exception:
                _log.exception("trainings could not be looked for")
            self._woken.wait(BEAT)
            self._woken.clear()

    def _take(self, training: Training) -> None:
        with self._guard:
            at_it = self._followed.get(training.id)
            if at_it is not None and at_it.is_alive():
                return
            if self._rests.get(training.id, 0.0) > time.monotonic():
                return
        if trainings.claim(self._database, training.id, self.owner) is None:
            return
        thread = threading.Thread(target=self._attend, args=(training,), name=f"training {training.id}", daemon=True)
        with self._guard:
            self._followed[training.id] = thread
        thread.start()

    def _attend(self, training: Training) -> None:
        """Follow one training until it is settled, its backend falls silent, or this is closed."""
        pace = self._backend(training.backend).pace
        try:
            while not self._closed.is_set() and self._step(training.id):
                self._closed.wait(pace)
        except Exception:
            _log.exception("a training could not be followed")
            self._rest(training.id)
        finally:
            try:
                trainings.let_go(self._database, training.id, self.owner)
            except WorkbenchError as problem:  # the next claim sees that nobody beats
                _log.warning("a training could not be let go: %s", problem.message)

    def _backend(self, name: str) -> Backend:
        """A backend by its name, made once: getting ready for connections takes a while."""
        if name not in self._backends:
            self._backends[name] = make_backend(name, self._settings)
        return self._backends[name]

    def _rest(self, id: str) -> None:
        with self._guard:
            self._rests[id] = time.monotonic() + REST

    # --- one look ----------------------------------------------------------------------------------------------------

    def _step(self, id: str) -> bool:
        """Do what can be done for a training now; whether there is more to do soon."""
        training = trainings.find_training(self._database, id)
        if training is None or training.settled or training.owner != self.owner:
            return False
        try:
            backend = self._backend(training.backend)
            if training.ended:
                self._settle(training, backend)
                return False
            if backend.place != training.endpoint:
                raise WorkbenchError(
                    f"It is trained at {training.endpoint}, and the workbench is set up for {backend.place}.",
                    hint="Set OPENAI_BASE_URL to where it is.",
                )
            if training.handle is None:
                return self._begin(training, backend)
            return self._listen(training, training.handle, backend)
        except WorkbenchError as problem:
            if training.handle is not None and getattr(problem, "kind", "") == "http-404":
                trainings.failed(self._database, id, self.owner, "The endpoint no longer knows this training.")
                return True
            trainings.in_trouble(self._database, id, self.owner, self._scrub(str(problem)))
            self._rest(id)
            return False

    def _begin(self, training: Training, backend: Backend) -> bool:
        """Hand a training to its backend, unless it was stopped before."""
        database, id = self._database, training.id
        if training.cancel and not backend.taken(training.kept):
            trainings.stands(database, id, self.owner, Status("cancelled"))
            return True
        version = find_version(database, training.version_id)
        if version is None:
            trainings.failed(database, id, self.owner, "Its dataset is no longer there.", "Choose another version.")
            return True

        def keep(kept: Mapping[str, Any]) -> None:
            if not trainings.keep(database, id, self.owner, kept):
                raise WorkbenchError("Somebody else follows this training now.")

        try:
            order = order_of(
                database, self._settings, backend, training.wish, id=id, version=version, method=training.method,
                licence=training.licence,
            )  # fmt: skip
            if not training.kept:
                backend.refuse(order)  # the disk, the model and the rights may have changed since it was confirmed
            handle = backend.start(order, training.kept, keep)
        except ModelError as problem:
            if not isinstance(problem, ModelRefusedError):
                raise  # it may work the next time, and nothing is done twice
            trainings.failed(database, id, self.owner, self._scrub(problem.message), self._scrub(problem.hint))
            return True
        except WorkbenchError as problem:
            trainings.failed(database, id, self.owner, self._scrub(problem.message), self._scrub(problem.hint))
            return True
        trainings.started(database, id, self.owner, handle)
        return True

    def _listen(self, training: Training, handle: Mapping[str, Any], backend: Backend) -> bool:
        """Hear how a training stands, and keep all that is new."""
        database, id = self._database, training.id
        if training.cancel == trainings.ASKED:
            backend.cancel(handle)
            trainings.passed_on(database, id, self.owner)
        status = backend.status(handle)  # before the events, so that an ended one has told them all
        trainings.keep_events(database, id, backend.events(handle, trainings.last_event(database, id)))
        last = max((point.step for point in trainings.metrics_of(database, id, training.tries)), default=-1)
        trainings.keep_metrics(database, id, training.tries, backend.metrics(handle, last))
        trainings.stands(database, id, self.owner, status)
        return True

    def _settle(self, training: Training, backend: Backend) -> None:
        """Read an ended training once more from its beginning: result files hold what events may have left out."""
        if training.handle is not None and backend.place == training.endpoint:
            try:
                trainings.keep_events(self._database, training.id, backend.events(training.handle))
                trainings.keep_metrics(self._database, training.id, training.tries, backend.metrics(training.handle))
            except WorkbenchError as problem:
                lately = training.ended_at is None or now() - training.ended_at < GIVE_UP
                if lately and not isinstance(problem, ModelRefusedError):
                    raise
        trainings.settle(self._database, training.id, self.owner)
