"""What a tuned model was made of: its training or another's, its dataset versions, and whether their rights stand.

A model that was tuned further is made of all that its base was made of, as far as the base was tuned here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select

from workbench.core.datasets.versions import Version, find_version, version_named
from workbench.core.datasets.withdrawn import IMPORTS, withdrawn
from workbench.core.errors import InvalidInputError
from workbench.core.library.choices import choice
from workbench.core.library.curation import revision
from workbench.core.library.database import Database, storable, storable_json
from workbench.core.library.tuning_tables import TrainingRow, TunedModelRow

PROVIDERS_TERMS = "provider's terms"
CURVES = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")
MAX_LICENCE, MAX_BASE = 120, 400
_GENERATIONS = 20
"""How often a model may have been tuned further before its line is no longer followed."""


@dataclass(frozen=True)
class Made:
    """What is known of a model before it is registered. ``lineage`` is a JSON object."""

    model: str
    endpoint: str
    base: str
    licence: str
    lineage: Mapping[str, Any]
    training_id: str | None = None
    version_id: str | None = None
    dataset_hash: str = ""


def served_name(training: str, step: int | None = None) -> str:
    """The id under which a model that was trained here is served: of its end, or of its checkpoint at a step."""
    return f"ft:{training}" if step is None else f"ft:{training}:{step}"


def of_training(
    database: Database, training: str, *, model: str, endpoint: str, base: str, version: str, licence: str
) -> Made:
    """What a training made: its model, or the checkpoint that ``model`` names.

    A model in a folder needs the endpoint that serves it. With an endpoint, ``model`` may be any name it has there.

    Raises:
        InvalidInputError: no such training, or it has made nothing; what is given contradicts it; no licence is known.
    """
    with database.reading() as session:
        row = session.get(TrainingRow, storable(training)[:40])
    if row is None:
        raise InvalidInputError("There is no such training.", hint="Choose one that succeeded.", field="training")
    if row.state != "succeeded" or not row.model:
        raise InvalidInputError(
            f"The training has not succeeded: it is {row.state}.", hint="Wait for its end, or try it again.",
            field="training",
        )  # fmt: skip
    for field, given, known in (("base", base, row.base), ("version", version, row.version_id)):
        if given and given != known:
            raise InvalidInputError("It contradicts the training.", hint=f"Leave it empty: it is {known}.", field=field)
    found = find_version(database, row.version_id)
    if found is None:
        raise InvalidInputError(
            "The dataset version of this training is not here, so its rights cannot be looked up.",
            hint="Register it where the dataset is.", field="training",
        )  # fmt: skip
    name, step = _which(row, model, endpoint)
    return Made(
        name, endpoint or row.endpoint, row.base, licence or _licence(row), _told(database, row, found, step),
        row.id, found.id, row.dataset_hash or found.content_hash,
    )  # fmt: skip


def by_hand(database: Database, *, model: str, endpoint: str, base: str, version: str, licence: str) -> Made:
    """A model that was trained elsewhere; ``version`` names the dataset version that it was trained on, where one was.

    Raises:
        InvalidInputError: no base or no licence is given, or there is no such version.
    """
    if not base:
        raise InvalidInputError("It is not told what was tuned.", hint="Name the base model.", field="base")
    found = version_named(database, version) if version else None
    lineage: dict[str, Any] = {"trained": "elsewhere"}
    if found is not None:
        lineage |= _dataset(found)
    return Made(
        model, endpoint, base, licence, lineage,
        version_id=found.id if found else None, dataset_hash=found.content_hash if found else "",
    )  # fmt: skip


class Behind:
    """The versions behind models, and what of them was withdrawn since; each is looked up once, so keep it short.

    One that is ``remembered`` takes what was found for the same state of the library before: for pages, not for gates.
    """

    def __init__(self, database: Database, *, remembered: bool = False) -> None:
        self._database = database
        self._state = _state(database) if remembered else None
        self._tuned: dict[str, set[tuple[str | None, str]]] | None = None
        self._withdrawn: dict[str, dict[str, str]] = {}

    def versions(self, version: str | None, base: str) -> tuple[str, ...]:
        """The dataset versions behind a model of this version and base, its own first."""
        found = dict.fromkeys([version] if version else [])
        bases, seen = {base}, {base}
        for _ in range(_GENERATIONS):
            parents = {each for name in bases for each in self._parents().get(name, ())}
            found |= dict.fromkeys(sorted(id for id, _ in parents if id))
            bases = {name for _, name in parents} - seen
            seen |= bases
            if not bases:
                break
        return tuple(found)

    def withdrawn(self, version: str | None, base: str) -> dict[str, str]:
        """The sources behind it that may no longer be used, and why."""
        found: dict[str, str] = {}
        for id in self.versions(version, base):
            if id not in self._withdrawn:
                known = self._state and _remembered(self._database, id, *self._state)
                self._withdrawn[id] = withdrawn(self._database, id) if known is None else known
            found |= self._withdrawn[id]
        return found

    def _parents(self) -> dict[str, set[tuple[str | None, str]]]:
        """By the name that a model has as a base: its version and its own base."""
        if self._tuned is None:
            self._tuned = {}
            trained = select(
                TrainingRow.model, TrainingRow.checkpoints, TrainingRow.version_id, TrainingRow.base
            ).where(TrainingRow.model.is_not(None))
            registered = select(TunedModelRow.model, TunedModelRow.version_id, TunedModelRow.base)
            with self._database.reading() as session:
                known = [(model, version, base) for model, version, base in session.execute(registered).all()]
                for model, checkpoints, version, base in session.execute(trained).all():
                    known += [(name, version, base) for name, _ in _checkpoints(checkpoints)]
                    known.append((str(model), version, base))
            for model, version, base in known:
                self._tuned.setdefault(model, set()).add((version, base))
        return self._tuned


def _state(database: Database) -> tuple[int, tuple[str, ...], date]:
    """What the answer depends on: the library, the imports that were withdrawn, and the day, since permits run out."""
    return revision(database), tuple(choice(database, IMPORTS) or ()), date.today()


@lru_cache(maxsize=128)
def _remembered(
    database: Database, version: str, library: int, imports: tuple[str, ...], day: date  # noqa: ARG001
) -> dict[str, str]:  # fmt: skip
    return withdrawn(database, version)


def told_withdrawn(sources: Mapping[str, str]) -> str:
    """In a sentence: that rights were withdrawn, with the first reason; empty where none were."""
    if not sources:
        return ""
    count = len(sources)
    first = next(iter(sources.values()))
    return f"The rights of {count} {'source' if count == 1 else 'sources'} of its dataset were withdrawn: {first}"


def _which(row: TrainingRow, model: str, endpoint: str) -> tuple[str, int | None]:
    """The id that the model is asked by, and its step where it is a checkpoint."""
    assert row.model is not None
    folder = Path(row.model).is_absolute()
    if folder and not endpoint:
        raise InvalidInputError(
            "A model that was trained here needs the endpoint that serves it.",
            hint="Serve it, then give the endpoint's address.", field="endpoint",
        )  # fmt: skip
    steps = {**dict(_checkpoints(row.checkpoints)), row.model: None}
    names = {name: served_name(row.id, step) if folder else name for name, step in steps.items()}
    wanted = model or row.model
    for name, step in steps.items():
        if wanted in (name, names[name]):
            return names[name], step
    if not endpoint:
        raise InvalidInputError(
            "The training made no model of this id.",
            hint="Leave it empty, or give the endpoint that serves it under this id.", field="model",
        )  # fmt: skip
    return model, None


def _checkpoints(kept: Iterable[Any] | None) -> list[tuple[str, int]]:
    return [
        (each["model"], int(each["step"]))
        for each in kept or ()
        if isinstance(each, dict) and isinstance(each.get("model"), str) and isinstance(each.get("step"), int)
    ]


def _licence(row: TrainingRow) -> str:
    """The licence that was known when it was ordered; at a hosted service the provider's terms hold otherwise."""
    said = next((str(kept["licence"]) for kept in (row.plan, row.offer) if kept.get("licence")), "")[:MAX_LICENCE]
    if said or row.backend == "openai" or row.offer.get("uploads"):
        return said or PROVIDERS_TERMS
    from workbench.core.finetune.local.cards import licence_of

    folder = Path(row.base)
    return licence_of(folder) if folder.is_absolute() else ""


