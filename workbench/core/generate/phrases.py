"""Phrases as they were meant: their lengths, chords, motifs and tunes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.generate.agreement import fit_beats
from workbench.core.generate.fields import Work, drop_unknown, read_text, sort_fields
from workbench.core.generate.progressions import raise_dominants, read_beats, read_chords
from workbench.core.generate.spellings import (
    MOTIF_USE,
    PHRASE,
    plain,
)
from workbench.core.generate.tunes import mend_motif, parts_of
from workbench.core.generate.wording import MAX_NAME, read_cadence, read_measures, read_texts, read_transformation
from workbench.core.music.keys import Key
from workbench.core.music.structure import MAX_PHRASES, MAX_SECTION_MEASURES

PHRASE_FIELDS = ("label", "role", "measures", "cadence", "chords", "chordBeats", "motif", "melody")


def mend_phrases(raw: Any, measures: int | None, path: str, key: Key, work: Work) -> list[dict[str, Any]]:
    """Phrases in the format's shape; ``measures`` are the section's, shared out to phrases that do not say theirs."""
    log = work.log
    items: list[Any]
    if isinstance(raw, list):
        items = raw
    elif isinstance(raw, Mapping) and raw and all(isinstance(item, Mapping) for item in list(raw.values())[:64]):
        items = [{"label": str(name), **item} for name, item in list(raw.items())[: MAX_PHRASES + 1]]
        log.add(path, "phrases.shape", raw, items, "Phrases are a list.")
    elif isinstance(raw, Mapping) and raw:
        items = [raw]
        log.add(path, "phrases.shape", raw, items, "Phrases are a list.")
    else:
        log.add(path, "phrases.unreadable", raw, None, "Phrases are a list of objects.")
        return []
    if len(items) > MAX_PHRASES:
        log.add(path, "phrases.cut", len(items), MAX_PHRASES, "The tail was cut; the last phrase is kept as the close.")
        items = [*items[: MAX_PHRASES - 1], items[-1]]
    usable = [item for item in items if isinstance(item, Mapping | list | str) and item]
    if len(usable) < len(items):
        log.add(path, "phrases.empty", len(items), len(usable), "Empty phrases were left out.")
    elif not items:
        log.add(path, "phrases.empty", [], None, "A list of phrases holds at least one.")
    phrases = [_phrase(item, f"{path}/{number}", key, work) for number, item in enumerate(usable)]
    lacking = [phrase for phrase in phrases if "measures" not in phrase]
    if lacking:
        left = (measures or 0) - sum(phrase.get("measures", 0) for phrase in phrases)
        base, extra = divmod(left, len(lacking)) if left >= len(lacking) else (0, 0)
        for number, phrase in enumerate(lacking):
            share = base + (number >= len(lacking) - extra)
            phrase["measures"] = min(MAX_SECTION_MEASURES, share or max(4, len(phrase.get("chords", ()))))
            where = f"{path}/{phrases.index(phrase)}/measures"
            log.add(where, "phrase.measures-missing", None, phrase["measures"], "A phrase has a length in bars.")
    for number, phrase in enumerate(phrases):
        _finish_phrase(phrase, f"{path}/{number}", key, work)
    return phrases


def _phrase(raw: Any, path: str, key: Key, work: Work) -> dict[str, Any]:
    """A phrase with its words and chords; its beats and tune still as they came, until its length is known."""
    log = work.log
    if isinstance(raw, Mapping):
        known, unknown = sort_fields(raw, PHRASE, PHRASE_FIELDS, path, log)
        for name in [name for name in unknown if plain(name) in ("transformation", "development")]:
            inner = unknown.pop(name)
            if isinstance(known.get("motif"), str):
                known["motif"] = {"ref": known["motif"], "transformation": inner}
                log.add(f"{path}/motif", "field.moved", name, "transformation", "It belongs into the motif.")
            else:
                unknown[name] = inner
        drop_unknown(unknown, path, log)
    else:
        field = "chords" if isinstance(raw, list) or any(map(str.isspace, raw)) else "label"
        known = {field: raw}
        log.add(path, "phrase.shape", raw, known, "A phrase is an object with named fields.")
    phrase: dict[str, Any] = {}
    read_texts(known, phrase, ("label", "role"), path, work)
    if known.get("measures") is not None:
        measures = read_measures(known["measures"], f"{path}/measures", work)
        if measures is not None:
            phrase["measures"] = measures
    cadence = read_cadence(known.get("cadence"), f"{path}/cadence", work)
    if cadence is not None:
        phrase["cadence"] = cadence
    beats = None
    if known.get("chords") is not None:
        chords, beats = read_chords(known["chords"], f"{path}/chords", key, work)
        if chords is not None:
            phrase["chords"] = raise_dominants(chords, cadence, key, f"{path}/chords", work)
    if known.get("chordBeats") is not None:
        beats = read_beats(known["chordBeats"], f"{path}/chordBeats", work)
    if beats is not None:
        phrase["chordBeats"] = beats
    if known.get("motif") is not None:
        _motif_use(known["motif"], phrase, f"{path}/motif", work)
    if known.get("melody") is not None:
        phrase["melody"] = known["melody"]
    return phrase


def _motif_use(raw: Any, phrase: dict[str, Any], path: str, work: Work) -> None:
    log = work.log
    if isinstance(raw, Mapping) and parts_of(raw) not in (None, ([], [])):
        if "melody" not in phrase:
            phrase["melody"] = raw
            log.add(path, "phrase.motif", raw, None, "A tune written out is the phrase's melody.")
        return
    known: dict[str, Any] = {}
    if isinstance(raw, Mapping):
        known, unknown = sort_fields(raw, MOTIF_USE, ("ref", "transformation"), path, log)
        drop_unknown(unknown, path, log)
    elif isinstance(raw, str):
        log.add(path, "motif.shape", raw, {"ref": raw}, "A motif is named in an object.")
        known = {"ref": raw}
    ref = read_text(known["ref"], MAX_NAME, f"{path}/ref", log) if known.get("ref") is not None else None
    if ref is None:
        log.add(path, "motif.unreadable", raw, None, "It names no motif.")
        return
    phrase["motif"] = {"ref": ref}
    if known.get("transformation") is not None:
        name = read_transformation(known["transformation"], f"{path}/transformation", work)
        if name is not None:
            phrase["motif"]["transformation"] = name


def _finish_phrase(phrase: dict[str, Any], path: str, key: Key, work: Work) -> None:
    length = phrase["measures"] * work.meter.bar
    beats = phrase.pop("chordBeats", None)
    if beats is not None:
        where = f"{path}/chordBeats"
        if "chords" not in phrase:
            work.log.add(where, "beats.dropped", beats, None, "There are no chords for these lengths.")
        else:
            fitted = fit_beats(beats, len(phrase["chords"]), length, work.meter, where, work.log, exact=True)
            if fitted is not None:
                phrase["chordBeats"] = fitted
    raw = phrase.pop("melody", None)
    if raw is not None:
        melody = mend_motif(raw, f"{path}/melody", key, work.log, length=length)
        if melody is not None:
            phrase["melody"] = melody
