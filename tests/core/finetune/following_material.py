"""What following trainings is tested with: a workbench on a data folder, and trainings that are begun in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import Loopback

from tests.core.datasets.small_version import ROOT
from workbench.core.datasets.versions import Version
from workbench.core.finetune.offers import offer
from workbench.core.finetune.trainings import Training, begin, find_training
from workbench.core.finetune.wishes import read_wish
from workbench.core.library.database import Database
from workbench.core.settings import Settings, variable_of

PATIENCE = 60.0


def settings_for(folder: Path, server: Loopback | None = None, **more: Any) -> Settings:
    """The settings of a workbench that keeps its files in a folder."""
    values: dict[str, Any] = {"WORKBENCH_DATA_DIR": str(folder), "WORKBENCH_MODEL_TIMEOUT": "5", **more}
    if server is not None:
        values |= {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    return Settings.model_validate(values)


def begun(database: Database, settings: Settings, version: Version, **more: Any) -> Training:
    """A training that was offered, confirmed and written down, and that nobody follows yet."""
    usual = {"backend": "openai", "model": "loop-large", "version": version.id, "epochs": 1, "held_out": False}
    found = offer(database, settings, read_wish({**usual, **more}))
    assert not found.against, found.against
    return begin(database, found, curator="ada")


def until(database: Database, id: str, holds: Callable[[Training], bool], patience: float = PATIENCE) -> Training:
    """The training as soon as something holds of it."""
    end = time.monotonic() + patience
    while True:
        training = find_training(database, id)
        assert training is not None
        if holds(training):
            return training
        assert time.monotonic() < end, training
        time.sleep(0.02)


FOLLOWING = """
import sys
from workbench.core.finetune import following
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.library.database import open_database
from workbench.core.settings import load_settings
following.BEAT, following.REST, HostedTraining.pace = 0.05, 0.05, 0.05
settings = load_settings()
print(following.Follower(settings, open_database(settings)).follow(sys.argv[1]).state)
"""


def followed_elsewhere(id: str, settings: Settings, seconds: float) -> bool:
    """Follow a training in a process of its own, which is killed after so long; whether it had to be."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("data_dir", "openai_base_url", "openai_api_key", "model_timeout"):
        value = getattr(settings, name)
        if value is not None:
            environment[variable_of(name)] = str(getattr(value, "get_secret_value", lambda v=value: v)())
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOWING, id], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False
