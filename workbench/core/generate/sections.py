"""Sections as they were meant: their fields, keys, harmony, melody and phrases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.generate.agreement import agree_section
from workbench.core.generate.fields import Work, drop_unknown, read_text, sort_fields
from workbench.core.generate.figures import split_chords
from workbench.core.generate.keys_in_words import read_key
from workbench.core.generate.phrases import mend_phrases
from workbench.core.generate.progressions import plainest_chords, raise_dominants, read_beats, read_chords
from workbench.core.generate.spellings import (
    CHORD,
    DYNAMICS,
    FUNCTIONS,
    MODE_WORDS,
    SECTION,
    plain,
)
from workbench.core.generate.theory import meant_key
from workbench.core.generate.tunes import mend_motif, parts_of
from workbench.core.generate.values import read_dynamic, read_word, unwrapped
from workbench.core.generate.wording import MAX_NAME, read_cadence, read_measures, read_texts
from workbench.core.music.keys import Key, parse_key
from workbench.core.music.meters import divisions
from workbench.core.music.structure import MAX_CHORDS, MAX_SECTION_MEASURES

SECTION_FIELDS = (
    "name", "role", "key", "measures", "chordProgression", "harmonicRhythm", "melody", "dynamics", "texture", "cadence",
    "harmonicFunctions", "phrases",
)  # fmt: skip
_MAX_MOTIFS = 64
_DYNAMICS = ("pp", "p", "mp", "mf", "f", "ff")


def mend_section(raw: Any, name: str, index: int, work: Work) -> dict[str, Any]:
    """A section in the format's shape; ``name`` is what it is called where it does not say."""
    log, path = work.log, f"/sections/{index}"
    known, unknown = _members(raw, path, work)
    section: dict[str, Any] = {}
    found = read_text(known["name"], MAX_NAME, f"{path}/name", log) if known.get("name") is not None else None
    if found is None:
        log.add(f"{path}/name", "section.name", None, name, "A section has a name.")
    section["name"] = found if found is not None else name
    key = _section_key(known.get("key"), unknown, path, work)
    section["key"] = known["key"] if known.get("key") is not None and _is(known["key"], key) else key.name
    drop_unknown(unknown, path, log)
    read_texts(known, section, ("role", "texture"), path, work)
    _vocabulary(known, section, path, work)

    chords, beats = None, None
    if known.get("chordProgression") is not None:
        chords, beats = read_chords(known["chordProgression"], f"{path}/chordProgression", key, work)
    if known.get("harmonicRhythm") is not None:
        beats = read_beats(known["harmonicRhythm"], f"{path}/harmonicRhythm", work)
    given = None
    if known.get("measures") is not None:
        given = read_measures(known["measures"], f"{path}/measures", work)
    if known.get("phrases") is not None:
        phrases = mend_phrases(known["phrases"], given, f"{path}/phrases", key, work)
        if phrases:
            section["phrases"] = phrases
    section["measures"] = given or _missing_measures(section, chords, beats, path, work)
    if chords is None:
        chords = [chord for phrase in section.get("phrases", ()) for chord in phrase.get("chords", ())][:MAX_CHORDS]
        if not chords:
            chords = plainest_chords(key, section.get("cadence"))
        log.add(f"{path}/chordProgression", "section.chords-missing", None, chords, "A section has chords.")
    section["chordProgression"] = chords
    if not all("chords" in phrase for phrase in section.get("phrases", ({},))):
        section["chordProgression"] = raise_dominants(
            chords, section.get("cadence"), key, f"{path}/chordProgression", work
        )
    if beats is not None:
        section["harmonicRhythm"] = beats
    if known.get("melody") is not None:
        melody = _section_melody(known["melody"], f"{path}/melody", key, work)
        if melody is not None:
            section["melody"] = melody
    agree_section(section, work.meter, path, log)
    return section


def _members(raw: Any, path: str, work: Work) -> tuple[dict[str, Any], dict[str, Any]]:
    if isinstance(raw, Mapping):
        return sort_fields(raw, SECTION, SECTION_FIELDS, path, work.log)
    field = "name"
    if isinstance(raw, list):
        field = (
            "phrases"
            if any(isinstance(item, Mapping) and not _is_chord(item) for item in raw[:4])
            else "chordProgression"
        )
    elif isinstance(raw, str) and any(
        work.figures.mend(token, work.home) for bar in split_chords(raw[:200])[:2] for token in bar[:4]
    ):
        field = "chordProgression"
    work.log.add(path, "section.shape", raw, {field: raw}, "A section is an object with named fields.")
    return {field: raw}, {}


def _is_chord(item: Mapping[str, Any]) -> bool:
    return (
        "figure" in {CHORD.get(plain(str(name))) for name in list(item)[:8]}
        and len(item) <= 4
        and "measures" not in item
    )


def _is(text: Any, key: Key) -> bool:
    try:
        return isinstance(text, str) and parse_key(text) == key
    except ValueError:
        return False


