"""A section in the other mode: chords by their function, degrees respelled."""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.core.compose.changing import chord_of
from workbench.core.compose.harmony import in_mode
from workbench.core.compose.harmony_passes import as_planned
from workbench.core.compose.locks import TRIADS, dominants_raised
from workbench.core.compose.reclosing import makes
from workbench.core.compose.replan import with_phrases
from workbench.core.compose.resinging import FIXED, position_of, sung, tune_notes
from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import DegreeValue, parse_degree, write_degree
from workbench.core.music.keys import Mode, make_key
from workbench.core.music.meters import Meter
from workbench.core.music.numerals import normalize_figure
from workbench.core.music.structure import Motif, Phrase, Section, SectionMelody

_FIGURE = re.compile(r"^(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)([oø]?)(6|64|7|65|43|42|)$")


def in_other_mode(section: Section, mode: Mode, meter: Meter) -> Section:
    """The section in the other mode: chords by their function, a Picardy third as the plain close that it becomes."""
    key = make_key(section.tonality.tonic, mode)

    def tag(cadence: CadenceType | None) -> CadenceType | None:
        return "PAC" if cadence == "PICARDY" and mode == "major" else cadence

    def turned(motif: Motif) -> Motif:
        return Motif(degrees=tuple(degree_in(value, mode) for value in motif.degrees), rhythm=motif.rhythm)

    def phrase(own: Phrase) -> Phrase:
        chords = own.chords and figures_in(own.chords, mode, tag(own.cadence))
        update = {"chords": chords, "melody": own.melody and turned(own.melody), "cadence": tag(own.cadence)}
        new = own.model_copy(update=update)
        if not chords or new.melody is None or mode == "major":
            return new
        # Plain 6 and 7 take the form that the harmony and the line's direction want.
        notes = [
            note._replace(pull=FIXED, wish=position)
            if isinstance(note.value, int) and (position := position_of(note.value, mode)) and position % 7 in (5, 6)
            else note
            for note in tune_notes(new.melody)
        ]
        return new.model_copy(update={"melody": sung(notes, new, key, meter)})

    update = {
        "cadence": tag(section.cadence),
        "chord_progression": figures_in(section.chord_progression, mode, tag(section.cadence)),
        "melody": section.melody and SectionMelody(motifs=tuple(map(turned, section.motifs))),
    }
    in_key = section.model_copy(update=update | {"key": key.name})
    return with_phrases(in_key, [phrase(each) for each in section.phrases or ()])


def degree_in(value: DegreeValue, mode: Mode) -> DegreeValue:
    """A degree in the other mode: 3, 6 and 7 in its own form, raised and natural ones too."""
    degree = parse_degree(value, "major" if mode == "minor" else "minor")
    if degree is None or degree.position % 7 not in (2, 5, 6):
        return value
    return write_degree(degree.position, 0 if mode == "major" and degree.alter == 1 else degree.alter)


def figures_in(figures: Sequence[str], mode: Mode, cadence: CadenceType | None) -> tuple[str, ...]:
    """Chords in the other mode, with the close that they made."""
    new = tuple(figure_in(figure, mode) for figure in figures)
    other: Mode = "major" if mode == "minor" else "minor"
    if cadence is not None and makes(figures, cadence, other) and not makes(new, cadence, mode):
        new = as_planned(new, cadence, mode)
    return dominants_raised(new, cadence) if mode == "minor" else new


def figure_in(figure: str, mode: Mode) -> str:
    """The numeral in the other mode: as the composer turns it, or else the mode's own chord on its degree, or as is."""
    (found,) = in_mode((figure,), mode)
    other: Mode = "major" if mode == "minor" else "minor"
    match = _FIGURE.match(figure)
    name = match[1] + ("o" if match[2] else "") if match else ""
    if match and found == figure and name in TRIADS[other]:
        found = TRIADS[mode][TRIADS[other].index(name)]
        if found[-1] == "o" and match[3] in {"7", "65", "43", "42"} and (found == "iio" or mode == "major"):
            found = f"{found[:-1]}ø"
        found += match[3]
    elif match and found == figure and name == "VII" and mode == "major":
        found = f"V{match[3]}"
    found = normalize_figure(found, mode)
    if chord_of(found, mode) is None:
        chord = chord_of(figure, other)
        found = TRIADS[mode][chord.degree - 1] if chord else figure
    return found
