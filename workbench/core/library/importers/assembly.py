"""From an analysis to a structure: phrases, their keys and cadences, and the sections that they make.

A phrase stands in the key that it closes in; its chords are renamed in that key, so that a pivot reads as the listener
comes to hear it. Phrases in one key that follow each other make a section. What a source leaves open (tempo, phrases
where it marks none) is assumed, and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from pydantic import ValidationError

from workbench.core.errors import InvalidInputError
from workbench.core.library.importers.analysis import Analysis, Imported, PhraseSource, Timeline, WrittenChord
from workbench.core.library.importers.closes import LONGEST_PHRASE, REWARD, close_of, divide
from workbench.core.library.importers.figures import named_in, plain_figure
from workbench.core.library.importers.timing import Stretch, onto_bars
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Key
from workbench.core.music.meters import DIVISIONS, plain_quarters
from workbench.core.music.reading import explain
from workbench.core.music.structure import MAX_SECTIONS, MIN_LENGTH, MusicStructure, Phrase, Section

Period = Literal["baroque", "classical", "romantic", "modern"]

SHORTEST_SECTION = 2
"""Bars; a key that lasts less long is written as applied chords of its neighbour's."""
LONGEST_CHORD = 64
"""Quarters: what one length in a structure can hold."""

_PERIODS: dict[Period, str] = {
    "baroque": "monteverdi bach corelli handel händel schütz schutz purcell vivaldi telemann couperin rameau scarlatti",
    "classical": "mozart haydn beethoven clementi kozeluch dussek pleyel gluck",
    "romantic": "schubert schumann mendelssohn chopin brahms liszt wagner grieg dvořák dvorak tchaikovsky hensel wolf "
    "franz verdi chaminade holmès fauré jensen lang",
    "modern": "debussy ravel bartók bartok schoenberg webern satie",
}
_TEMPI: dict[str, float] = {"chorale": 72, "madrigal": 80}


class _Span(NamedTuple):
    """A phrase to be: its chords with lengths, and where it comes from."""

    bars: int
    chords: tuple[WrittenChord, ...]
    lengths: tuple[Fraction, ...]
    key: Key
    ends_part: bool
    begin: Fraction
    end: Fraction
    lead: Fraction


def assemble(analysis: Analysis, *, period: Period | None = None) -> Imported:
    """Make a structure of an analysis.

    Raises:
        InvalidInputError: no chords, a meter without counterpart, mostly unreadable figures, or a piece too long.
    """
    readable, told = _readable(analysis)
    timed = onto_bars(readable)
    spans = [span for stretch in timed.stretches for span in _phrases(stretch, timed.bar, timed.scale)]
    least = SHORTEST_SECTION
    groups = _sections(spans, least)
    while len(groups) > MAX_SECTIONS:
        least += 1
        groups = _sections(spans, least)
    notes = [*analysis.notes, *timed.notes, *told]
    if not any(stretch.marked for stretch in timed.stretches[:-1]):
        notes.append("The source marks no phrases: they are divided where the harmony closes.")
    if least > SHORTEST_SECTION:
        notes.append(f"Keys that last less than {least} bars are written as applied chords.")
    try:
        sections, sources, lost = _written(groups)
    except ValidationError as problem:
        raise explain(problem) from None
    notes += [f"{count} × left out: {what}." for what, count in sorted(lost.items())]
    form = (analysis.source.form or "through-composed").strip().lower()[:40]
    notes.append("The tempo is assumed: the source gives none.")
    vocal = form in {"chorale", "madrigal"}
    structure = MusicStructure(
        title=analysis.source.title[:120] or None,
        key=groups[-1][0].name,
        tempo=_TEMPI.get(form, 96),
        time_signature=timed.meter,
        form=form,
        period=period or period_of(analysis.source.composer),
        sections=tuple(section.model_copy(update={"texture": "chorale"}) if vocal else section for section in sections),
        instrumentation="choir" if vocal else None,
    )
    timeline = Timeline(timed.bars, tuple(sources), timed.scale, timed.even)
    return Imported(structure, tuple(dict.fromkeys(notes)), analysis.source, timeline)


