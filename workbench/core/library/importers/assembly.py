"""From an analysis to a structure: phrases, their keys and cadences, and the sections that they make.

A phrase stands in the key that it closes in; its chords are renamed in that key, so that a pivot reads as the listener
comes to hear it. Phrases in one key that follow each other make a section. What a source leaves open (tempo, phrases
where it marks none) is assumed, and said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from pydantic import ValidationError

from workbench.core.errors import InvalidInputError
from workbench.core.library.importers.analysis import Analysis, Imported, PhraseSource, Place, Timeline
from workbench.core.library.importers.closes import close_of
from workbench.core.library.importers.figures import fewer_chords, named_in, plain_figure
from workbench.core.library.importers.spans import SHORTEST_SECTION, Span, phrases_of, sections_of, within_limits
from workbench.core.library.importers.texts import shown
from workbench.core.library.importers.timing import onto_bars, written
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Key, Mode
from workbench.core.music.reading import explain
from workbench.core.music.structure import MAX_SECTIONS, MusicStructure, Phrase, Section

Period = Literal["baroque", "classical", "romantic", "modern"]


MAX_DIFFERENT = 500
"""Chords in their keys; a long movement has two hundred, and a new one takes milliseconds to understand."""

_PERIODS: dict[Period, str] = {
    "baroque": "monteverdi bach corelli handel händel schütz schutz purcell vivaldi telemann couperin rameau scarlatti "
    "buxtehude pachelbel lully",
    "classical": "mozart haydn beethoven clementi kozeluch dussek pleyel gluck",
    "romantic": "schubert schumann mendelssohn chopin brahms liszt wagner grieg weber rossini dvořák dvorak "
    "tchaikovsky hensel wolf franz verdi chaminade holmès fauré jensen lang",
    "modern": "debussy ravel bartók bartok schoenberg webern satie joplin",
}
_TEMPI: dict[str, float] = {"chorale": 72, "madrigal": 80}
_TONIC = re.compile(r"^[iI](?![iIvV])")
_DOMINANT = re.compile(r"^V(?!I)[^/]*$")
_MINOR_DOMINANT = re.compile(r"^v(?!i)[^/]*$")


def assemble(analysis: Analysis, *, period: Period | None = None) -> Imported:
    """Make a structure of an analysis.

    Raises:
        InputTooLargeError: more bars or sections than a structure holds.
        InvalidInputError: no chords, a meter without counterpart, or mostly unreadable figures.
    """
    readable, told = _readable(analysis)
    timed = onto_bars(readable)
    spans = [span for stretch in timed.stretches for span in phrases_of(stretch, timed.bar, readable)]
    home = analysis.home or spans[-1].key
    least = SHORTEST_SECTION
    groups = sections_of(spans, least, home)
    while len(groups) > MAX_SECTIONS:
        least += 1
        groups = sections_of(spans, least, home)
    groups = within_limits(groups)
    notes = [*analysis.notes, *timed.notes, *told]
    if not analysis.phrased or not any(stretch.marked for stretch in timed.stretches[:-1]):
        notes.append("The source marks no phrases: they are divided where the harmony closes.")
    if least > SHORTEST_SECTION:
        notes.append(f"Keys that last less than {least} bars are written as applied chords.")
    try:
        sections, sources, lost = _written(groups, _Naming(analysis, timed.places))
    except ValidationError as problem:
        raise explain(problem) from None
    notes += [f"{count} × left out: {what}." for what, count in sorted(lost.items())]
    form = shown(analysis.source.form, 40).lower() or "through-composed"
    tempo = _TEMPI.get(form, 96) if analysis.tempo is None else min(220.0, max(40.0, analysis.tempo))
    if analysis.tempo is None:
        notes.append("The tempo is assumed: the source gives none.")
    elif tempo != analysis.tempo:
        notes.append(f"The tempo of {analysis.tempo:g} is brought within 40 to 220 quarters a minute.")
    vocal = form in {"chorale", "madrigal"}
    structure = MusicStructure(
        title=shown(analysis.source.title) or None,
        key=(analysis.home or groups[-1][0]).name,
        tempo=tempo,
        time_signature=timed.meter,
        form=form,
        period=period or period_of(analysis.source.composer),
        sections=tuple(section.model_copy(update={"texture": "chorale"}) if vocal else section for section in sections),
        instrumentation=analysis.instrumentation[:400] or ("choir" if vocal else None),
    )
    timeline = Timeline(timed.bars, tuple(sources), timed.places)
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
    different = {(chord.figure, chord.key) for bar in analysis.bars for chord in bar.chords}
    if len(different) > MAX_DIFFERENT:
        raise InvalidInputError(
            f"There are {len(different):,} different chords in it, more than any movement has.",
            hint="Import one movement of Roman numerals.",
            field="figures",
        )
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


class _Naming:
    """What a source names: sections, by where they begin, and whether it names cadences."""

    def __init__(self, analysis: Analysis, places: Sequence[Place]) -> None:
        self.headings = {places[index].laid: name for index, name in analysis.headings if index < len(places)}
        self.cadences = analysis.names_cadences
        self._last, self._parts = "", 1

    def section(self, number: int, first: Span) -> str:
        """The name of a section: the source's; ``A (2)`` where its ``A`` has been divided; a letter without names."""
        name = self.headings.get(first.begin - first.lead, "").strip()[:100]
        if name:
            self._last, self._parts = name, 1
        elif self._last:
            self._parts += 1
            return f"{self._last} ({self._parts})"
        return name or _letter(number)