def _told(database: Database, row: TrainingRow, version: Version, step: int | None) -> dict[str, Any]:
    lineage = {
        "trained": "here" if row.backend == "local" else row.backend, "training": row.name, "method": row.method,
        "result": row.model, "step": step, "plan": row.plan, "metrics": _metrics(database, row.id, step),
        "trained_tokens": row.trained_tokens, "seconds": row.seconds, "compliance": row.compliance,
    }  # fmt: skip
    found: dict[str, Any] = storable_json({**lineage, **_dataset(version)})
    return found


def _dataset(version: Version) -> dict[str, Any]:
    return {"dataset": version.label, "rows": version.rows, "recipe": dict(version.recipe)}


def _metrics(database: Database, training: str, step: int | None) -> dict[str, Any]:
    """The first and last value of each curve, up to a checkpoint's step, and the number of points."""
    from workbench.core.finetune.trainings import metrics_of  # takes as long as all else here together

    points = [each for each in metrics_of(database, training) if step is None or each.step <= step]
    found: dict[str, Any] = {"points": len(points)}
    for curve in CURVES:
        values = [(each.step, getattr(each, curve)) for each in points if getattr(each, curve) is not None]
        if values:
            found[curve] = {"first": _point(*values[0]), "last": _point(*values[-1])}
    return found


def _point(step: int, value: float) -> dict[str, Any]:
    return {"step": step, "value": value}