def period_of(composer: str) -> Period | None:
    """The period of a composer whose name is known here; None for the rest."""
    words = set(composer.lower().replace(",", " ").replace(".", " ").split())
    return next((period for period, names in _PERIODS.items() if words & set(names.split())), None)


def _readable(analysis: Analysis) -> tuple[Analysis, list[str]]:
    """The analysis with figures that can be read, and what they lost."""
    lost: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    total = 0
    bars = []
    for bar in analysis.bars:
        chords = []
        for chord in bar.chords:
            total += 1
            reading = plain_figure(chord.figure, chord.key)
            if reading is None:
                unread[chord.figure[:16]] += 1
                continue
            lost[reading.given_up] += bool(reading.given_up)
            chords.append(chord._replace(figure=reading.figure))
        bars.append(bar._replace(chords=tuple(chords)))
    if total and 2 * sum(unread.values()) > total:
        raise InvalidInputError(
            f"{sum(unread.values())} of {total} figures cannot be read, such as {next(iter(unread))!r}.",
            hint="Write Roman numerals such as I, ii6/5, V7/V or vii/o7.",
            field="figures",
        )
    notes = [f"{count} × left out: {what}." for what, count in sorted(lost.items()) if what]
    if unread:
        notes.append(f"{sum(unread.values())} × no numeral, the chord before goes on: {', '.join(sorted(unread)[:5])}.")
    return analysis._replace(bars=tuple(bars)), notes


def _phrases(stretch: Stretch, bar: Fraction, scale: Fraction) -> list[_Span]:
    """The phrases of a stretch: itself, or parts of it where it is long or changes key for good."""
    total = stretch.bars * bar
    ends = [*(chord.offset for chord in stretch.chords[1:]), total]
    if stretch.bars <= LONGEST_PHRASE:
        sizes = [stretch.bars]
    else:
        by_bar = _up_to_bar(stretch.chords, stretch.bars, bar)

        def close_after(first: int, last: int) -> CadenceType | None:
            chords = by_bar[last]
            if not chords or chords[-1].offset < first * bar:
                return None
            key = chords[-1].key
            return close_of([named_in(chord.figure, chord.key, key).figure for chord in chords], key)

        sizes = divide(stretch.bars, close_after)
    spans: list[_Span] = []
    at, index = Fraction(0), 0
    for number, size in enumerate(sizes):
        start, stop = at, at + size * bar
        chosen, taken = [], []
        while index < len(ends) and stretch.chords[index].offset < stop:
            low, high = max(stretch.chords[index].offset, start), min(ends[index], stop)
            chosen.append(stretch.chords[index])
            taken.append(high - low)
            if ends[index] > stop:
                break  # it sounds on into the next phrase
            index += 1
        last = number == len(sizes) - 1
        spans.append(
            _Span(
                size,
                tuple(chosen),
                tuple(taken),
                _closing_key(chosen),
                last and stretch.ends_part,
                stretch.begin + (start - stretch.lead) / scale if number else stretch.begin,
                stretch.end if last else stretch.begin + (stop - stretch.lead) / scale,
                Fraction(0) if number else stretch.lead,
            )
        )
        at = stop
    return spans


def _closing_key(chords: Sequence[WrittenChord]) -> Key:
    """The key that a phrase closes in: its last chord's, or one just before it in which it makes a stronger cadence.

    The last chord may be read in the next phrase's key already (a pivot).
    """
    last = chords[-1]
    keys = list(dict.fromkeys(chord.key for chord in reversed(chords[-4:])))
    if len(keys) == 1 or last.cadence:
        return last.key
    tail = chords[-8:]
    closes = [close_of([named_in(chord.figure, chord.key, key).figure for chord in tail], key) for key in keys]
    return max(zip(closes, keys, strict=True), key=lambda item: REWARD[item[0]] - 0.1 * keys.index(item[1]))[1]