def _written(
    groups: Sequence[tuple[Key, list[Span]]], naming: _Naming
) -> tuple[list[Section], list[PhraseSource], Counter[str]]:
    sections: list[Section] = []
    sources: list[PhraseSource] = []
    lost: Counter[str] = Counter()
    plainer = _plainer(groups)
    if plainer:
        lost["rare chromatic chords, for which the nearest plain ones stand"] += len(plainer)
    for number, (key, spans) in enumerate(groups):
        phrases = []
        for order, span in enumerate(spans):
            phrase, given_up = _phrase(span, key, _letter(len(sources)).lower(), naming, plainer)
            lost.update(given_up)
            phrases.append(phrase)
            sources.append(PhraseSource(number, order, span.begin, span.end, span.lead, naming.cadences))
        figures = [figure for phrase in phrases for figure in phrase.chords or ()]
        sections.append(
            Section(
                name=naming.section(number, spans[0]),
                key=key.name,
                measures=sum(span.bars for span in spans),
                chord_progression=tuple(figures),
                cadence=phrases[-1].cadence,
                phrases=tuple(phrases),
            )
        )
    return sections, sources, lost


def _plainer(groups: Sequence[tuple[Key, list[Span]]]) -> dict[tuple[str, Mode], str]:
    """What chords are written as, where the piece has more different ones than a structure may hold."""
    counts = Counter(
        (named_in(chord.figure, chord.key, key).figure, key.mode)
        for key, spans in groups
        for span in spans
        for chord in span.chords
    )
    return fewer_chords(counts)


def _phrase(
    span: Span, key: Key, label: str, naming: _Naming, plainer: Mapping[tuple[str, Mode], str]
) -> tuple[Phrase, Counter[str]]:
    lost: Counter[str] = Counter()
    names = []
    for chord in span.chords:
        reading = named_in(chord.figure, chord.key, key)
        lost[reading.given_up] += bool(reading.given_up)
        names.append(plainer.get((reading.figure, key.mode), reading.figure))
    ends = _merged(zip(names, accumulate(span.lengths), strict=True))
    if key.is_minor and (led := _leading([figure for figure, _ in ends])) != [figure for figure, _ in ends]:
        ends = _merged(zip(led, (end for _, end in ends), strict=True))
        lost["minor dominants just before a close, which is major here"] += 1
    figures, beats = written(ends)
    cadence = _cadence(span, key, close_of(figures, key), naming, lost)
    phrase = Phrase(
        label=label,
        measures=span.bars,
        cadence=cadence,
        chords=figures,
        chord_beats=beats,
    )
    return phrase, +lost


def _merged(chords: Iterable[tuple[str, Fraction]]) -> list[tuple[str, Fraction]]:
    """Numerals and where they end, one that follows itself taken for one."""
    ends: list[tuple[str, Fraction]] = []
    for figure, end in chords:
        if ends and ends[-1][0] == figure:
            ends.pop()
        ends.append((figure, end))
    return ends


def _cadence(
    span: Span, key: Key, spelled: CadenceType | None, naming: _Naming, lost: Counter[str]
) -> CadenceType | None:
    """The cadence of a phrase: the one that its source names, where the numerals bear it out; else what they spell."""
    if not naming.cadences:
        return spelled
    last = span.chords[-1]
    written = last.cadence if last.key == key else None
    if written == spelled or {written, spelled} == {"PAC", "IAC"}:
        return written  # the source knows the tune
    if written or last.cadence:
        lost["cadences of the source that the numerals do not spell"] += 1
    return None


def _leading(figures: Sequence[str]) -> list[str]:
    """Numerals of a minor key in which ``v`` just before the closing ``V`` is ``V`` too: it takes the leading tone."""
    result = list(figures)
    at = len(result) - 1
    if result[at].startswith("VI") and "/" not in result[at]:
        at -= 1
    while at > 0 and _TONIC.match(result[at]):
        at -= 1
    while at > 0 and _DOMINANT.match(result[at]) and _MINOR_DOMINANT.match(result[at - 1]):
        at -= 1
        result[at] = "V" + result[at][1:]
    return result


def _letter(number: int) -> str:
    """A, B … Z, A2, B2 …"""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else f"{letter}{number // 26 + 1}"
