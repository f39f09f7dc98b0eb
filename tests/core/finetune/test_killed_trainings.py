"""A training on this machine outlives its trainer and whoever follows it, killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.core.finetune.following_material import begun, followed_elsewhere, settings_for
from tests.core.finetune.local_material import tiny_model, trains, write_rows
from workbench.core.datasets.building.build import build
from workbench.core.datasets.versions import Version, bodies
from workbench.core.finetune.practice import RECIPE, compose_practice
from workbench.core.finetune.trainings import events_of, find_training, metrics_of, try_again
from workbench.core.library.database import Database, open_database
from workbench.core.settings import Settings

pytestmark = trains
STEPS, EVERY = 50, 5
PATIENCE = 900


@pytest.fixture
def material(tmp_path: Path) -> Iterator[tuple[Database, Settings, Version, Path]]:
    """A small dataset of practice pieces, and a tiny model in the data folder."""
    settings = settings_for(tmp_path)
    database = open_database(settings)
    compose_practice(database, curator="ada", pieces=40)
    version = build(database, RECIPE, curator="ada", processes=0).version
    assert version is not None
    rows = [row for _, row in bodies(database, version.id, split="train")]
    yield database, settings, version, tiny_model(tmp_path / "models" / "tiny", write_rows(tmp_path / "t.jsonl", rows))
    database.close()


def test_no_training_and_no_point_of_its_curve_is_lost(
    material: tuple[Database, Settings, Version, Path],
) -> None:
    database, settings, version, model = material
    training = begun(
        database, settings, version, backend="local", model=str(model), lora=False, steps=STEPS, batch_size=4,
        accumulate=6, held_out=True,
    )  # fmt: skip
    lot, killed, followers, seen = random.Random(3), 0, 0, 0
    end = time.monotonic() + PATIENCE
    while True:
        calm = killed >= 1 and followers >= 2
        followers += followed_elsewhere(training.id, settings, 120 if calm else 2.0 + 2 * lot.random())
        found = find_training(database, training.id)
        assert found is not None
        assert time.monotonic() < end, found
        points = metrics_of(database, training.id)
        assert len(points) >= seen  # none is lost, also not to the next attempt
        seen = max(seen, len(points))
        if found.settled and found.state == "failed":
            assert "without a word" in found.problem
            try_again(database, training.id)
        elif found.settled:
            break
        elif found.handle and not killed and points and points[-1].step >= EVERY:
            with suppress(ProcessLookupError):
                os.killpg(int(found.handle["pid"]), signal.SIGKILL)
                killed += 1
    assert (found.state, found.problem) == ("succeeded", "")
    assert found.tries == 1 + killed > 1
    assert Path(found.model or "").joinpath("config.json").is_file()
    assert [point.step for point in points] == list(range(0, STEPS + 1, EVERY))
    assert all(point.valid_loss is not None for point in points if point.step in (0, STEPS))
    told = [event.id for event in events_of(database, training.id)]
    assert len(told) == len(set(told))
    assert any("goes on from step" in event.message for event in events_of(database, training.id))
