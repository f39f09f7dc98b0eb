"""Tunes as they were meant: degrees and lengths together, as long as each other and as their phrase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from workbench.core.generate.notes import MAX_LENGTH, is_degree, is_length, named_length, read_degrees, read_length
from workbench.core.generate.repairs import RepairLog
from workbench.core.generate.spellings import MOTIF, NOTE, plain
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue
from workbench.core.music.keys import Key
from workbench.core.music.meters import DIVISIONS, divisions, plain_quarters
from workbench.core.music.structure import MAX_NOTES, MIN_LENGTH

TOLERANCE = 16
"""In divisions, a two-hundredth of a quarter: rounded triplets add up to less."""
GRID = DIVISIONS // 32

_LENGTHS = "A length is a number of quarters from 1/32 to 64."
_NUMBERS = (int, float)
_TOKENS = re.compile(r"[\s,;|]+|(?<=\d)\s*[-–—](?=[#b]?\d)")


def parts_of(value: Any) -> tuple[list[Any], list[Any]] | None:
    """Raw degrees and raw lengths of a motif however it is nested; None where there is no tune."""
    if isinstance(value, str):
        tokens = [token for token in _TOKENS.split(value[:20_000].strip("[](){} ")) if token]
        return [int(token) if token.lstrip("-").isdigit() and len(token) < 5 else token for token in tokens], []
    if isinstance(value, list | tuple):
        return _parts_of_list(list(value[: MAX_NOTES + 1]))
    if not isinstance(value, Mapping):
        return None
    known: dict[str, Any] = {}
    for name, item in list(value.items())[:32]:
        field = MOTIF.get(plain(str(name)))
        if field is not None and known.get(field) is None:
            known[field] = item
    degrees = known.get("degrees")
    if isinstance(degrees, Mapping):
        return parts_of(degrees)
    if degrees is None:
        return ([], []) if "degrees" in known or "rhythm" in known else None
    if isinstance(degrees, int | float) and not isinstance(degrees, bool):
        degrees = [degrees]
    found = parts_of(degrees)
    if found is None:
        return None
    rhythm = known.get("rhythm")
    if isinstance(rhythm, Mapping):
        rhythm = rhythm.get("values") or rhythm.get("rhythm") or list(rhythm.values())
    if isinstance(rhythm, str):
        rhythm = (
            [rhythm] if named_length(rhythm) else [token for token in re.split(r"[\s,;|]+", rhythm[:20_000]) if token]
        )
        rhythm = rhythm * len(found[0]) if len(rhythm) == 1 else rhythm
    elif isinstance(rhythm, int | float) and not isinstance(rhythm, bool):
        rhythm = [rhythm] * min(len(found[0]), MAX_NOTES)
    elif isinstance(rhythm, list) and rhythm and all(isinstance(item, list) for item in rhythm[:8]):
        rhythm = [item for part in rhythm[:200] for item in (part if isinstance(part, list) else [part])]
    return found[0], list(rhythm)[: MAX_NOTES + 1] if isinstance(rhythm, list | tuple) else found[1]


def _parts_of_list(values: list[Any]) -> tuple[list[Any], list[Any]]:
    if values and all(isinstance(item, Mapping) for item in values):
        notes = [{NOTE.get(plain(str(n)), ""): i for n, i in list(item.items())[:16]} for item in values]
        if any("degree" in note for note in notes):
            lengths = [note.get("length") for note in notes]
            return [note.get("degree") for note in notes], lengths if any(x is not None for x in lengths) else []
    if values and all(isinstance(item, list | tuple) and len(item) == 2 for item in values) and len(values) > 2:
        return [item[0] for item in values], [item[1] for item in values]
    flat: list[Any] = []
    for item in values:
        flat += list(item[:MAX_NOTES]) if isinstance(item, list | tuple) else [item]
    return flat[: MAX_NOTES + 1], []


def _is_plain(value: Any) -> bool:
    """Whether a motif has the format's shape, and each of its notes, too."""
    if not isinstance(value, dict) or len(value) != 2:
        return False
    degrees, rhythm = value.get("degrees"), value.get("rhythm")
    if not isinstance(degrees, list) or not isinstance(rhythm, list) or len(degrees) != len(rhythm):
        return False
    if len(degrees) > MAX_NOTES:
        return False
    for length in rhythm:
        if type(length) not in _NUMBERS or not MIN_LENGTH <= length <= MAX_LENGTH:
            return False
    for degree in degrees:
        if (type(degree) is not int or not -MAX_DEGREE <= degree <= MAX_DEGREE) and not is_degree(degree):
            return False
    return True


def mend_motif(value: Any, path: str, key: Key, log: RepairLog, *, length: int | None = None) -> dict[str, Any] | None:
    """A motif or, with ``length`` (divisions), a tune that fills its phrase exactly; None where there is none."""
    degrees: list[DegreeValue]
    if _is_plain(value):
        degrees, rhythm = value["degrees"], value["rhythm"]
        if length is not None and degrees:
            degrees, rhythm = _fill(degrees, rhythm, length, path, log)
        return {"degrees": degrees, "rhythm": rhythm}
    found = parts_of(value)
    if found is None:
        log.add(path, "motif.unreadable", value, None, "No degrees can be read in it.")
        return None
    raw_degrees, raw_rhythm = found
    shaped = isinstance(value, Mapping) and value.get("degrees") == raw_degrees
    if isinstance(value, Mapping):
        for name in list(value)[:32]:
            if name not in ("degrees", "rhythm") and plain(str(name)) not in MOTIF:
                log.add(path, "field.unknown", {str(name): value[name]}, None, "A motif has degrees and rhythm alone.")
    if not shaped:
        shown = {"degrees": raw_degrees, "rhythm": raw_rhythm}
        log.add(path, "motif.shape", value, shown, "A motif is an object with degrees and rhythm.")
    if all(map(is_degree, raw_degrees)):
        degrees = raw_degrees
    else:
        degrees = read_degrees(raw_degrees, key)
        for number, (before, after) in enumerate(zip(raw_degrees, degrees, strict=True)):
            if (before is not after and before != after) or isinstance(before, bool | float):
                why = "Not a degree: a rest keeps its place." if after == 0 else f"Read as a degree of {key.name}."
                log.add(f"{path}/degrees/{number}", "degree.spelling", before, after, why)
    degrees, rhythm = _mend_rhythm(raw_rhythm, degrees, path, log)
    degrees, rhythm = _same_length(degrees, rhythm, path, log, length)
    if length is not None and degrees:
        degrees, rhythm = _fill(degrees, rhythm, length, path, log)
    return {"degrees": degrees, "rhythm": rhythm}


