"""Changing parts of a structure and keeping the rest in step."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.music.keys import Mode
from workbench.core.music.numerals import Chord, parse_numeral
from workbench.core.music.structure import MusicStructure, Phrase, Section


def change_sections(structure: MusicStructure, change: Callable[[int, Section], Section]) -> MusicStructure:
    """The structure with changed sections; the same object where nothing changed."""
    sections = tuple(change(index, section) for index, section in enumerate(structure.sections))
    return structure if sections == structure.sections else structure.model_copy(update={"sections": sections})


def change_phrases(section: Section, change: Callable[[int, Phrase], Phrase]) -> Section:
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


def chord_of(figure: str, mode: Mode) -> Chord | None:
    """The numeral understood, None where it cannot be."""
    try:
        return parse_numeral(figure, mode)
    except ValueError:
        return None


def is_tonic(chord: Chord | None) -> bool:
    """Whether a chord is the tonic at rest."""
    return chord is not None and chord.degree == 1 and not chord.is_applied and chord.function == "T"


def is_dominant(chord: Chord) -> bool:
    """Whether a chord leads to the tonic by its leading tone."""
    return chord.degree in (5, 7) and not chord.is_applied and chord.leading is not None
