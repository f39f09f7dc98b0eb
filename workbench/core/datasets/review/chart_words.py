"""What a chart of a version says, in one sentence: the answer to the question that somebody looks at it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workbench.core.datasets.review.balance import ENOUGH, unlike_real_music
from workbench.core.datasets.review.statistics import BETWEEN, Counts, Moved, bins, coverage_of_cells
from workbench.core.library.coverage import Coverage
from workbench.core.music.cadences import CADENCES
from workbench.core.music.keys import parse_key
from workbench.core.render.labels import numeral_text

NONE = "There is nothing to count."
_SOUNDING_KEYS = 24


def chart_words(name: str, counts: Counts, *, mode: str = "major") -> str:
    """The answer of one name's chart; ``mode`` is whose chords are meant."""
    if not sum(counts.tallies[name].values()):
        return NONE
    if name == "chords":
        return _chords(counts, mode)
    return _WORDS[name](counts)


def coverage_words(found: Coverage, mood: str = "") -> str:
    """How much of the map is filled, and what fills it most, in all moods or in one."""
    cells = {cell: held.count for cell, held in found.cells.items() if not mood or cell.mood == mood}
    filled = {cell: count for cell, count in cells.items() if count}
    what = "form and period" if mood else "form, period and mood"
    if not filled:
        return f"None of the {len(cells)} combinations of {what} has a row."
    most = max(filled, key=lambda cell: (filled[cell], cell))
    return (
        f"{len(filled)} of {len(cells)} combinations of {what} {'has' if len(filled) == 1 else 'have'} a row; the "
        f"fullest is {most.name} with {filled[most]:,}."
    )


def beside_words(moved: Moved | None, beside: str) -> str:
    """How far a distribution lies from the one that stands beside it."""
    if moved is None:
        return f"It is the same in {beside}."
    return f"{_percent(moved.distance)} of it lies elsewhere than in {beside}, {moved.verdict}."


def _moods(counts: Counts) -> str:
    tally = counts.ordered("moods")
    first, last = max(tally, key=lambda mood: tally[mood]), min(tally, key=lambda mood: tally[mood])
    absent = [mood for mood, count in tally.items() if not count]
    head = f"{_most('moods', counts, first)} {first}"
    if absent:
        return f"{head}; none {'is' if len(absent) == 1 else 'are'} {_and(absent)}."
    return f"{head}, {_percent(tally[last] / sum(tally.values()))} {last}."


def _keys(counts: Counts) -> str:
    tally = counts.tallies["keys"]
    keys = {name: parse_key(name) for name, count in tally.items() if count}
    places = {(key.signature % 12, key.is_minor) for key in keys.values()}
    minor = sum(tally[name] for name, key in keys.items() if key.is_minor) / sum(tally.values())
    first = max(keys, key=lambda name: (tally[name], name))
    return (
        f"{len(places)} of {_SOUNDING_KEYS} keys occur, {first} the most often with {_share(tally, first)}; "
        f"{_percent(minor)} are in minor."
    )


def _cadences(counts: Counts) -> str:
    tally, last = counts.tallies["cadences"], counts.tallies["last_cadence"]
    first = max(tally, key=lambda cadence: (tally[cadence], cadence))
    name = CADENCES[first].name if first in CADENCES else first
    unlike = [words for words in unlike_real_music(counts) if "phrases" not in words]
    ends = f" {_share(last, 'PAC')} of the pieces end with a perfect authentic cadence." if sum(last.values()) else ""
    return f"The most frequent is the {name} with {_share(tally, first)}.{ends} {_real(unlike, tally)}".strip()


def _lengths(counts: Counts) -> str:
    tally = counts.tallies["phrase_lengths"]
    first = max(tally, key=lambda length: (tally[length], length))
    even = sum(count for length, count in tally.items() if int(length) % 4 == 0) / sum(tally.values())
    unlike = [words for words in unlike_real_music(counts) if "phrases" in words]
    bars = "1 bar" if first == "1" else f"{first} bars"
    head = f"{_share(tally, first)} of the phrases have {bars}; {_percent(even)} are multiples of four."
    return f"{head} {_real(unlike, tally)}".strip()


def _real(unlike: list[str], tally: Mapping[str, int]) -> str:
    if sum(tally.values()) < ENOUGH:
        return ""
    return " ".join(unlike) or "That is near what annotated sonatas have."


def _chords(counts: Counts, mode: str) -> str:
    tally = counts.by_mode("chords")[mode]
    whole = sum(tally.values())
    if not whole:
        return f"There are no chords in {mode}."
    first = list(tally)[:3]
    together = sum(tally[figure] for figure in first) / whole
    names = _and([numeral_text(figure) for figure in first])
    if len(tally) == 1:
        return f"The only chord in {mode} is {names}."
    return f"{len(tally)} different chords occur in {mode}; {names} make up {_percent(together)}."


def _measured(name: str) -> Callable[[Counts], str]:
    one, verb, unit = {
        "seconds": ("piece", "last", "seconds"), "tokens": ("row", "ha", "tokens"), "measures": ("piece", "ha", "bars"),
    }[name]  # fmt: skip

    def words(counts: Counts) -> str:
        tally = counts.tallies[name]
        held = [each for each in bins(name) if tally.get(each)]
        half, seen = sum(tally.values()) / 2, 0
        middle = held[0]
        for middle in held:
            seen += tally[middle]
            if seen >= half:
                break
        if len(held) == 1:
            return f"Every {one} {verb}s {held[0]} {unit}."
        return f"The middle {one} {verb}s {middle} {unit}, the shortest {held[0]}, the longest {held[-1]}."

    return words


def _named(name: str, one: str) -> Callable[[Counts], str]:
    def words(counts: Counts) -> str:
        tally = counts.tallies[name]
        kinds = sum(1 for count in tally.values() if count)
        first = max(tally, key=lambda category: (tally[category], category))
        told = first.replace(BETWEEN, " ") or "not told"
        return f"{kinds} {one}{'s occur' if kinds != 1 else ' occurs'}; the most frequent is {told} with " + (
            f"{_share(tally, first)}."
        )

    return words


def _cells(counts: Counts) -> str:
    return coverage_words(coverage_of_cells(counts.tallies["cells"]))


def _most(name: str, counts: Counts, first: str) -> str:
    return f"{_share(counts.tallies[name], first)} of the pieces are"


def _share(tally: Mapping[str, int], category: str) -> str:
    return _percent(tally.get(category, 0) / sum(tally.values()))


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


_WORDS: dict[str, Callable[[Counts], str]] = {
    "cells": _cells,
    "moods": _moods,
    "keys": _keys,
    "cadences": _cadences,
    "phrase_lengths": _lengths,
    "forms": _named("forms", "form"),
    "periods": _named("periods", "period"),
    "modes": _named("modes", "mode"),
    "local_keys": _named("local_keys", "key"),
    "last_cadence": _named("last_cadence", "last cadence"),
    "meters": _named("meters", "meter"),
    "seconds": _measured("seconds"),
    "tokens": _measured("tokens"),
    "measures": _measured("measures"),
}
