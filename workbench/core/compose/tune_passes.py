"""Refining passes over the tune, each small and each about one thing."""

from __future__ import annotations

from workbench.core.compose.changing import change_phrases, change_sections, chord_of, is_tonic
from workbench.core.compose.refine import refining
from workbench.core.music.degrees import DegreeValue, parse_degree, write_degree
from workbench.core.music.keys import Mode
from workbench.core.music.meters import divisions, meter_of
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section


@refining("tune-arrives", "Let the tune arrive with the cadence")
def tune_arrives(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """At a perfect authentic or Picardy close the tune's note over the last chord becomes the nearest 1 or 8."""
    meter = meter_of(structure.time_signature)

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode

        def arriving(_: int, phrase: Phrase) -> Phrase:
            if phrase.cadence not in {"PAC", "PICARDY"} or not phrase.chords or phrase.melody is None:
                return phrase
            start = _arrival(phrase, meter.bar, mode)
            at = 0
            degrees: list[DegreeValue] = list(phrase.melody.degrees)
            for index, value in enumerate(phrase.melody.rhythm[: len(degrees)]):
                ends = at + divisions(value)
                degree = parse_degree(degrees[index], mode)
                if ends > start and degree is not None:
                    if at <= start and degree.position % 7:
                        degrees[index] = write_degree(7 * round(degree.position / 7))
                    break
                at = ends
            if tuple(degrees) == phrase.melody.degrees:
                return phrase
            return phrase.model_copy(update={"melody": Motif(degrees=tuple(degrees), rhythm=phrase.melody.rhythm)})

        return change_phrases(section, arriving)

    return change_sections(structure, change)


def _arrival(phrase: Phrase, bar: int, mode: Mode) -> int:
    """When the chord of arrival enters, in divisions from the phrase's start; it looks through repeated tonics."""
    chords = phrase.chords or ()
    lengths = [divisions(beats) for beats in phrase.chord_beats or ()]
    if len(lengths) != len(chords):
        lengths = [phrase.measures * bar // len(chords)] * len(chords)
    at = len(chords) - 1
    while at > 0 and is_tonic(chord_of(chords[at - 1], mode)) and is_tonic(chord_of(chords[at], mode)):
        at -= 1
    return sum(lengths[:at])


@refining("melody-unblocked", "Break up copied bars in the tune")
def melody_unblocked(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """Where a phrase's tune states one bar three times or more running, every second copy moves up a step."""
    bar = meter_of(structure.time_signature).bar

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode

        def varied(_: int, phrase: Phrase) -> Phrase:
            if phrase.melody is None:
                return phrase
            bars = _in_bars(phrase.melody, bar)
            if bars is None:
                return phrase
            new: list[list[tuple[DegreeValue, float]]] = []
            run = 0
            last = len(bars) - 1
            for number, notes in enumerate(bars):
                run = run + 1 if number and notes == bars[number - 1] else 0
                alone = run == 0 and not (number < last and bars[number + 1] == notes)
                moves = not alone and run % 2 == 1 and _longest(bars, number) >= 3 and number != last
                new.append([(_stepped(degree, mode), value) for degree, value in notes] if moves else notes)
            flat = [note for notes in new for note in notes]
            degrees = tuple(degree for degree, _ in flat)
            if degrees == phrase.melody.degrees:
                return phrase
            return phrase.model_copy(update={"melody": Motif(degrees=degrees, rhythm=phrase.melody.rhythm)})

        return change_phrases(section, varied)

    return change_sections(structure, change)


def _longest(bars: list[list[tuple[DegreeValue, float]]], number: int) -> int:
    first = last = number
    while first > 0 and bars[first - 1] == bars[number]:
        first -= 1
    while last + 1 < len(bars) and bars[last + 1] == bars[number]:
        last += 1
    return last - first + 1


def _in_bars(tune: Motif, bar: int) -> list[list[tuple[DegreeValue, float]]] | None:
    """The tune's notes by bar; None when a note crosses a barline."""
    bars: list[list[tuple[DegreeValue, float]]] = [[]]
    room = bar
    for degree, value in zip(tune.degrees, tune.rhythm, strict=False):
        if room == 0:
            bars.append([])
            room = bar
        length = divisions(value)
        if length > room:
            return None
        bars[-1].append((degree, value))
        room -= length
    return bars


def _stepped(degree: DegreeValue, mode: Mode) -> DegreeValue:
    parsed = parse_degree(degree, mode)
    return degree if parsed is None or parsed.position >= 12 else write_degree(parsed.position + 1)


@refining("doubled-thirds", "Spare the third at the close")
def doubled_thirds(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """A tune that ends a perfect authentic cadence with 3 after its 1 falls back to 1, so that the last chord does not
    double its third."""

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode

        def closed(number: int, phrase: Phrase) -> Phrase:
            last = number == len(section.phrases or ()) - 1
            if not last or phrase.cadence not in {"PAC", "PICARDY"} or phrase.melody is None:
                return phrase
            degrees = list(phrase.melody.degrees)
            sounding = [index for index, value in enumerate(degrees) if parse_degree(value, mode) is not None]
            if len(sounding) < 2:
                return phrase
            end, before = sounding[-1], sounding[-2]
            final, earlier = parse_degree(degrees[end], mode), parse_degree(degrees[before], mode)
            if final is None or earlier is None or final.position % 7 != 2 or earlier.position % 7 != 0:
                return phrase
            degrees[end] = degrees[before]
            return phrase.model_copy(update={"melody": Motif(degrees=tuple(degrees), rhythm=phrase.melody.rhythm)})

        return change_phrases(section, closed)

    return change_sections(structure, change)


@refining("climax-placed", "Give the tune one high point")
def climax_placed(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """Where the tune touches its highest note in more than every fourth bar, the phrase about two thirds of the way is
    played an octave higher, if the tune then still keeps within two octaves and a fourth."""
    bar = meter_of(structure.time_signature).bar
    tunes: list[tuple[int, int, int, list[int]]] = []  # section, phrase, first bar, positions
    touched: dict[int, int] = {}
    at = 0
    for index, section in enumerate(structure.sections):
        if not section.phrases:
            return structure
        for number, phrase in enumerate(section.phrases):
            bars = _in_bars(phrase.melody, bar) if phrase.melody else None
            if bars is None:
                return structure
            mode = section.tonality.mode
            heard = [[p.position for degree, _ in notes if (p := parse_degree(degree, mode))] for notes in bars]
            tunes.append((index, number, at, [position for notes in heard for position in notes]))
            for offset, notes in enumerate(heard):
                touched[at + offset] = max(notes, default=-99)
            at += phrase.measures
    top = max(touched.values(), default=-99)
    lowest = min((min(positions) for *_, positions in tunes if positions), default=0)
    one_key = len({section.key for section in structure.sections}) == 1
    if at < 12 or not one_key or sum(height == top for height in touched.values()) <= at / 4:
        return structure
    where = min(tunes[:-1] or tunes, key=lambda tune: abs(tune[2] - 0.62 * at))
    if not where[3] or max(where[3]) + 7 - lowest > 17 or max(where[3]) + 7 > 14:
        return structure

    def raised(value: DegreeValue, mode: Mode) -> DegreeValue:
        degree = parse_degree(value, mode)
        if degree is None:
            return value
        return write_degree(degree.position + 7, degree.alter, mode=mode, fixed=degree.fixed)

    def change(index: int, section: Section) -> Section:
        def higher(number: int, phrase: Phrase) -> Phrase:
            if (index, number) != where[:2] or phrase.melody is None:
                return phrase
            degrees = tuple(raised(value, section.tonality.mode) for value in phrase.melody.degrees)
            return phrase.model_copy(update={"melody": Motif(degrees=degrees, rhythm=phrase.melody.rhythm)})

        return change_phrases(section, higher)

    return change_sections(structure, change)
