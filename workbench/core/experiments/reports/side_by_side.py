"""Pairs of pieces for a report: what two variants made of one request, drawn, sounding and in words."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.core.compose import perform, realize
from workbench.core.errors import SoundError, WorkbenchError
from workbench.core.experiments.ratings.loudness import matching_gains
from workbench.core.experiments.reports.differences import told_differences
from workbench.core.experiments.reports.drawing import Drawing, Palette
from workbench.core.experiments.reports.filters import Filter, Pair, pairs_where
from workbench.core.experiments.reports.summary import Column, Summary, headlines
from workbench.core.experiments.results import Result
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import difference_words, interval_words
from workbench.core.music.score import Performance, Score
from workbench.core.music.structure import MusicStructure, Phrase, Section, section_measures
from workbench.core.render.audio import encode, synthesize
from workbench.core.render.labels import numeral_text
from workbench.core.render.phrase_plan import phrase_plan_json
from workbench.core.render.piano_roll import piano_roll_json

SECONDS = 20.0
"""How much of a piece sounds."""
_RATE, _FADE = 22_050, 1.5
_WIDTH, _PLOT = 640, 542
MAX_NOTES = 6_000
"""Pieces of more notes are told in words alone."""
MAX_LINES = 14


@dataclass(frozen=True)
class Side:
    """One variant's piece; ``plan`` and ``roll`` are SVG, ``sound`` is Ogg in base64, all empty where there is none."""

    variant: str
    title: str
    values: tuple[str, ...]
    plan: str = ""
    roll: str = ""
    sound: str = ""
    seconds: int = 0
    text: tuple[str, ...] = ()
    lacks: str = ""


@dataclass(frozen=True)
class Shown:
    """A pair as a report shows it: why it was chosen, what was asked, both sides, and what differs."""

    why: str
    request: str
    asked: str
    sides: tuple[Side, Side]
    differences: tuple[str, ...]
    more: int


def chosen_pairs(results: Sequence[Result], summary: Summary, most: int) -> list[tuple[str, Pair]]:
    """A few pairs that tell: of each variant against the first (or the one compared with) its greatest loss and its
    greatest gain, by the first metric where there is any; each with why."""
    first = summary.against or summary.variants[0]
    found: list[tuple[str, Pair]] = []
    seen: set[tuple[str, int]] = set()
    rivals = [each for each in summary.variants if each != first]
    for choice in ("worst", "best"):
        for other in rivals:
            for name in headlines(summary.columns):
                column = summary.column(name)
                if column is None or not column.better or column.family == "cost":
                    continue
                filter = Filter(a=first, b=other, choice=choice, metric=name, better=column.better)
                pairs = [
                    pair for pair in _pairs(results, filter)
                    if (pair.request, pair.seed) not in seen and _drawable(pair)
                ]  # fmt: skip
                if pairs:
                    seen.add((pairs[0].request, pairs[0].seed))
                    found.append((_why(pairs[0], column, choice), pairs[0]))
                    break
    if not found and rivals:
        plain = next((each for each in pairs_where(results, Filter(a=first, b=rivals[0])) if _drawable(each)), None)
        found = [(f"{rivals[0]} beside {first}", plain)] if plain else []
    return found[:most]


def _why(pair: Pair, column: Column, choice: str) -> str:
    """Why a pair was chosen."""
    a, b = pair.a.variant, pair.b.variant
    if column.kind == "rate":
        yes, no = ("yes", "no") if (pair.gap or 0.0) < 0 else ("no", "yes")
        return f"{column.title}: {yes} for {a}, {no} for {b}"
    gap = Interval(pair.gap, None, None, 1, 1)
    size = difference_words(abs(pair.gap or 0.0), gap, column.kind, column.unit)
    return f"{b} against {a}: the greatest {'loss' if choice == 'worst' else 'gain'} in {column.title} ({size})"


def shown(why: str, pair: Pair, summary: Summary, palette: Palette, *, sound: bool) -> Shown:
    """A pair with its drawings, and its sounds equally loud."""
    performed = [_performed(each.sample.structure) for each in (pair.a, pair.b)]
    sounds = _sounds([each for each, _ in performed]) if sound else ["", ""]
    sides = [
        _side(result, summary, performance, lacks, heard, palette)
        for result, (performance, lacks), heard in zip((pair.a, pair.b), performed, sounds, strict=True)
    ]
    lines: list[str] = []
    if pair.a.sample.structure is not None and pair.b.sample.structure is not None:
        lines = [each.line for each in told_differences(pair.a.sample.structure, pair.b.sample.structure)]
    told, more = tuple(lines[:MAX_LINES]), max(0, len(lines) - MAX_LINES)
    return Shown(why, pair.request, _asked(pair.a), (sides[0], sides[1]), told, more)


def score_text(structure: MusicStructure) -> tuple[str, ...]:
    """A piece in words: a line for the whole, then one for each section and phrase with its chords."""
    head = f"{structure.key}, {structure.time_signature}, {structure.tempo:g} quarters a minute, {structure.form}"
    return (head, *(line for section in structure.sections for line in _section_text(section)))


