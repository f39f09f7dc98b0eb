"""Schema: lengths that agree, names that exist. Types and ranges are held by the models themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.meters import divisions, plain_quarters
from workbench.core.music.numerals import parse_numeral

_CONTRACT = "The MusicStructure contract of this workbench"


@register("schema.numerals-readable", "error", source=_CONTRACT)
def numerals_readable(piece: Piece) -> Iterator[Found]:
    """Every numeral can be read as a chord of its key. Without that nothing can be heard or judged."""
    for index, section, path in piece.sections:
        mode = section.tonality.mode
        runs = [(f"{path}/chordProgression", section.chord_progression)]
        runs += [
            (f"{path}/phrases/{number}/chords", phrase.chords)
            for number, phrase in enumerate(section.phrases or ())
            if phrase.chords
        ]
        for stem, figures in runs:
            for order, figure in enumerate(figures):
                try:
                    parse_numeral(figure, mode)
                except ValueError as problem:
                    hint = "Write it as music21 does: I, ii65, V7/V, viio7."
                    yield f"{problem}.", f"{stem}/{order}", piece.first_measures[index], hint


@register("schema.measures-agree", "error", source=_CONTRACT)
def measures_agree(piece: Piece) -> Iterator[Found]:
    """A section is as long as its phrases together, since the phrases are the truth about it."""
    for index, section, path in piece.sections:
        if section.phrases:
            total = sum(phrase.measures for phrase in section.phrases)
            if total != section.measures:
                yield (
                    f"{section.name} says {section.measures} bars, its phrases have {total}.",
                    f"{path}/measures",
                    piece.first_measures[index],
                    f"Write {total}.",
                )


@register("schema.degrees-and-rhythm", "error", source=_CONTRACT)
def degrees_and_rhythm(piece: Piece) -> Iterator[Found]:
    """Each degree of a motif or a tune has one length: the two lists are equally long."""
    cells: list[tuple[str, Any, int | None]] = []
    for index, section, path in piece.sections:
        at = piece.first_measures[index]
        cells += [(f"{path}/melody/motifs/{n}", motif, at) for n, motif in enumerate(section.motifs)]
    for index, _, phrase, path in piece.written_phrases:
        if phrase.melody:
            cells.append((f"{path}/melody", phrase.melody, piece.first_measures[index]))
    cells += [(f"/leitmotifs/{n}", motif, None) for n, motif in enumerate(piece.structure.leitmotifs or ())]
    for path, cell, measure in cells:
        if len(cell.degrees) != len(cell.rhythm):
            yield (
                f"{len(cell.degrees)} degrees have {len(cell.rhythm)} lengths.",
                path,
                measure,
                "Give every degree one length.",
            )


@register("schema.chords-and-beats", "error", source=_CONTRACT)
def chords_and_beats(piece: Piece) -> Iterator[Found]:
    """Each chord of a phrase or section has one length, where lengths are written."""
    for index, section, path in piece.sections:
        if section.harmonic_rhythm is not None and len(section.harmonic_rhythm) != len(section.chord_progression):
            yield (
                f"{len(section.chord_progression)} chords have {len(section.harmonic_rhythm)} lengths.",
                f"{path}/harmonicRhythm",
                piece.first_measures[index],
                "Give every chord one length.",
            )
    for index, _, phrase, path in piece.written_phrases:
        if phrase.chord_beats is not None and len(phrase.chord_beats) != len(phrase.chords or ()):
            yield (
                f"{len(phrase.chords or ())} chords have {len(phrase.chord_beats)} lengths.",
                f"{path}/chordBeats",
                piece.first_measures[index],
                "Give every chord one length.",
            )


@register("schema.chords-fill-phrase", "error", source=_CONTRACT)
def chords_fill_phrase(piece: Piece) -> Iterator[Found]:
    """The chords of a phrase last as long as the phrase."""
    for index, _, phrase, path in piece.written_phrases:
        if phrase.chord_beats is not None and phrase.chords and len(phrase.chords) == len(phrase.chord_beats):
            total, wanted = sum(map(divisions, phrase.chord_beats)), phrase.measures * piece.meter.bar
            if abs(total - wanted) > 32:
                yield (
                    f"The chords last {plain_quarters(total)} quarters, the phrase {plain_quarters(wanted)}.",
                    f"{path}/chordBeats",
                    piece.first_measures[index],
                    "Change the lengths so that they fill the phrase.",
                )


@register("schema.tune-fills-phrase", "error", source=_CONTRACT)
def tune_fills_phrase(piece: Piece) -> Iterator[Found]:
    """A written tune, rests included, lasts as long as its phrase."""
    for index, _, phrase, path in piece.written_phrases:
        if phrase.melody is not None and phrase.melody.rhythm:
            total, wanted = sum(map(divisions, phrase.melody.rhythm)), phrase.measures * piece.meter.bar
            if abs(total - wanted) > 32:
                yield (
                    f"The tune lasts {plain_quarters(total)} quarters, the phrase {plain_quarters(wanted)}.",
                    f"{path}/melody/rhythm",
                    piece.first_measures[index],
                    "Add a rest (degree 0) or shorten the last notes.",
                )


@register("schema.progression-agrees", "error", source=_CONTRACT)
def progression_agrees(piece: Piece) -> Iterator[Found]:
    """A section's progression is its phrases' chords in a row, where the phrases carry chords."""
    for index, section, path in piece.sections:
        if section.phrases and all(phrase.chords for phrase in section.phrases):
            every = tuple(chord for phrase in section.phrases for chord in phrase.chords or ())
            if every != section.chord_progression:
                yield (
                    f"{section.name} lists other chords than its phrases.",
                    f"{path}/chordProgression",
                    piece.first_measures[index],
                    "Copy the phrases' chords in order.",
                )


@register("schema.cadence-agrees", "error", source=_CONTRACT)
def cadence_agrees(piece: Piece) -> Iterator[Found]:
    """A section ends with its last phrase's cadence."""
    for index, section, path in piece.sections:
        last = section.phrases[-1].cadence if section.phrases else None
        if last is not None and section.cadence is not None and last != section.cadence:
            yield (
                f"{section.name} says {section.cadence}, its last phrase {last}.",
                f"{path}/cadence",
                piece.first_measures[index],
                f"Write {last}.",
            )


@register("schema.functions-agree", "warning", source=_CONTRACT)
def functions_agree(piece: Piece) -> Iterator[Found]:
    """Harmonic functions, where given, stand one for each chord of the section's progression."""
    for index, section, path in piece.sections:
        functions = section.harmonic_functions
        if functions is not None and len(functions) != len(section.chord_progression):
            yield (
                f"{len(section.chord_progression)} chords have {len(functions)} functions.",
                f"{path}/harmonicFunctions",
                piece.first_measures[index],
                "Give every chord one function, or leave the list out.",
            )


@register("schema.motif-exists", "warning", source=_CONTRACT)
def motif_exists(piece: Piece) -> Iterator[Found]:
    """A phrase that names a motif names one that the section or the piece has."""
    tags = {leitmotif.tag for leitmotif in piece.structure.leitmotifs or ()}
    for index, _, phrase, path in piece.written_phrases:
        if phrase.motif is None or phrase.motif.ref in tags:
            continue
        ref = phrase.motif.ref
        numbered = ref[:1] == "m" and ref[1:].isdigit()
        if not numbered or int(ref[1:]) > 64:
            yield (
                f"No motif is called {ref!r}.",
                f"{path}/motif/ref",
                piece.first_measures[index],
                "Name a leitmotif's tag, or m1 for the section's first motif.",
            )