def _up_to_bar(chords: Sequence[WrittenChord], bars: int, bar: Fraction) -> list[list[WrittenChord]]:
    """For each bar (from 0) the last few chords that have begun before it ends."""
    result = []
    index = 0
    for number in range(bars):
        while index < len(chords) and chords[index].offset < (number + 1) * bar:
            index += 1
        result.append(list(chords[max(0, index - 6) : index]))
    return result


def _sections(spans: Sequence[_Span], least: int) -> list[tuple[Key, list[_Span]]]:
    """Runs of phrases in one key; a run of fewer than ``least`` bars joins the run before it (or after, the first)."""
    runs: list[tuple[Key, list[_Span]]] = []
    fresh = True
    for span in spans:
        if runs and runs[-1][0] == span.key and not fresh:
            runs[-1][1].append(span)
        else:
            runs.append((span.key, [span]))
        fresh = span.ends_part
    number = 0
    while number < len(runs) and len(runs) > 1:
        members = runs[number][1]
        if sum(span.bars for span in members) >= least:
            number += 1
        elif number == 0:
            runs[1] = (runs[1][0], members + runs[1][1])
            del runs[0]
        else:
            before = runs[number - 1]
            joined = [*before[1], *members]
            del runs[number]
            runs[number - 1] = (before[0], joined)
            if number < len(runs) and runs[number][0] == before[0] and not members[-1].ends_part:
                runs[number - 1] = (before[0], joined + runs[number][1])
                del runs[number]
    return runs


def _written(groups: Sequence[tuple[Key, list[_Span]]]) -> tuple[list[Section], list[PhraseSource], Counter[str]]:
    sections: list[Section] = []
    sources: list[PhraseSource] = []
    lost: Counter[str] = Counter()
    for number, (key, spans) in enumerate(groups):
        phrases = []
        for order, span in enumerate(spans):
            phrase, given_up = _phrase(span, key, _letter(len(sources)).lower())
            lost.update(given_up)
            phrases.append(phrase)
            sources.append(PhraseSource(number, order, span.begin, span.end, span.lead))
        figures = [figure for phrase in phrases for figure in phrase.chords or ()]
        sections.append(
            Section(
                name=_letter(number),
                key=key.name,
                measures=sum(span.bars for span in spans),
                chord_progression=tuple(figures),
                cadence=phrases[-1].cadence,
                phrases=tuple(phrases),
            )
        )
    return sections, sources, lost


def _phrase(span: _Span, key: Key, label: str) -> tuple[Phrase, Counter[str]]:
    lost: Counter[str] = Counter()
    figures: list[str] = []
    lengths: list[Fraction] = []
    for chord, length in zip(span.chords, span.lengths, strict=True):
        reading = named_in(chord.figure, chord.key, key)
        lost[reading.given_up] += bool(reading.given_up)
        repeated = bool(figures) and figures[-1] == reading.figure and lengths[-1] + length <= LONGEST_CHORD
        if repeated or (figures and length < MIN_LENGTH):
            lengths[-1] += length
            continue
        if figures and lengths[-1] < MIN_LENGTH:  # only the first can be so short
            length += lengths.pop()
            figures.pop()
        while length > LONGEST_CHORD:
            figures.append(reading.figure)
            lengths.append(Fraction(LONGEST_CHORD))
            length -= LONGEST_CHORD
        figures.append(reading.figure)
        lengths.append(length)
    cadence = close_of(figures, key)
    written = span.chords[-1].cadence if span.chords[-1].key == key else None
    if written and written != cadence:
        if {written, cadence} == {"PAC", "IAC"}:
            cadence = written  # the source knows the tune
        else:
            lost["cadences of the source that the numerals do not spell"] += 1
    phrase = Phrase(
        label=label,
        measures=span.bars,
        cadence=cadence,
        chords=tuple(figures),
        chord_beats=tuple(float(plain_quarters(round(length * DIVISIONS))) for length in lengths),
    )
    return phrase, +lost


def _letter(number: int) -> str:
    """A, B … Z, A2, B2 …"""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26 + 1}"
