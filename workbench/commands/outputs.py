"""Writing a piece's files: all of one piece or none, and never half a file."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

from workbench.core.errors import InvalidInputError

FORMATS = ("json", "midi", "musicxml", "wav", "svg")


def parse_formats(text: str) -> tuple[str, ...]:
    """``json,midi`` as a tuple, each once, in the order given.

    Raises:
        InvalidInputError: one of them is not a format.
    """
    chosen = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        what = f"{unknown[0]!r} is not a format" if unknown else "--format names no format"
        raise InvalidInputError(f"{what}.", hint=f"Choose among {', '.join(FORMATS)}, with commas between.")
    return chosen


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        InvalidInputError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise InvalidInputError(
            f"--out {folder}: {reason.lower()}.", hint="Name a folder that you may write to."
        ) from None
    return folder


def write_files(folder: Path, files: Iterable[tuple[str, bytes]], *, keep: Path | None = None) -> list[Path]:
    """Write a piece's files beside their final names, then put all in place; when interrupted, none appears.

    ``keep`` is a file that must not be overwritten: the one that the piece was read from.

    Raises:
        InvalidInputError: a file would replace ``keep``, or could not be written.
    """
    waiting: list[tuple[Path, Path]] = []  # told before a file is made, so that a stop between the two leaves nothing
    done: list[Path] = []
    try:
        for name, data in files:
            target = folder / name
            if keep is not None and target.exists() and keep.exists() and target.samefile(keep):
                raise InvalidInputError(
                    f"{target} is the file that was read; it is not overwritten.",
                    hint="Name another folder with --out.",
                )
            temporary = folder / f".{name[:80]}-{secrets.token_hex(8)}.part"
            waiting.append((temporary, target))
            with temporary.open("xb") as stream:
                stream.write(data)
        for temporary, target in waiting:
            os.replace(temporary, target)
            done.append(target)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise InvalidInputError(
            f"{folder}: a file could not be written: {reason}.", hint="Check the folder and the space on the disk."
        ) from None
    finally:
        for temporary, _ in waiting[len(done) :]:
            temporary.unlink(missing_ok=True)
    return done
