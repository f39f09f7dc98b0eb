"""Edits by hand: a section's key, cadence or motif, and the whole piece moved to another key.

Each changes what it is about and keeps the rest. Where a tune has to follow, only the notes concerned are sought anew,
as the composer seeks them. A tune that was never written out is written as it is heard where it would become another.
"""

from __future__ import annotations

import re
from itertools import pairwise

from workbench.core.compose.mode_change import in_other_mode
from workbench.core.compose.reclosing import closed
from workbench.core.compose.replan import heard_phrases, heard_section, returns_to, with_phrases
from workbench.core.compose.resinging import restated
from workbench.core.errors import InvalidInputError
from workbench.core.music.cadences import CADENCE_TYPES, CadenceType, strength
from workbench.core.music.degrees import parse_degree
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import Key, Mode, make_key, parse_key
from workbench.core.music.meters import meter_of
from workbench.core.music.pitches import step_of
from workbench.core.music.structure import Motif, MusicStructure, Section, SectionMelody

_NEAR: dict[Mode, tuple[tuple[int, Mode], ...]] = {
    "major": ((2, "minor"), (3, "minor"), (4, "major"), (5, "major"), (6, "minor")),
    "minor": ((3, "major"), (4, "minor"), (5, "minor"), (6, "major"), (7, "major")),
}


def with_key(structure: MusicStructure, section: int, key: str) -> MusicStructure:
    """The section in another local key; numerals and degrees stay, and are rewritten where the mode changes.

    Raises:
        InvalidInputError: no such section or key; a key that reads as a slip for one related to the home key; another
            tonic for a section that returns to round off the form.
    """
    own, new, home = _section(structure, section), _key(key), structure.tonality
    if new == own.tonality:
        return structure
    _refuse_slip(new, home, own.name)
    leaves = new.pitch_class != home.pitch_class == own.tonality.pitch_class
    if leaves and structure.form in FORMS and returns_to(structure, section) is not None:
        raise InvalidInputError(
            f"{own.name} rounds off the form and returns in {home.pretty}.",
            hint="Transpose the whole piece, or give the form a name of your own first.",
            field=f"/sections/{section}/key",
        )
    own = heard_section(structure, section)
    if new.mode != own.tonality.mode:
        own = in_other_mode(own, new.mode, meter_of(structure.time_signature))
    changed = _replaced(structure, section, own.model_copy(update={"key": new.name}))
    return _standing(_standing(changed, section, 0), section + 1, 0)


def transpose(structure: MusicStructure, key: str) -> MusicStructure:
    """The whole piece in another key of its mode: every local key moves by the same interval on the line of fifths.

    A key that would need more than seven accidentals is spelled enharmonically. Title and reasoning follow.

    Raises:
        InvalidInputError: not a key, the other mode, or a section's key whose new spelling reads as a slip.
    """
    new, home = _key(key), structure.tonality
    if new == home:
        return structure
    if new.mode != home.mode:
        raise InvalidInputError(
            f"A piece in {home.pretty} cannot be transposed to {new.pretty}: that is another mode.",
            hint=f"Choose a {home.mode} key, such as {make_key(new.tonic, home.mode).name}.",
            field="/key",
        )
    moved = {home.name: new}
    for section in structure.sections:
        old = section.tonality
        moved[old.name] = make_key(old.tonic + new.tonic - home.tonic, old.mode)
        if _slip(old, home) is None:
            _refuse_slip(moved[old.name], new, section.name)
    names = {parse_key(name).pretty: key.pretty for name, key in moved.items()}
    words = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)")
    texts = {"title": structure.title, "reasoning": structure.reasoning}
    update: dict[str, object] = {
        field: words.sub(lambda match: names[match[1]], text) for field, text in texts.items() if text
    }
    update["sections"] = tuple(
        heard_section(structure, index).model_copy(update={"key": moved[section.key].name})
        for index, section in enumerate(structure.sections)
    )
    return structure.model_copy(update=update | {"key": new.name})


