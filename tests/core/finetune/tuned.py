"""What tests of the registry and the rollout begin with: trainings that ended, and models from elsewhere."""

from __future__ import annotations

from typing import Any

from workbench.core.finetune.models import TunedModel, register
from workbench.core.finetune.trail import trail
from workbench.core.library.database import Database, new_id, now
from workbench.core.library.tuning_tables import TrainingMetricRow, TrainingRow

ENDPOINT = "http://127.0.0.1:8001/v1"
REASON = "Heard by all of us, and good."


def a_training(database: Database, version: str, **more: Any) -> str:
    """The id of a training that succeeded at a hosted service, with two checkpoints and its curves."""
    told: dict[str, Any] = {
        "id": new_id(), "name": "first", "backend": "openai", "endpoint": "https://api.example.org/v1",
        "method": "supervised", "base": "small-1", "version_id": version, "dataset_hash": version * 4,
        "plan": {"epochs": 3}, "offer": {}, "state": "succeeded", "kept": {}, "model": "ft:small-1::end",
        "checkpoints": [{"step": 2, "model": "ft:small-1::two"}, {"step": 4, "model": "ft:small-1::four"}],
        "trained_tokens": 900, "seconds": 61.5, "beat_at": now(), "created_at": now(),
    } | more  # fmt: skip
    with database.writing() as session:
        session.add(TrainingRow(**told))
        session.flush()
        for step, train, valid in ((0, 4.0, None), (2, 2.0, 2.5), (4, 1.0, 1.5), (6, 0.5, None)):
            session.add(
                TrainingMetricRow(training_id=told["id"], attempt=1, step=step, train_loss=train, valid_loss=valid)
            )
    return str(told["id"])


def a_model(database: Database, name: str = "A", **more: Any) -> TunedModel:
    """A model that was trained elsewhere, registered by hand."""
    told = {"model": f"ft:{name}", "endpoint": ENDPOINT, "base": "small-1", "licence": "Apache-2.0", "curator": "ada"}
    return register(database, name=name, **told | more)


def actions(database: Database) -> list[str]:
    """What was done, oldest first."""
    return [each.action for each in reversed(trail(database, 1_000))]