def _section_text(section: Section) -> Iterator[str]:
    bars = section_measures(section)
    close = f", closes {section.cadence}" if section.cadence else ""
    yield f"{section.name}: {section.key}, {bars} {'bar' if bars == 1 else 'bars'}{close}"
    if section.phrases and all(phrase.chords for phrase in section.phrases):
        yield from (_phrase_text(phrase) for phrase in section.phrases)
    else:
        yield f"  {_chords(section.chord_progression)}"


def _phrase_text(phrase: Phrase) -> str:
    name = " ".join(filter(None, (phrase.label, phrase.role))) or "phrase"
    close = f" ({phrase.cadence})" if phrase.cadence else ""
    return f"  {name}: {_chords(phrase.chords or ())}{close}"


def _chords(figures: Sequence[str]) -> str:
    return " ".join(numeral_text(each) for each in figures[:80]) + (" …" if len(figures) > 80 else "")


def _pairs(results: Sequence[Result], filter: Filter) -> list[Pair]:
    try:
        return pairs_where(results, filter)
    except WorkbenchError:  # a metric that the results do not have
        return []


def _drawable(pair: Pair) -> bool:
    return pair.a.sample.structure is not None and pair.b.sample.structure is not None


def _performed(structure: MusicStructure | None) -> tuple[Performance | None, str]:
    if structure is None:
        return None, "No piece came out."
    try:
        return perform(realize(structure), humanize=structure.humanize), ""
    except WorkbenchError as problem:
        return None, problem.message


def _side(
    result: Result, summary: Summary, performance: Performance | None, lacks: str, sound: str, palette: Palette
) -> Side:
    structure = result.sample.structure
    side = Side(result.variant, (structure.title or "") if structure else "", _values(result, summary), lacks=lacks)
    if structure is None:
        return side
    side = replace(side, text=score_text(structure))
    if performance is None:
        return side
    if len(performance.score) > MAX_NOTES:
        return replace(side, lacks=f"With {len(performance.score):,} notes it is too long to be drawn.")
    plan, roll = _drawn(performance.score, performance, palette, result.variant)
    return replace(side, plan=plan, roll=roll, sound=sound, seconds=round(min(SECONDS, performance.seconds)))


def _drawn(score: Score, performance: Performance, palette: Palette, who: str) -> tuple[str, str]:
    plans = [phrase_plan_json(score, dark=dark, width=_PLOT) for dark in (False, True)]
    rolls = [piano_roll_json(score, performance, dark=dark, width=_PLOT) for dark in (False, True)]
    for roll in rolls:
        roll["layout"]["height"] = 260
    names = ", ".join(f"{span.name} in {span.key.name}" for span in score.sections)
    voices = ", ".join(voice.name for voice in score.voices)
    plan = Drawing(plans[0], plans[1], palette, width=_WIDTH)
    notes = Drawing(rolls[0], rolls[1], palette, width=_WIDTH)
    return (
        plan.svg(f"The phrase plan of {who}", f"{score.measures} bars: {names}."),
        notes.svg(f"The notes of {who}", f"{len(score)} notes over {score.measures} bars, of {voices}."),
    )


def _sounds(performances: Sequence[Performance | None]) -> list[str]:
    """The beginnings, equally loud, as Ogg in base64; nothing where the synthesizer fails."""
    try:
        heard = [None if each is None else _beginning(each) for each in performances]
        one, other = heard
        if one is not None and other is not None:
            gains = matching_gains(one, other, _RATE)
            one *= gains.first
            other *= gains.second
        return ["" if each is None else b64encode(encode(each, _RATE, "ogg")).decode() for each in heard]
    except SoundError:
        return ["", ""]


def _beginning(performance: Performance) -> NDArray[np.float32]:
    samples = synthesize(performance, sample_rate=_RATE, stereo=False)[:, : round(SECONDS * _RATE)]
    fade = min(samples.shape[1], round(_FADE * _RATE))
    if fade and performance.seconds > SECONDS:
        samples[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return np.ascontiguousarray(samples)


def _values(result: Result, summary: Summary) -> tuple[str, ...]:
    """The headline values of one result, in words."""
    told = []
    for name in headlines(summary.columns):
        column, value = summary.column(name), result.values.get(name)
        if column is None or value is None:
            continue
        if column.kind == "rate":
            told.append(f"{column.title}: {'yes' if value else 'no'}")
        else:
            alone = Interval(float(value), None, None, 1, 1)
            words, _, _ = interval_words(alone, column.kind, column.unit).partition(" (")
            told.append(f"{column.title}: {words}")
    return tuple(told)


def _asked(result: Result) -> str:
    request, manner = result.sample.request, result.sample.form.manner
    parts = [
        manner.form, manner.period, manner.key.pretty, manner.meter.name, f"{request.duration:g} s",
        f"seed {result.seed}",
    ]  # fmt: skip
    brief = f" “{request.brief[:200]}”" if request.brief else ""
    return ", ".join(parts) + brief