def _mend_rhythm(
    raw: list[Any], degrees: list[DegreeValue], path: str, log: RepairLog
) -> tuple[list[DegreeValue], list[float]]:
    if all(map(is_length, raw)):
        return degrees, raw
    result: list[float] = []
    kept = list(degrees)
    dropped = 0
    for number, value in enumerate(raw):
        if is_length(value):
            result.append(value)
            continue
        length = read_length(value)
        if length == 0:
            if number - dropped < len(kept):
                del kept[number - dropped]
            dropped += 1
            log.add(f"{path}/rhythm/{number}", "rhythm.zero", value, None, "A note of no length was left out.")
            continue
        after = length if length is not None else (result[-1] if result else 1.0)
        after = int(after) if after == int(after) else round(after, 6)
        why = (
            "A length is a number of quarters from 1/32 to 64."
            if length is not None
            else "Not a length: held as before."
        )
        log.add(f"{path}/rhythm/{number}", "rhythm.spelling", value, after, why)
        result.append(after)
    return kept, result


def _same_length(
    degrees: list[DegreeValue], rhythm: list[float], path: str, log: RepairLog, length: int | None
) -> tuple[list[DegreeValue], list[float]]:
    if len(degrees) > MAX_NOTES or len(rhythm) > MAX_NOTES:
        log.add(path, "motif.too-long", len(degrees), MAX_NOTES, f"At most {MAX_NOTES:,} notes are read.")
        degrees, rhythm = degrees[:MAX_NOTES], rhythm[:MAX_NOTES]
    notes, lengths = len(degrees), len(rhythm)
    if notes == lengths:
        return degrees, rhythm
    why = f"{notes} degrees and {lengths} lengths: each note needs one of both."
    if lengths > notes or (length is not None and rhythm and abs(_total(rhythm) - length) <= TOLERANCE):
        kind = "rhythm.trimmed" if lengths > notes else "degrees.trimmed"
        log.add(path, kind, max(notes, lengths), min(notes, lengths), why)
        return degrees[:lengths], rhythm[:notes]
    last = rhythm[-1] if rhythm else 1
    log.add(f"{path}/rhythm", "rhythm.padded", rhythm, last, why + f" The missing lengths are {last:g}.")
    return degrees, rhythm + [last] * (notes - lengths)


def _total(rhythm: list[float]) -> int:
    return sum(map(divisions, rhythm))


def _fill(
    degrees: list[DegreeValue], rhythm: list[float], length: int, path: str, log: RepairLog
) -> tuple[list[DegreeValue], list[float]]:
    """A tune cut at the end of its phrase, or followed by a rest."""
    lengths = list(map(divisions, rhythm))
    total = sum(lengths)
    if abs(total - length) <= TOLERANCE:
        return degrees, rhythm
    longer = total > length
    fitted = _fitted(lengths, length, GRID)
    if fitted is None:  # lengths off every grid: move each onset to the nearest 128th first
        onsets = [round(sum(lengths[:number]) / GRID) * GRID for number in range(len(lengths) + 1)]
        lengths = [max(GRID, after - before) for before, after in pairwise(onsets)]
        fitted = _fitted(lengths, length, GRID) or _fitted([], length, GRID) or []
    count = min(len(fitted), len(degrees))
    tune = degrees[:count] + [0] * (len(fitted) - count)
    plain_lengths: list[float] = [plain_quarters(value) for value in fitted]
    for number in range(min(count, len(rhythm))):
        if fitted[number] == divisions(rhythm[number]):
            plain_lengths[number] = rhythm[number]
    log.add(
        path,
        "tune.trimmed" if longer else "tune.padded",
        {"notes": len(degrees), "quarters": plain_quarters(total)},
        {"notes": len(tune), "quarters": plain_quarters(length)},
        "The tune was longer than its phrase: its end was cut." if longer
        else "The tune was shorter than its phrase: a rest follows.",
    )  # fmt: skip
    return tune, plain_lengths


def _fitted(lengths: list[int], length: int, least: int) -> list[int] | None:
    """Lengths cut or followed by rests so that they fill ``length``; None where no plain numbers say so."""
    kept: list[int] = []
    left = length
    longest = int(MAX_LENGTH) * DIVISIONS
    room = MAX_NOTES - length // longest - 2  # so that the rests that may follow still find a place
    for value in lengths[:room]:
        if left < least:
            break
        kept.append(min(value, left))
        left -= kept[-1]
    if 0 < left < least and kept:
        kept[-1] += left
        left = 0
    while left > 0:
        rest = min(left, longest)
        rest = rest - least if 0 < left - rest < least else rest
        kept.append(rest)
        left -= rest
    exact = all(divisions(float(plain_quarters(value))) == value and value <= longest for value in kept)
    return kept if exact and abs(left) <= TOLERANCE else None
