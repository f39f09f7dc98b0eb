"""What a training has done for the format: its model and the untuned one are asked the same held-out requests.

Nothing holds them to the schema meanwhile, and each answer is looked at before any repair. Models on this machine are
served for as long as it takes; at a hosted service every request is billed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select

from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import bodies
from workbench.core.errors import ConflictError, InvalidInputError, WorkbenchError
from workbench.core.finetune.backends import make_backend
from workbench.core.finetune.compliance import ROWS, endpoint_asker, measure
from workbench.core.finetune.files import training_folder
from workbench.core.finetune.serving.process import served
from workbench.core.finetune.trainings import Training, find_training, keep_compliance
from workbench.core.generate.secrecy import scrubber
from workbench.core.library.database import Database, now
from workbench.core.library.dataset_tables import DatasetRow
from workbench.core.library.generations import is_gone, new_owner
from workbench.core.settings import Settings

LOG = "measuring.log"
SUBJECTS: tuple[Literal["base", "tuned"], ...] = ("base", "tuned")
SPARE, LEAST_TOKENS, MOST_TOKENS = 3.0, 256, 16_000
"""An answer may have so many times the tokens of the longest that was trained on: vocabularies differ."""
SPARE_EXACT = 1.25
"""The same where the tokens are the model's own."""
SILENT = timedelta(seconds=120)
"""Without a word for so long, a measurement has been interrupted."""
TELL = 1.0
"""Seconds between two words of progress in the database."""

_log = logging.getLogger(__name__)
_here: set[str] = set()
"""The trainings that this process measures."""
_guard = threading.Lock()


class StoppedMeasuring(Exception):  # noqa: N818 - nothing went wrong
    """Somebody has stopped it."""


def measure_training(
    database: Database, settings: Settings, id: str, *, rows: int = ROWS,
    told: Callable[[str, int, int], None] = lambda *_: None,
) -> Mapping[str, Any]:  # fmt: skip
    """Measure a training that has succeeded, here and now; what is kept of it, and read on its page.

    ``told`` hears who is asked, how many requests are done and of how many; what it raises ends it.

    Raises:
        InvalidInputError: there is no such training, it has made no model, or there is no held-out row.
        ConflictError: it is being measured just now.
        WorkbenchError: a model cannot be asked.
    """
    training = find_training(database, id)
    if training is None or training.state != "succeeded" or not training.model:
        raise InvalidInputError("Only a training that has succeeded can be measured.", hint="Wait for its end.")
    asked = _held_out(database, training, rows)
    with _guard:
        if measured_by(training):
            raise ConflictError("It is being measured just now.", hint="Wait for its end.")
        _here.add(id)
    total = len(SUBJECTS) * len(asked)
    state: dict[str, Any] = {"state": "running", "owner": new_owner(), "done": 0, "total": total, "message": ""}
    last = -TELL

    def tell(**changes: Any) -> None:
        state.update(changes, at=now().isoformat())
        keep_compliance(database, id, state)

    try:
        tell()
        with _endpoint(settings, training) as (url, names, key):
            limit = _most_tokens(database, training)
            for number, subject in enumerate(SUBJECTS):

                def heard(done: int, _: int, before: int = number * len(asked), who: str = subject) -> None:
                    nonlocal last
                    told(who, before + done, total)
                    if time.monotonic() - last >= TELL:
                        last = time.monotonic()
                        tell(done=before + done, subject=who)

                with endpoint_asker(url, names[subject], api_key=key, max_tokens=limit) as ask:
                    found = measure(ask, asked, most=len(asked), told=heard)
                tell(**{subject: found.to_dict(), "done": (number + 1) * len(asked)})
        tell(state="done", measured_at=now().isoformat())
    except (StoppedMeasuring, KeyboardInterrupt):
        tell(state="failed", message="It was stopped.")
        raise
    except WorkbenchError as problem:
        tell(state="failed", message=scrubber(settings)(str(problem)))
        raise
    except BaseException as problem:
        tell(state="failed", message=f"It failed: {type(problem).__name__}.")
        raise
    finally:
        _here.discard(id)
    return state


