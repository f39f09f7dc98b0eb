"""The refining passes, each small and each about one thing."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.compose.refine import refining
from workbench.core.music.cadences import CadenceType, strength
from workbench.core.music.degrees import DegreeValue, parse_degree, write_degree
from workbench.core.music.keys import Mode
from workbench.core.music.meters import divisions, meter_of
from workbench.core.music.numerals import Chord, parse_numeral
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section

# -- pieces of structures ------------------------------------------------------------------------


def _sections(structure: MusicStructure, change: Callable[[int, Section], Section]) -> MusicStructure:
    sections = tuple(change(index, section) for index, section in enumerate(structure.sections))
    return structure if sections == structure.sections else structure.model_copy(update={"sections": sections})


def _phrases(section: Section, change: Callable[[int, Phrase], Phrase]) -> Section:
    """The section with changed phrases; what it says about them follows."""
    if not section.phrases:
        return section
    phrases = tuple(change(number, phrase) for number, phrase in enumerate(section.phrases))
    if phrases == section.phrases:
        return section
    update: dict[str, object] = {"phrases": phrases}
    if all(phrase.chords for phrase in phrases):
        update["chord_progression"] = tuple(chord for phrase in phrases for chord in phrase.chords or ())
    if section.cadence is not None and phrases[-1].cadence is not None:
        update["cadence"] = phrases[-1].cadence
    return section.model_copy(update=update)


def _chord(figure: str, mode: Mode) -> Chord | None:
    try:
        return parse_numeral(figure, mode)
    except ValueError:
        return None


def _as_planned(figures: tuple[str, ...], cadence: CadenceType, mode: Mode) -> tuple[str, ...]:
    """The same chords with a close of the given type; untouched where they already have one."""
    tonic, submediant, subdominant = ("i", "VI", "iv") if mode == "minor" else ("I", "vi", "IV")
    chords = [_chord(figure, mode) for figure in figures]
    if len(figures) < 2 or any(chord is None for chord in chords[-2:]):
        return figures
    last, before = chords[-1], chords[-2]
    assert last is not None
    assert before is not None
    arrival = len(figures) - 1
    while arrival > 0 and chords[arrival - 1] is not None and _tonic(chords[arrival - 1]) and _tonic(chords[arrival]):
        arrival -= 1
    approach = chords[arrival - 1] if arrival else before
    assert approach is not None
    new = list(figures)
    if cadence == "HC":
        if last.degree != 5 or last.is_applied or last.inversion or last.leading is None:
            new[-1] = "V"
    elif cadence == "DC":
        if (last.degree == 1 and last.inversion == 0) or 0 not in last.tones:
            new[-1] = submediant
        if not _dominant(before):
            new[-2] = "V7" if len(figures) > 2 else "V"
    elif cadence == "PC":
        if not _tonic(last):
            new[-1] = tonic
        source = next((chord for chord in reversed(chords[:-1]) if chord is not None and chord.degree != 1), None)
        if source is None or source.function != "S":
            new[-2] = subdominant
    elif cadence in {"PAC", "PICARDY", "IAC"}:
        home = "I" if cadence == "PICARDY" else tonic
        if not _tonic(chords[arrival]) or (cadence != "IAC" and (chords[arrival] or last).inversion):
            new[arrival] = home
        elif cadence == "PICARDY" and last.quality != "major":
            new[-1] = home
        strong = _dominant(approach) and (cadence == "IAC" or (approach.degree == 5 and approach.inversion == 0))
        if not strong and arrival:
            new[arrival - 1] = "V7"
    return tuple(new)


def _tonic(chord: Chord | None) -> bool:
    return chord is not None and chord.degree == 1 and not chord.is_applied and chord.function == "T"


def _dominant(chord: Chord) -> bool:
    return chord.degree in (5, 7) and not chord.is_applied and chord.leading is not None


# -- the passes ----------------------------------------------------------------------------------


@refining("leading-tone-raised", "Raise the leading tone in minor")
def leading_tone_raised(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """In minor a v that leads to i becomes V; in major an undecorated vii becomes viio."""

    def mended(figures: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
        new = list(figures)
        for at, figure in enumerate(figures):
            following = figures[at + 1] if at + 1 < len(figures) else ""
            if mode == "minor" and figure in {"v", "v7"} and following in {"i", "I"}:
                new[at] = figure.upper()
            if mode == "major" and figure in {"vii", "vii6"}:
                new[at] = figure.replace("vii", "viio")
        return tuple(new)

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode
        if not (section.phrases and all(phrase.chords for phrase in section.phrases)):
            figures = mended(section.chord_progression, mode)
            section = section if figures == section.chord_progression else _replaced(section, figures)
        return _phrases(
            section,
            lambda _, phrase: _with_chords(phrase, mended(phrase.chords, mode)) if phrase.chords else phrase,
        )

    return _sections(structure, change)


def _replaced(section: Section, figures: tuple[str, ...]) -> Section:
    return section.model_copy(update={"chord_progression": figures})


def _with_chords(phrase: Phrase, figures: tuple[str, ...]) -> Phrase:
    return phrase if figures == phrase.chords else phrase.model_copy(update={"chords": figures})


@refining("period-closed", "Let the antecedent ask and the consequent answer")
def period_closed(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """Where an antecedent closes as strongly as its consequent, it closes on the dominant instead."""

    def change(_: int, section: Section) -> Section:
        phrases = section.phrases or ()

        def weaker(number: int, phrase: Phrase) -> Phrase:
            following = phrases[number + 1] if number + 1 < len(phrases) else None
            if following is None or (phrase.role, following.role) != ("antecedent", "consequent"):
                return phrase
            if not (phrase.cadence and following.cadence) or strength(phrase.cadence) < strength(following.cadence):
                return phrase
            return phrase.model_copy(update={"cadence": "HC"}) if strength(following.cadence) > 0.4 else phrase

        return _phrases(section, weaker)

    return _sections(structure, change)


@refining("cadence-as-planned", "Make each cadence as planned")
def cadence_as_planned(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """The last chords of a phrase are changed, as few as possible, so that they make the cadence that it names."""

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode
        if section.phrases is None and section.cadence is not None and len(section.chord_progression) > 1:
            figures = _as_planned(section.chord_progression, section.cadence, mode)
            return section if figures == section.chord_progression else _replaced(section, figures)

        def closing(_: int, phrase: Phrase) -> Phrase:
            if not phrase.chords or phrase.cadence is None:
                return phrase
            if phrase.cadence == "PICARDY" and mode != "minor":
                return phrase
            return _with_chords(phrase, _as_planned(phrase.chords, phrase.cadence, mode))

        return _phrases(section, closing)

    return _sections(structure, change)


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

        return _phrases(section, arriving)

    return _sections(structure, change)


def _arrival(phrase: Phrase, bar: int, mode: Mode) -> int:
    """When the chord of arrival enters, in divisions from the phrase's start; it looks through repeated tonics."""
    chords = phrase.chords or ()
    lengths = [divisions(beats) for beats in phrase.chord_beats or ()]
    if len(lengths) != len(chords):
        lengths = [phrase.measures * bar // len(chords)] * len(chords)
    at = len(chords) - 1
    while at > 0 and _tonic(_chord(chords[at - 1], mode)) and _tonic(_chord(chords[at], mode)):
        at -= 1
    return sum(lengths[:at])


@refining("dominant-prepared", "Prepare the last dominant")
def dominant_prepared(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """Before the closing V of a phrase of five chords or more, a tonic in root position gives way to a pre-dominant."""

    def prepared(figures: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
        if len(figures) < 5:
            return figures
        chords = [_chord(figure, mode) for figure in figures]
        third, second = chords[-3], chords[-2]
        plain = figures[-3] in {"I", "i"} and figures[-4] not in {"V7/IV", "V65/IV", "V/IV", "V7/iv", "V65/iv"}
        before = chords[-4]
        resolving = before is not None and before.function == "D"
        if third is None or second is None or not plain or resolving or not _tonic(chords[-1]):
            return figures
        if second.degree != 5 or second.is_applied:
            return figures
        return (*figures[:-3], "iio6" if mode == "minor" else "ii6", *figures[-2:])

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode
        return _phrases(
            section,
            lambda _, phrase: (
                _with_chords(phrase, prepared(phrase.chords, mode))
                if phrase.chords and phrase.cadence in {"PAC", "PICARDY"} and phrase.melody is None
                else phrase
            ),
        )

    return _sections(structure, change)


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

        return _phrases(section, varied)

    return _sections(structure, change)


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


@refining("measures-fitted", "Fit the length to the duration")
def measures_fitted(structure: MusicStructure, request: Request | None) -> MusicStructure:
    """Where the piece is off the requested duration and the tempo is free, the tempo moves by up to a tenth; sections
    without written phrases are then lengthened or shortened by even numbers of bars."""
    if request is None:
        return structure
    meter = meter_of(structure.time_signature)

    def seconds(piece: MusicStructure) -> float:
        return piece.measures * meter.bar_quarters * 60 / piece.tempo

    if abs(seconds(structure) - request.duration) <= meter.bar_quarters * 60 / structure.tempo:
        return structure
    wanted = structure.measures * meter.bar_quarters * 60 / request.duration
    if request.tempo is None and 0.9 <= wanted / structure.tempo <= 1.1 and 40 <= wanted <= 220:
        return structure.model_copy(update={"tempo": float(round(wanted))})
    bars = round(request.duration * structure.tempo / 60 / meter.bar_quarters) - structure.measures
    free = [index for index, section in enumerate(structure.sections) if not section.phrases]
    if not free or any(structure.sections[index].harmonic_rhythm for index in free):
        return structure
    lengths = {index: structure.sections[index].measures for index in free}
    turn = 0
    while bars and turn < 4000:
        index = free[turn % len(free)]
        step = (2 if abs(bars) > 1 else 1) * (1 if bars > 0 else -1)
        turn += 1
        if 4 <= lengths[index] + step <= 400:
            lengths[index] += step
            bars -= step
    return _sections(
        structure,
        lambda index, section: section.model_copy(update={"measures": lengths.get(index, section.measures)}),
    )


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

        return _phrases(section, closed)

    return _sections(structure, change)


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

        return _phrases(section, higher)

    return _sections(structure, change)
