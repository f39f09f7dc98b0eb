"""Samples to measure: rule-composed pieces that keep their plan, and short pieces made by hand."""

from __future__ import annotations

from typing import Any

from workbench.core.checks import check
from workbench.core.compose import compose_plan, plan
from workbench.core.experiments.samples import Sample
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

REQUEST = Request(form="ABA", period="classical", key="D major", duration=48, tempo=120, time_signature="4/4", seed=1)


def sample_of(structure: MusicStructure | None, request: Request = REQUEST, *, key: str = "1", **more: Any) -> Sample:
    """A sample of a piece, checked, that a model gave at its first try."""
    form = plan(request)
    report = None if structure is None else check(structure, request=request, plan=form, with_score=False)
    raw = structure.to_json(indent=None) if structure is not None else ""
    told = {"valid_json": True, "valid_schema": True, "valid_piece": True, "calls": 1, "outcome": "first-try"}
    return Sample(key, request, form, **{"raw": raw, "structure": structure, "report": report, **told, **more})


def composed(request: Request = REQUEST, **more: Any) -> Sample:
    """A sample of a piece that the rules composed by the plan."""
    return sample_of(compose_plan(plan(request), request), request, **more)


def phrase_of(
    chords: list[str], tune: list[Any], *, key: str = "C major", cadence: str = "PAC", texture: str = "homophonic",
    motif: list[Any] | None = None, rhythm: list[float] | None = None,
) -> MusicStructure:  # fmt: skip
    """A piece of one phrase in 4/4, a bar for each chord, its tune in equal notes that fill it unless told."""
    bars = len(chords)
    beats = rhythm or [4 * bars / len(tune)] * len(tune)
    phrase = {
        "measures": bars, "cadence": cadence, "chords": chords, "chordBeats": [4] * bars,
        "melody": {"degrees": tune, "rhythm": beats},
    }  # fmt: skip
    section: dict[str, Any] = {
        "name": "A", "key": key, "measures": bars, "chordProgression": chords, "texture": texture, "cadence": cadence,
        "phrases": [phrase],
    }  # fmt: skip
    if motif is not None:
        section["melody"] = {"motifs": [{"degrees": motif, "rhythm": [1] * len(motif)}]}
    return read_structure({"key": key, "tempo": 120, "timeSignature": "4/4", "form": "free", "sections": [section]})


def changed(structure: MusicStructure, change: Any) -> MusicStructure:
    """A structure after ``change`` was done to its JSON."""
    data = structure.to_dict()
    change(data)
    return read_structure(data)
