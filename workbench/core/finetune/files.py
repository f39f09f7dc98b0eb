"""The files that a training reads: a version's rows in the backend's format, written once under the version's hash."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from workbench.core.datasets.files.export import file_names, stream
from workbench.core.datasets.rows import Split
from workbench.core.datasets.versions import Version
from workbench.core.errors import WorkbenchError
from workbench.core.library.database import Database, new_id
from workbench.core.settings import Settings

FOLDER = "finetune"
"""The folder in the data folder for trainings and what they read."""


def training_folder(settings: Settings, id: str) -> Path:
    """The folder of a training of its own."""
    return settings.data_dir.resolve() / FOLDER / id


def written(database: Database, settings: Settings, version: Version, format: str, split: Split) -> Path | None:
    """The file of a split, written now unless it is there; None where the split has no rows.

    A version never changes, so its file never does: it lies under the version's hash.

    Raises:
        InvalidInputError: the format is not for this kind of version.
        WorkbenchError: the disk does not take it.
    """
    name = f"{format}-{split}.jsonl"
    if name not in file_names(version, [format]):
        return None
    path = settings.data_dir.resolve() / FOLDER / "files" / version.content_hash[:32] / name
    if path.is_file():
        return path
    part = path.with_name(f".{name}.{new_id()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            for block in stream(database, version, name):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as problem:
        raise WorkbenchError(
            f"The training file cannot be written: {(problem.strerror or str(problem)).lower()}.",
            hint="Make room on the disk, or name another folder in WORKBENCH_DATA_DIR.",
        ) from None
    finally:
        with suppress(OSError):  # it took its name, or it was never there
            part.unlink()
    return path