def with_cadence(
    structure: MusicStructure, section: int, cadence: CadenceType, phrase: int | None = None
) -> MusicStructure:
    """The section's phrase (None: its last) with another cadence, written in its chords and arrived at by its tune.

    As few chords as possible change; the tune's notes over them are sought anew. A section without phrases gets them
    written out as they are heard. An antecedent that would no longer close more weakly than its consequent, or the
    other way round, is then called a plain phrase.

    Raises:
        InvalidInputError: no such section, phrase or cadence; a Picardy third in major.
    """
    own, meter = _section(structure, section), meter_of(structure.time_signature)
    if cadence not in CADENCE_TYPES or (cadence == "PICARDY" and not own.tonality.is_minor):
        known = cadence in CADENCE_TYPES
        raise InvalidInputError(
            "A Picardy third needs a minor key." if known else f"{str(cadence)[:20]!r} is not a cadence.",
            hint="Choose PAC." if known else f"Choose one of {', '.join(CADENCE_TYPES)}.",
            field=f"/sections/{section}/cadence",
        )
    phrases = list(heard_phrases(structure, section))
    at = len(phrases) - 1 if phrase is None else phrase
    if not 0 <= at < len(phrases):
        raise InvalidInputError(
            f"{own.name} has no phrase {at + 1}.",
            hint=f"It has {len(phrases)}: count from 0 to {len(phrases) - 1}.",
            field=f"/sections/{section}/phrases",
        )
    phrases[at] = closed(phrases[at], cadence, own.tonality, meter)
    for first, (one, other) in enumerate(pairwise(phrases)):
        period = (one.role, other.role) == ("antecedent", "consequent") and one.cadence and other.cadence
        if at in (first, first + 1) and period and strength(one.cadence) >= strength(other.cadence):
            phrases[at] = phrases[at].model_copy(update={"role": "phrase"})
    changed = _replaced(structure, section, with_phrases(own, phrases))
    return _standing(changed, *((section, at + 1) if at + 1 < len(phrases) else (section + 1, 0)))


def with_motif(structure: MusicStructure, section: int, motif: Motif) -> MusicStructure:
    """The section with another first motif, and with it the tunes that are made of it.

    In a phrase that names it (``m1``) and has a written-out tune, the opening and each later bar that states the old
    motif's first bar become the new one, transformed as the phrase says and on the old one's degree; everything else,
    the close with it, stays to the note. To drop the tune and have one grown from the motif would lose that work and
    state the motif no better. Phrases without a tune grow theirs from the new motif by themselves; a phrase of a
    single bar that closes keeps its tune.

    Raises:
        InvalidInputError: no such section; a motif without notes, or without one length for each degree.
    """
    own, meter = _section(structure, section), meter_of(structure.time_signature)
    if len(motif.degrees) != len(motif.rhythm) or not any(parse_degree(value) for value in motif.degrees):
        raise InvalidInputError(
            "A motif needs at least one note, and one length for each degree.",
            hint="Write for example degrees 5 3 4 2 and lengths 1 1 1 1.",
            field=f"/sections/{section}/melody/motifs/0",
        )
    old = own.motifs[0] if own.motifs else None
    phrases = own.phrases and tuple(
        restated(phrase, old, motif, own.tonality, meter)
        if motif != old and phrase.chords and phrase.melody and phrase.motif and phrase.motif.ref == "m1"
        else phrase
        for phrase in own.phrases
    )
    melody = SectionMelody(motifs=(motif, *own.motifs[1:]))
    return _replaced(structure, section, own.model_copy(update={"melody": melody, "phrases": phrases}))


def _section(structure: MusicStructure, index: int) -> Section:
    if not 0 <= index < len(structure.sections):
        raise InvalidInputError(
            f"There is no section {index + 1}.",
            hint=f"The piece has {len(structure.sections)}: count from 0 to {len(structure.sections) - 1}.",
            field="/sections",
        )
    return structure.sections[index]


def _key(text: str) -> Key:
    try:
        return parse_key(text)
    except ValueError as problem:
        raise InvalidInputError(f"{problem}.", hint="Write for example Eb major or f# minor.", field="/key") from None


def _replaced(structure: MusicStructure, index: int, section: Section) -> MusicStructure:
    sections = (*structure.sections[:index], section, *structure.sections[index + 1 :])
    return structure if sections == structure.sections else structure.model_copy(update={"sections": sections})


def _standing(structure: MusicStructure, section: int, at: int) -> MusicStructure:
    """The structure with a phrase closing by itself, where on its single chord it leaned on what was before it."""
    own = structure.sections[section] if section < len(structure.sections) else None
    if own is None or (not own.phrases and len(own.chord_progression) > 1):
        return structure
    phrases = list(heard_phrases(structure, section))
    cadence = phrases[at].cadence
    if cadence is None or len(phrases[at].chords or ()) != 1:
        return structure
    phrases[at] = closed(phrases[at], cadence, own.tonality, meter_of(structure.time_signature))
    return _replaced(structure, section, with_phrases(own, phrases))


def _slip(key: Key, home: Key) -> Key | None:
    """The related key of the same letter and mode that a key a semitone beside it would be read as a slip for."""
    near = [home, home.parallel, *(home.on_degree(degree, mode) for degree, mode in _NEAR[home.mode])]
    if any((key.pitch_class, key.mode) == (other.pitch_class, other.mode) for other in near):
        return None
    alike = [other for other in near if step_of(other.tonic) == step_of(key.tonic) and other.mode == key.mode]
    return next((other for other in alike if (other.pitch_class - key.pitch_class) % 12 in (1, 11)), None)


def _refuse_slip(key: Key, home: Key, name: str) -> None:
    meant = _slip(key, home)
    if meant is not None:
        raise InvalidInputError(
            f"{name} in {key.pretty} reads as a slip for {meant.pretty}, which is related to {home.pretty}.",
            hint=f"Give it another key, such as {meant.name}.",
            field="/key",
        )