def _section_key(raw: Any, unknown: dict[str, Any], path: str, work: Work) -> Key:
    mode = take_mode(unknown)
    where = f"{path}/key"
    if raw is None:
        log_key = (
            work.home if mode is None else (read_key(work.home.name.split(" ")[0].upper(), None, mode) or work.home)
        )
        work.log.add(where, "section.key-missing", None, log_key.name, "A section has a key: the home key.")
        return log_key
    key = read_key(raw, work.home, mode)
    if key is None:
        work.log.add(where, "key.unreadable", raw, work.home.name, "Not a key: the home key stands.")
        return work.home
    if not _is(raw, key):
        work.log.add(where, "key.spelling", raw, key.name, "The key, as the format writes it.")
    meant = meant_key(key, work.home)
    if meant is not None:
        why = f"{key.pretty} is far from {work.home.pretty}; {meant.pretty}, a semitone away, belongs to it."
        work.log.add(where, "key.wrong-relative", key.name, meant.name, why)
        return meant
    return key


def take_mode(unknown: dict[str, Any]) -> str | None:
    """The mode that stands in a field of its own, taken out of the unknown ones."""
    for name in list(unknown)[:32]:
        if plain(name) in MODE_WORDS and isinstance(unknown[name], str):
            return str(unknown.pop(name))
    return None


def _vocabulary(known: dict[str, Any], section: dict[str, Any], path: str, work: Work) -> None:
    log = work.log
    cadence = read_cadence(known.get("cadence"), f"{path}/cadence", work)
    if cadence is not None:
        section["cadence"] = cadence
    dynamics = known.get("dynamics")
    if dynamics is not None:
        found = dynamics if isinstance(dynamics, str) and dynamics in _DYNAMICS else read_dynamic(dynamics, DYNAMICS)
        if found != dynamics:
            log.add(f"{path}/dynamics", "dynamics.spelling", dynamics, found, "Dynamics run from pp to ff.")
        if found is not None:
            section["dynamics"] = found
    functions = known.get("harmonicFunctions")
    if functions is not None:
        items = functions[:MAX_CHORDS] if isinstance(functions, list) else [functions]
        read = [item if item in ("tension", "release", "ambiguity") else read_word(item, FUNCTIONS) for item in
                (item if isinstance(item, str) else unwrapped(item, "function") for item in items)]  # fmt: skip
        kept = [item for item in read if item is not None]
        if kept != functions:
            why = "Functions are tension, release and ambiguity."
            log.add(f"{path}/harmonicFunctions", "functions.spelling", functions, kept, why)
        section["harmonicFunctions"] = kept


def _missing_measures(
    section: dict[str, Any], chords: list[str] | None, beats: list[float] | None, path: str, work: Work
) -> int:
    total, why = 0, "As many bars as its phrases have."
    if section.get("phrases"):
        total = sum(phrase["measures"] for phrase in section["phrases"])
    if not total and work.request is not None:
        planned = (
            each.measures for each in work.request.section_plan if each.name == section["name"] and each.measures
        )
        total, why = next(planned, 0), "As many bars as the request asks for."
    if not total and beats and chords and len(beats) == len(chords):
        total, why = round(sum(map(divisions, beats)) / work.meter.bar), "As many bars as its chords fill."
    if not total:
        total, why = max(4, len(chords or ())), "One bar for each chord, four at least."
    total = min(total, MAX_SECTION_MEASURES)
    work.log.add(f"{path}/measures", "section.measures-missing", None, total, why)
    return total


def _section_melody(raw: Any, path: str, key: Key, work: Work) -> dict[str, Any] | None:
    log = work.log
    motifs = raw
    if isinstance(raw, Mapping):
        names = {plain(str(name)): name for name in list(raw)[:32]}
        inner = next((names[n] for n in ("motifs", "motif", "motives", "cells", "themes") if n in names), None)
        if inner is not None:
            motifs = raw[inner]
            extra = {str(name): raw[name] for name in list(raw)[:32] if name != inner}
            drop_unknown(extra, path, log)
            if inner != "motifs":
                log.add(f"{path}/motifs", "field.spelling", inner, "motifs", "The field is called motifs.")
        elif not raw:
            return {}
    if isinstance(motifs, Mapping) and not parts_of(motifs):
        motifs = list(motifs.values())
    if not isinstance(motifs, list) or motifs is raw or not all(isinstance(motif, Mapping) for motif in motifs):
        items = _motif_list(motifs)
        log.add(path, "melody.shape", raw, {"motifs": items}, "A melody holds a list of motifs.")
        motifs = items
    if len(motifs) > _MAX_MOTIFS:
        log.add(f"{path}/motifs", "motifs.cut", len(motifs), _MAX_MOTIFS, f"At most {_MAX_MOTIFS} motifs are read.")
        motifs = motifs[:_MAX_MOTIFS]
    read = [mend_motif(motif, f"{path}/motifs/{number}", key, log) for number, motif in enumerate(motifs)]
    return {"motifs": [motif for motif in read if motif is not None]}


def _motif_list(motifs: Any) -> list[Any]:
    if isinstance(motifs, list):
        if all(isinstance(item, Mapping) for item in motifs):
            fields = {plain(str(name)) for item in motifs[:4] for name in list(item)[:8]}
            return [motifs] if fields & {"degree", "pitch", "note", "scaledegree"} else motifs
        if all(isinstance(item, list) for item in motifs):
            return motifs
        return [motifs]
    return [motifs]
