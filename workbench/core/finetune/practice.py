"""Practice: a dataset and a training with which a tiny model learns to write structures, on two CPU cores in minutes.

The pieces are short and composed by rule, cut down to what a model of a million parameters can learn: sections with
their chords and the head of a motif, without the phrases that tune and chords would have to fill exactly. The workbench
makes them into music as it does any structure without a tune. Nothing is downloaded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from workbench.core.compose import compose
from workbench.core.datasets.recipes import Augmentation, Ratios, Recipe, Sources
from workbench.core.finetune.training import Method
from workbench.core.library.curation import submit
from workbench.core.library.database import Database
from workbench.core.library.rights import LAYERS, Layer, Rights
from workbench.core.music.request import MIN_DURATION, Request
from workbench.core.music.structure import MusicStructure, Section

PIECES = 640
HEAD = 4
"""Notes that are kept of a motif."""
TAG = "practice"
TEMPLATE = "terse"
"""The prompt that the model learns and has to be asked with: this template, and no examples."""
RECIPE = Recipe(
    name="practice", template=TEMPLATE, faults="leave-out", sources=Sources(origins=("take",), words=TAG),
    augmentation=Augmentation(), split=Ratios(train=0.84, validation=0.05, test=0.11),
)  # fmt: skip
"""Some 32 rows measure the loss meanwhile and some 70 the model in the end; groups of like pieces stay together."""
TRAINING: Mapping[Method, Mapping[str, Any]] = MappingProxyType(
    {
        "supervised": MappingProxyType({"lora": False, "steps": 480, "batch_size": 4}),
        "dpo": MappingProxyType({"lora": False, "steps": 10, "batch_size": 4}),
    }
)
"""How the tiny model is trained, in the words of a wish; DPO goes on from the model that was trained first."""
_OWN = {"basis": "own work", "licence": "CC0-1.0", "source": "composed by rule", "evidence": "made by this workbench"}
RIGHTS = Rights(tuple(Layer(layer, "AIRIA Workbench", **_OWN) for layer in LAYERS))  # type: ignore[arg-type]


def practice_request(number: int) -> Request:
    """The request for one piece: two forms, three meters, keys of up to three sharps or flats, as short as may be."""
    lot = random.Random(f"{TAG} {number}")
    return Request(
        form=lot.choice(("binary", "ABA")),
        key=lot.choice(_KEYS),
        time_signature=lot.choice(("2/4", "3/4", "4/4")),
        period=lot.choice(("baroque", "classical", "romantic")),
        tempo=float(lot.randrange(56, 92, 4)),
        valence=lot.choice((-0.6, -0.2, 0.2, 0.6)),
        arousal=lot.choice((0.2, 0.4, 0.6)),
        duration=MIN_DURATION,
    )


_KEYS = (
    "C major", "G major", "F major", "D major", "Bb major", "A major", "Eb major",
    "a minor", "e minor", "d minor", "b minor", "g minor", "c minor",
)  # fmt: skip


def outline(structure: MusicStructure) -> MusicStructure:
    """What is left of a piece: of each section its plan, its chords and the head of its motif."""
    sections = tuple(_outlined(section) for section in structure.sections)
    return structure.model_copy(update={"sections": sections, "reasoning": None})


def _outlined(section: Section) -> Section:
    heads = [
        motif.model_copy(update={"degrees": motif.degrees[:HEAD], "rhythm": motif.rhythm[:HEAD]})
        for motif in section.motifs[:1]
    ]
    melody = section.melody.model_copy(update={"motifs": tuple(heads)}) if section.melody and heads else None
    gone = dict.fromkeys(("phrases", "harmonic_rhythm", "harmonic_functions"))
    return section.model_copy(update={**gone, "melody": melody})


def compose_practice(
    database: Database, *, curator: str, pieces: int = PIECES, cut: Callable[[MusicStructure], MusicStructure] = outline
) -> int:
    """Compose the pieces and put them into the library, approved; how many were new. The same number, the same pieces.

    Raises:
        InvalidInputError: the rules made a piece that may not be approved.
    """
    new = 0
    for number in range(pieces):
        request = practice_request(number)
        _, added = submit(
            database, request, cut(compose(request, seed=number)), curator=curator, tags=(TAG,), rights=RIGHTS,
            origin={"kind": "take", "change": "outline of a piece composed by rule"},
            id=f"{TAG}-{number:05}", status="approved",
        )  # fmt: skip
        new += added
    return new
