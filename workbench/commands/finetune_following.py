"""Following trainings from the command line: a first step, a look, and staying until the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.commands import console
from workbench.commands.finetune_words import curve_words, event_words, why_failed

if TYPE_CHECKING:
    from workbench.core.finetune.following import Follower
    from workbench.core.finetune.trainings import Training
    from workbench.core.library.database import Database

SHORT = 0.2
"""Seconds between two looks at what another process begins."""
QUIET = 2.0
"""Seconds between two lines of progress at least, unless the state changes."""
LATEST = 2_000
"""Events that are looked at for new ones."""
INTERRUPTED = 130


@contextmanager
def following(database: Database) -> Iterator[Follower]:
    """Somebody who follows trainings."""
    from workbench.core.finetune.following import Follower
    from workbench.core.settings import load_settings

    follower = Follower(load_settings(), database)
    try:
        yield follower
    finally:
        follower.close()


def begun(follower: Follower, training: Training) -> Training:
    """A training that its backend has taken or refused, or that is in trouble."""
    while True:
        found = follower.follow_once(training.id) or training
        if found.handle is not None or found.ended or found.trouble:
            return found
        time.sleep(SHORT)


def looked_at(follower: Follower, training: Training) -> Training:
    """A training as it stands now at its backend; as it is kept where another process follows it."""
    for _ in range(3):  # it is begun, heard of, and read to its end
        if training.settled:
            break
        before = _stage(training)
        training = follower.follow_once(training.id) or training
        if training.trouble or _stage(training) == before:
            break
    return training


def stay(database: Database, training: Training, told: Callable[[Training], None]) -> int:
    """Follow a training to its end; 0 where it has succeeded. Ctrl-C leaves it to go on by itself."""
    left = ""
    try:
        with following(database) as follower, console.interruptible() as go_on:

            def heard(found: Training | None) -> None:
                nonlocal left
                go_on()
                if found is not None:
                    left = "It goes on by itself" if found.handle is not None else "It is not begun yet"
                    told(found)

            found = follower.follow(training.id, heard)
    except KeyboardInterrupt:
        console.note(f"{left or 'It is kept'}. Look again: python -m workbench finetune status {training.id} --follow")
        return INTERRUPTED
    return ended_well(found or training)


def ended_well(training: Training) -> int:
    """0 where it has not failed and was not stopped; else 1, and why."""
    if training.state in ("failed", "cancelled"):
        console.complain(why_failed(training))
        return 1
    return 0


def _stage(training: Training) -> int:
    return 2 if training.ended else 0 if training.handle is None else 1


class Progress:
    """Progress on standard error: each state and trouble once, and how far the curves are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state, self._trouble, self._step, self._at = "", "", -1, 0.0

    def __call__(self, training: Training) -> None:
        """Tell what is new."""
        from workbench.core.finetune.trainings import metrics_of

        if training.trouble != self._trouble:
            self._trouble = training.trouble
            console.note(f"trouble: {training.trouble}" if training.trouble else "It answers again.")
        changed, now = training.state != self._state, time.monotonic()
        if not changed and now - self._at < QUIET:
            return
        points = metrics_of(self._database, training.id, training.tries)
        step = points[-1].step if points else -1
        if changed or step != self._step:
            self._state, self._step, self._at = training.state, step, now
            console.note(f"{training.state}{f': {curve_words(points)}' if points else ''}")


class Listening:
    """A training's events on standard output as they come in, each once; of those before only the last ``most``."""

    def __init__(self, database: Database, most: int) -> None:
        self._database, self._most = database, most
        self._told: set[str] | None = None
        self._trouble = ""

    def __call__(self, training: Training) -> None:
        """Print what is new."""
        from workbench.core.finetune.trainings import events_of

        if training.trouble != self._trouble:
            self._trouble = training.trouble
            console.note(f"trouble: {training.trouble}" if training.trouble else "It answers again.")
        events = events_of(self._database, training.id, LATEST)
        new = events[-self._most :] if self._told is None else [each for each in events if each.id not in self._told]
        self._told = {event.id for event in events}
        for event in new:
            print(event_words(event), flush=True)
