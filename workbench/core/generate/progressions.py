"""Chord progressions as they were meant, with the lengths that stand beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.generate.fields import Work
from workbench.core.generate.figures import split_chords
from workbench.core.generate.notes import is_length, read_length
from workbench.core.generate.spellings import (
    CHORD,
    SECTION,
    plain,
)
from workbench.core.generate.theory import minor_dominants, raised
from workbench.core.music.keys import Key
from workbench.core.music.meters import plain_quarters
from workbench.core.music.structure import MAX_CHORDS


def read_chords(raw: Any, path: str, key: Key, work: Work) -> tuple[list[str] | None, list[float] | None]:
    """Numerals of ``key``, and the lengths that stand beside them; None where there are no chords."""
    log = work.log
    if work.figures.are_plain(raw, key.mode) and len(raw) <= MAX_CHORDS:
        return raw, None
    tokens, beats, bars = _tokens(raw, key, work)
    if tokens is not raw:
        log.add(path, "chords.shape", raw, tokens, "Chords are a list of Roman numerals.")
    if len(tokens) > MAX_CHORDS:
        log.add(path, "chords.cut", len(tokens), MAX_CHORDS, f"At most {MAX_CHORDS:,} chords are read.")
        tokens = tokens[:MAX_CHORDS]
    result: list[str] = []
    waiting: list[Any] = []
    for number, token in enumerate(tokens):
        figure = work.figures.mend(token, key)
        if figure is None:
            if result:
                log.add(f"{path}/{number}", "chord.unreadable", token, result[-1], "No chord: the one before is held.")
                result.append(result[-1])
            else:
                waiting.append(token)
            continue
        if figure.why:
            kind = "chord.symbol" if figure.why.startswith("An absolute") else "chord.spelling"
            log.add(f"{path}/{number}", kind, token, figure.text, figure.why)
        for place, before in enumerate(waiting):
            log.add(f"{path}/{place}", "chord.unreadable", before, figure.text, "No chord: the next one stands here.")
            result.append(figure.text)
        waiting = []
        result.append(figure.text)
    if not result:
        if waiting or raw is not tokens or not isinstance(raw, list):
            log.add(path, "chords.unreadable", raw, None, "No chord can be read in it.")
        return None, None
    if beats is None and bars > 1 and isinstance(raw, list | str):
        return result, None
    return result, beats if beats is not None and len(beats) == len(result) else None


def _tokens(raw: Any, key: Key, work: Work) -> tuple[list[Any], list[float] | None, int]:
    """Chords one by one, lengths in quarters where they are told (bar lines tell them too), and the number of bars."""
    if isinstance(raw, str):
        return _dealt(split_chords(raw), work)
    if isinstance(raw, Mapping):
        inner = next(
            (raw[n] for n in list(raw)[:16] if plain(str(n)) in SECTION and isinstance(raw[n], list | str)), None
        )
        return (
            _tokens(inner if inner is not None else list(raw.values())[: MAX_CHORDS + 1], key, work)
            if raw
            else ([], None, 0)
        )
    if not isinstance(raw, list):
        return [raw], None, 0
    if all(isinstance(item, str) for item in raw):
        if len(raw) <= 64 and any(len(item) > 3 and any(c in item for c in " |-–—→,") for item in raw):
            bars = [bar for item in raw for bar in _split_item(item, key, work)]
            if sum(map(len, bars)) > len(raw):
                return [token for bar in bars for token in bar], None, 0
        return raw, None, 0
    if all(isinstance(item, list) for item in raw):
        return _dealt(
            [[str(token) for token in bar[:64] if isinstance(token, str | int)] for bar in raw[:MAX_CHORDS]], work
        )
    tokens: list[Any] = []
    beats: list[float] = []
    for item in raw[: MAX_CHORDS + 1]:
        if isinstance(item, Mapping):
            known = {CHORD.get(plain(str(name)), ""): inner for name, inner in list(item.items())[:16]}
            length = read_length(known.get("beats"))
            beats += [length] if length else []
            tokens.append(known.get("figure"))
        else:
            tokens.append(item)
    return tokens, beats if beats and len(beats) == len(tokens) else None, 0


def _split_item(item: str, key: Key, work: Work) -> list[list[str]]:
    if work.figures.mend(item, key) is not None and not any(mark in item for mark in "|–—→,"):
        parts = [part for part in item.split() if part != "-"]
        if len(parts) < 2 or not all(work.figures.mend(part, key) for part in parts[:8]):
            return [[item]]
    return split_chords(item)


def _dealt(bars: list[list[str]], work: Work) -> tuple[list[Any], list[float] | None, int]:
    tokens = [token for bar in bars for token in bar]
    if len(bars) < 2 or not all(bars):
        return tokens, None, len(bars)
    beats = [float(plain_quarters(work.meter.bar // len(bar))) for bar in bars for _ in bar]
    if len({len(bar) for bar in bars}) == 1 or any(work.meter.beats % len(bar) for bar in bars):
        return tokens, None, len(bars)  # evenly spread chords need no lengths of their own
    return tokens, beats, len(bars)


def read_beats(raw: Any, path: str, work: Work) -> list[float] | None:
    """Lengths in quarters, one for each chord as far as they are told; None where none can be read."""
    values = raw if isinstance(raw, list) else [raw]
    if isinstance(raw, str):
        values = [token for token in raw[:20_000].replace(",", " ").replace("|", " ").split() if token]
    values = values[:MAX_CHORDS]
    if values and len(values) == len(raw if isinstance(raw, list) else ()) and all(map(is_length, values)):
        return raw  # type: ignore[no-any-return]
    lengths = [read_length(value) for value in values]
    kept: list[float] = [_plain_number(length) if length else 1 for length in lengths]
    if not any(lengths):
        work.log.add(path, "beats.unreadable", raw, None, "No lengths can be read in it.")
        return None
    work.log.add(path, "beats.spelling", raw, kept, "Lengths are numbers of quarters from 1/32 to 64.")
    return kept


def _plain_number(value: float) -> float:
    return int(value) if value == int(value) else round(value, 6)


def raise_dominants(chords: list[str], cadence: str | None, key: Key, path: str, work: Work) -> list[str]:
    """The chords with the minor dominants of a close made major."""
    if not key.is_minor:
        return chords
    places = minor_dominants(chords, cadence)
    if not places:
        return chords
    result = list(chords)
    for place in places:
        result[place] = raised(chords[place])
        why = "In minor the dominant of a cadence has the raised leading tone."
        work.log.add(f"{path}/{place}", "cadence.minor-dominant", chords[place], result[place], why)
    return result


def plainest_chords(key: Key, cadence: str | None) -> list[str]:
    """The fewest chords that make a cadence; an authentic one where none is named."""
    tonic, fourth, sixth = ("i", "iv", "VI") if key.is_minor else ("I", "IV", "vi")
    closes = {"HC": [tonic, "V"], "DC": [tonic, "V", sixth], "PC": [tonic, fourth, tonic], "PICARDY": [tonic, "V", "I"]}
    return closes.get(cadence or "", [tonic, "V", tonic])
