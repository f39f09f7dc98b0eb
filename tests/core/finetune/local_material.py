"""What the local trainer is tested with: rows made from examples that ship, and a tiny model made from them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from workbench.core.datasets.building.making import Terms, make_row
from workbench.core.datasets.files.formats import json_line
from workbench.core.datasets.recipes import Augmentation
from workbench.core.datasets.rows import Row, Source
from workbench.core.datasets.variants.augment import variants
from workbench.core.generate.templates import PARTS, Template
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import read_rights
from workbench.core.music.structure import MusicStructure

ROOT = Path(__file__).parents[3]
MISSING = [name for name in ("torch", "transformers", "trl", "peft", "accelerate", "datasets") if not find_spec(name)]
TERMS = Terms(Template("brief", 1, dict.fromkeys(PARTS, "{{ request_json }}")), False, "training", "", "", None)

trains = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"),
    reason=f"Training is not tested: {', '.join(MISSING)} missing (requirements-local.txt).",
)
"""Skips where the trainers are missing; in CI the tests then fail, since it has to train."""


def short_rows(*, examples: int = 12, keys: int = 4, pair: bool = False) -> list[Row]:
    """Rows of the shortest examples at home and in other keys; a pair rejects the next example's answer.

    The pieces are cut down to a few chords of two sections: some 400 tokens, so that training is quick.
    """
    shortest = sorted(load_examples(), key=lambda each: len(wire_text(brief(each.structure))))[:examples]
    rows = []
    for number, example in enumerate(shortest):
        worse = brief(shortest[(number + 1) % examples].structure) if pair else None
        source = Source(
            f"examples/{example.id}", 1, "shipped", example.request, brief(example.structure),
            read_rights(dict(example.rights)), rejected=worse,
        )  # fmt: skip
        others = () if pair else variants(source.request, source.structure, Augmentation(keys=keys), salt="")
        rows += [make_row(source, changes, TERMS).row for changes in ((), *others)]
    return rows


def brief(structure: MusicStructure) -> MusicStructure:
    """What is left of a piece: four bars of chords of each of its first two sections."""
    gone = ("phrases", "melody", "texture", "harmonic_rhythm", "harmonic_functions")
    sections = tuple(
        section.model_copy(
            update={**dict.fromkeys(gone), "chord_progression": section.chord_progression[:4], "measures": 4}
        )
        for section in structure.sections[:2]
    )
    ends = ("reasoning", "leitmotifs", "humanize", "character", "instrumentation", "period", "title")
    return structure.model_copy(update={"sections": sections, **dict.fromkeys(ends)})


def write_rows(path: Path, rows: list[Row], format: str = "trl-sft") -> Path:
    path.write_text("".join(json_line(row, format) + "\n" for row in rows), "utf-8")
    return path


def tiny_model(folder: Path, *files: Path) -> Path:
    """Make the tiny model in a process of its own: torch stays out of this one."""
    command = [sys.executable, "-m", "workbench.core.finetune.local.tiny", str(folder), *map(str, files)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder
