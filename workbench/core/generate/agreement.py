"""Whether the parts of a structure agree with each other, and making them agree.

Phrases are the truth where they carry chords or tunes. ``agrees`` and ``agree_section`` hold the same rules: the one
asks a finished structure, the other mends a section that is still a plain object.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from workbench.core.generate.figures import MAX_DIFFERENT, is_bare_leading, too_many_chords, weight
from workbench.core.generate.repairs import RepairLog
from workbench.core.generate.theory import meant_key, minor_dominants
from workbench.core.generate.tunes import GRID, TOLERANCE
from workbench.core.music.keys import Mode, parse_key
from workbench.core.music.meters import DIVISIONS, Meter, divisions, meter_of, plain_quarters
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.structure import MAX_CHORDS, MAX_SECTION_MEASURES, MusicStructure, Phrase, Section


def agrees(structure: MusicStructure) -> bool:
    """Whether every numeral can be read, all lengths agree and nothing in ``theory`` is at fault.

    Raises:
        InvalidStructureError: more different chords than any piece has.
    """
    meter = meter_of(structure.time_signature)
    home = parse_key(structure.key)
    figures: dict[Mode, set[str]] = {"major": set(), "minor": set()}
    for section in structure.sections:
        key = home if section.key == structure.key else parse_key(section.key)
        if key is not home and meant_key(key, home) is not None:
            return False
        here = figures[key.mode]
        here.update(section.chord_progression)
        for phrase in section.phrases or ():
            if phrase.chords is not None:
                here.update(phrase.chords)
    if not all(_are_readable(here, mode) for mode, here in figures.items()):
        return False
    for section in structure.sections:
        if not _section_agrees(section, meter, "minor" if section.key.endswith("minor") else "major"):
            return False
    return all(len(each.degrees) == len(each.rhythm) for each in structure.leitmotifs or ())


def _are_readable(figures: set[str], mode: Mode) -> bool:
    """Whether all can be read; too many are refused before the first is, since each new one takes milliseconds."""
    if len(figures) * 3 > MAX_DIFFERENT and sum(map(weight, figures)) > MAX_DIFFERENT:
        raise too_many_chords()
    for figure in figures:
        if is_bare_leading(figure, mode):
            return False
        try:
            parse_numeral(figure, mode)
        except ValueError:
            return False
    return True


def _section_agrees(section: Section, meter: Meter, mode: Mode) -> bool:
    if any(len(motif.degrees) != len(motif.rhythm) for motif in section.motifs):
        return False
    chords, beats = section.chord_progression, section.harmonic_rhythm
    phrases = section.phrases
    written = timed = False
    if phrases:
        written = timed = True
        measures = 0
        for phrase in phrases:
            measures += phrase.measures
            written = written and phrase.chords is not None
            timed = timed and phrase.chord_beats is not None
            if not _phrase_agrees(phrase, meter, mode):
                return False
        cadence = phrases[-1].cadence
        if measures != section.measures or (cadence and section.cadence and cadence != section.cadence):
            return False
        if written and tuple(c for phrase in phrases for c in phrase.chords or ())[:MAX_CHORDS] != chords:
            return False
    if not written and mode == "minor" and minor_dominants(chords, section.cadence):
        return False
    if beats is None:
        return True
    if written and timed:
        return phrases is not None and beats == tuple(b for p in phrases for b in p.chord_beats or ())[:MAX_CHORDS]
    return len(beats) == len(chords) and _total(beats) <= section.measures * meter.bar + TOLERANCE


def _phrase_agrees(phrase: Phrase, meter: Meter, mode: Mode) -> bool:
    length = phrase.measures * meter.bar
    chords, beats, melody = phrase.chords, phrase.chord_beats, phrase.melody
    if chords is not None and mode == "minor" and minor_dominants(chords, phrase.cadence):
        return False
    if beats is not None and (chords is None or len(beats) != len(chords) or abs(_total(beats) - length) > TOLERANCE):
        return False
    if melody is None:
        return True
    if len(melody.degrees) != len(melody.rhythm):
        return False
    return not melody.degrees or abs(_total(melody.rhythm) - length) <= TOLERANCE


@lru_cache(maxsize=4096)
def _total(lengths: tuple[float, ...]) -> int:
    """A sum of lengths in quarters, in divisions."""
    return sum(map(divisions, lengths))


def count_fields(structure: MusicStructure) -> int:
    """How many members the structure's JSON object has, counted through all levels: a name given twice counts once."""
    count = len(structure.model_fields_set)
    for section in structure.sections:
        count += len(section.model_fields_set)
        if section.melody is not None:
            count += len(section.melody.model_fields_set)
            for motif in section.melody.motifs:
                count += len(motif.model_fields_set)
        for phrase in section.phrases or ():
            count += len(phrase.model_fields_set)
            if phrase.melody is not None:
                count += len(phrase.melody.model_fields_set)
            if phrase.motif is not None:
                count += len(phrase.motif.model_fields_set)
    for leitmotif in structure.leitmotifs or ():
        count += len(leitmotif.model_fields_set)
    if structure.humanize is not None:
        count += len(structure.humanize.model_fields_set)
    return count