class Measurements:
    """Measurements that run beside a page; one at a time for each training."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._stops: dict[str, threading.Event] = {}

    def begin(self, id: str, *, rows: int = ROWS) -> None:
        """Begin to measure a training.

        Raises:
            InvalidInputError: it cannot be measured.
        """
        training = find_training(self._database, id)
        if training is None or training.state != "succeeded":
            raise InvalidInputError("Only a training that has succeeded can be measured.", hint="Wait for its end.")
        if self.runs(id) or measured_by(training):
            return
        stop = self._stops[id] = threading.Event()
        keep_compliance(
            self._database, id,
            {"state": "running", "owner": "", "done": 0, "total": 0, "message": "", "at": now().isoformat()},
        )  # fmt: skip
        threading.Thread(target=self._run, args=(id, rows, stop), name=f"measuring {id}", daemon=True).start()

    def runs(self, id: str) -> bool:
        """Whether it runs in this process, and can be stopped here."""
        return id in self._stops

    def stop(self, id: str) -> None:
        """Stop it after the request at hand."""
        if id in self._stops:
            self._stops[id].set()

    def _run(self, id: str, rows: int, stop: threading.Event) -> None:
        def told(*_: object) -> None:
            if stop.is_set():
                raise StoppedMeasuring

        try:
            measure_training(self._database, self._settings, id, rows=rows, told=told)
        except StoppedMeasuring:
            pass  # it is written down
        except WorkbenchError as problem:
            training = find_training(self._database, id)
            if training is not None and (training.compliance or {}).get("state") == "running":
                keep_compliance(self._database, id, {"state": "failed", "message": str(problem)})
        except Exception:
            _log.exception("a measurement failed")
        finally:
            self._stops.pop(id, None)


def measured_by(training: Training) -> bool:
    """Whether somebody measures a training now: this process, or one that lives and has said something lately."""
    state = training.compliance or {}
    if training.id in _here:
        return True
    if state.get("state") != "running" or not state.get("owner"):
        return False
    try:
        at = datetime.fromisoformat(str(state.get("at")))
    except ValueError:
        return False
    return now() - at < SILENT and not is_gone(str(state["owner"]), at, now())


def _held_out(database: Database, training: Training, most: int) -> list[Row]:
    """The test rows of the training's dataset, else its validation rows; none of them was trained on."""
    for split in ("test", "validation"):
        found = [row for _, row in islice(bodies(database, training.version_id, split=split), most)]
        if found:
            return found
    raise InvalidInputError(
        "The dataset has no rows that were held out.", hint="Build one with a share for test or validation."
    )


def _most_tokens(database: Database, training: Training) -> int:
    """How long an answer may be: a model that never learned to end would write on to the end of its context."""
    exact = _longest_answer(database, training)
    if exact is not None:
        return int(min(MOST_TOKENS, max(LEAST_TOKENS, SPARE_EXACT * exact)))
    with database.reading() as session:
        longest = session.scalar(
            select(func.max(DatasetRow.tokens_out)).where(
                DatasetRow.version_id == training.version_id, DatasetRow.split == "train"
            )
        )
    return int(min(MOST_TOKENS, max(LEAST_TOKENS, SPARE * (longest or 0))))


def _longest_answer(database: Database, training: Training) -> int | None:
    """Tokens of the longest answer that was trained on, by the vocabulary of a base model on this machine."""
    vocabulary = Path(training.base) / "tokenizer.json"
    if not vocabulary.is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(vocabulary))
    rows = bodies(database, training.version_id, split="train")
    return max((len(tokenizer.encode(row.answer, add_special_tokens=False).ids) for _, row in rows), default=None)


@contextmanager
def _endpoint(settings: Settings, training: Training) -> Iterator[tuple[str, Mapping[str, str], str | None]]:
    """Where both models answer, what each is called there, and the key."""
    model = str(training.model)
    if not make_backend(training.backend, settings).remote:
        folder = training_folder(settings, training.id)
        models = {"base": training.base, "tuned": str(Path(model))}
        with served(models, grammar=False, log=folder / LOG) as url:
            yield url, {name: name for name in SUBJECTS}, None
        return
    backend = make_backend(training.backend, settings)
    if backend.place != training.endpoint:
        raise InvalidInputError(
            f"It was trained at {training.endpoint}, and the workbench is set up for {backend.place}.",
            hint="Set OPENAI_BASE_URL to where it is.",
        )
    key = settings.openai_api_key
    url = settings.openai_base_url or training.endpoint
    yield url, {"base": training.base, "tuned": model}, key.get_secret_value() if key else None
