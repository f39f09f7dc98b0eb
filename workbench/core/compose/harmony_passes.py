"""Refining passes over harmony, cadences and lengths, each small and each about one thing."""

from __future__ import annotations

from workbench.core.compose.changing import change_phrases, change_sections, chord_of, is_dominant, is_tonic
from workbench.core.compose.refine import refining
from workbench.core.music.cadences import CadenceType, strength
from workbench.core.music.keys import Mode
from workbench.core.music.meters import meter_of
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, Phrase, Section


def as_planned(figures: tuple[str, ...], cadence: CadenceType, mode: Mode) -> tuple[str, ...]:
    """The same chords with a close of the given type; untouched where they already have one."""
    tonic, submediant, subdominant = ("i", "VI", "iv") if mode == "minor" else ("I", "vi", "IV")
    chords = [chord_of(figure, mode) for figure in figures]
    if len(figures) < 2 or any(chord is None for chord in chords[-2:]):
        return figures
    last, before = chords[-1], chords[-2]
    assert last is not None
    assert before is not None
    arrival = len(figures) - 1
    while (
        arrival > 0 and chords[arrival - 1] is not None and is_tonic(chords[arrival - 1]) and is_tonic(chords[arrival])
    ):
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
        if not is_dominant(before):
            new[-2] = "V7" if len(figures) > 2 else "V"
    elif cadence == "PC":
        if not is_tonic(last):
            new[-1] = tonic
        source = next((chord for chord in reversed(chords[:-1]) if chord is not None and chord.degree != 1), None)
        if source is None or source.function != "S":
            new[-2] = subdominant
    elif cadence in {"PAC", "PICARDY", "IAC"}:
        home = "I" if cadence == "PICARDY" else tonic
        if not is_tonic(chords[arrival]) or (cadence != "IAC" and (chords[arrival] or last).inversion):
            new[arrival] = home
        elif cadence == "PICARDY" and last.quality != "major":
            new[-1] = home
        strong = is_dominant(approach) and (cadence == "IAC" or (approach.degree == 5 and approach.inversion == 0))
        if not strong and arrival:
            new[arrival - 1] = "V7"
    return tuple(new)


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
        return change_phrases(
            section,
            lambda _, phrase: _with_chords(phrase, mended(phrase.chords, mode)) if phrase.chords else phrase,
        )

    return change_sections(structure, change)


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

        return change_phrases(section, weaker)

    return change_sections(structure, change)


@refining("cadence-as-planned", "Make each cadence as planned")
def cadence_as_planned(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """The last chords of a phrase are changed, as few as possible, so that they make the cadence that it names."""

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode
        if section.phrases is None and section.cadence is not None and len(section.chord_progression) > 1:
            figures = as_planned(section.chord_progression, section.cadence, mode)
            return section if figures == section.chord_progression else _replaced(section, figures)

        def closing(_: int, phrase: Phrase) -> Phrase:
            if not phrase.chords or phrase.cadence is None:
                return phrase
            if phrase.cadence == "PICARDY" and mode != "minor":
                return phrase
            return _with_chords(phrase, as_planned(phrase.chords, phrase.cadence, mode))

        return change_phrases(section, closing)

    return change_sections(structure, change)


@refining("dominant-prepared", "Prepare the last dominant")
def dominant_prepared(structure: MusicStructure, _: Request | None) -> MusicStructure:
    """Before the closing V of a phrase of five chords or more, a tonic in root position gives way to a pre-dominant."""

    def prepared(figures: tuple[str, ...], mode: Mode) -> tuple[str, ...]:
        if len(figures) < 5:
            return figures
        chords = [chord_of(figure, mode) for figure in figures]
        third, second = chords[-3], chords[-2]
        plain = figures[-3] in {"I", "i"} and figures[-4] not in {"V7/IV", "V65/IV", "V/IV", "V7/iv", "V65/iv"}
        before = chords[-4]
        resolving = before is not None and before.function == "D"
        if third is None or second is None or not plain or resolving or not is_tonic(chords[-1]):
            return figures
        if second.degree != 5 or second.is_applied:
            return figures
        return (*figures[:-3], "iio6" if mode == "minor" else "ii6", *figures[-2:])

    def change(_: int, section: Section) -> Section:
        mode = section.tonality.mode
        return change_phrases(
            section,
            lambda _, phrase: (
                _with_chords(phrase, prepared(phrase.chords, mode))
                if phrase.chords and phrase.cadence in {"PAC", "PICARDY"} and phrase.melody is None
                else phrase
            ),
        )

    return change_sections(structure, change)


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
    return change_sections(
        structure,
        lambda index, section: section.model_copy(update={"measures": lengths.get(index, section.measures)}),
    )