def fit_beats(
    beats: list[float], count: int, length: int, meter: Meter, path: str, log: RepairLog, *, exact: bool
) -> list[float] | None:
    """Lengths for ``count`` chords that fill ``length`` (divisions), or with ``exact`` False do not pass it.

    None where they cannot: the chords are then spread evenly.
    """
    fitted = beats
    if len(beats) != count:
        more: list[float] = [beats[-1] if beats else plain_quarters(meter.bar)] * (count - len(beats))
        fitted = beats[:count] + more
    lengths = list(map(divisions, fitted))
    total = sum(lengths)
    if abs(total - length) > TOLERANCE and (exact or total > length):
        scaled = _counted_in_beats(fitted, total, length, meter)
        if scaled is not None:
            log.add(path, "beats.unit", beats, scaled, "The lengths were counted in beats, not in quarters.")
            return scaled
        last = length - (total - lengths[-1])
        if last < GRID or last > 64 * DIVISIONS or divisions(float(plain_quarters(last))) != last:
            log.add(path, "beats.dropped", beats, None, "The lengths do not fit: the chords are spread evenly.")
            return None
        fitted = [*fitted[:-1], plain_quarters(last)]
    if fitted is not beats:
        log.add(path, "beats.fitted", beats, fitted, "One length for each chord; the last is held or cut to fit.")
    return fitted


def _counted_in_beats(beats: list[float], total: int, length: int, meter: Meter) -> list[float] | None:
    for unit in (DIVISIONS * 4 // meter.denominator, meter.beat, meter.bar):
        if unit != DIVISIONS and abs(total * unit / DIVISIONS - length) <= TOLERANCE:
            scaled = [plain_quarters(divisions(beat) * unit // DIVISIONS) for beat in beats]
            if all(divisions(value) >= GRID and value <= 64 for value in scaled):
                return scaled if abs(sum(map(divisions, scaled)) - length) <= TOLERANCE else None
    return None


def agree_section(section: dict[str, Any], meter: Meter, path: str, log: RepairLog) -> None:
    """Make a section's own fields agree with its phrases (in place); the phrases agree in themselves already."""
    phrases: list[dict[str, Any]] = section.get("phrases") or []
    chords: list[str] = section["chordProgression"]
    written = bool(phrases) and all("chords" in phrase for phrase in phrases)
    if phrases:
        while sum(phrase["measures"] for phrase in phrases) > MAX_SECTION_MEASURES and len(phrases) > 1:
            dropped = phrases.pop()
            log.add(f"{path}/phrases/{len(phrases)}", "phrases.cut", dropped, None, "A section has at most 1,000 bars.")
        measures = sum(phrase["measures"] for phrase in phrases)
        if section["measures"] != measures:
            why = "The phrases are the truth: their bars add up to this."
            log.add(f"{path}/measures", "section.measures", section["measures"], measures, why)
            section["measures"] = measures
        cadence = phrases[-1].get("cadence")
        if cadence and section.get("cadence") and section["cadence"] != cadence:
            why = "The section closes as its last phrase does."
            log.add(f"{path}/cadence", "section.cadence", section["cadence"], cadence, why)
            section["cadence"] = cadence
    if written:
        joined = [chord for phrase in phrases for chord in phrase["chords"]][:MAX_CHORDS]
        if joined != chords:
            why = "The phrases are the truth: these are their chords in order."
            log.add(f"{path}/chordProgression", "section.chords", chords, joined, why)
            section["chordProgression"] = chords = joined
    beats = section.get("harmonicRhythm")
    if beats is None:
        return
    where = f"{path}/harmonicRhythm"
    if written and all("chordBeats" in phrase for phrase in phrases):
        joined_beats = [beat for phrase in phrases for beat in phrase["chordBeats"]][:MAX_CHORDS]
        if joined_beats != beats:
            log.add(
                where,
                "section.beats",
                beats,
                joined_beats,
                "The phrases are the truth: these are their lengths.",
            )
            section["harmonicRhythm"] = joined_beats
        return
    fitted = fit_beats(beats, len(chords), section["measures"] * meter.bar, meter, where, log, exact=False)
    if fitted is None:
        del section["harmonicRhythm"]
    else:
        section["harmonicRhythm"] = fitted
