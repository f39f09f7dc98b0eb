"""Edits by hand: a section's key, cadence or motif, and the whole piece moved to another key.

Each changes what it is about and keeps the rest. Where a tune has to follow, only the notes concerned are sought anew,
as the composer seeks them. A tune that was never written out is written as it is heard where it would become another.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from workbench.core.compose.changing import chord_of, is_dominant, is_tonic
from workbench.core.compose.harmony import in_mode
from workbench.core.compose.harmony_passes import as_planned
from workbench.core.compose.layout import spread
from workbench.core.compose.locks import TRIADS, dominants_raised
from workbench.core.compose.realize import reference_tonic
from workbench.core.compose.replan import heard_phrases, heard_section, returns_to, with_phrases
from workbench.core.compose.rhythms import fit
from workbench.core.compose.tune_for import tune_bounds
from workbench.core.compose.tunes import HIGHEST, LOWEST, Slot, TuneTask, tune_chords, write_tune, written
from workbench.core.errors import InvalidInputError
from workbench.core.music.cadences import CADENCE_TYPES, CadenceType, strength
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue, parse_degree, spell_degree, write_degree
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import Key, Mode, make_key, parse_key
from workbench.core.music.meters import DIVISIONS, Meter, divisions, meter_of, plain_quarters
from workbench.core.music.motifs import MotifCell, transform
from workbench.core.music.numerals import normalize_figure
from workbench.core.music.pitches import step_of
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section, SectionMelody

_NEAR: dict[Mode, tuple[tuple[int, Mode], ...]] = {
    "major": ((2, "minor"), (3, "minor"), (4, "major"), (5, "major"), (6, "minor")),
    "minor": ((3, "major"), (4, "minor"), (5, "minor"), (6, "major"), (7, "major")),
}
_FIGURE = re.compile(r"^(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)([oø]?)(6|64|7|65|43|42|)$")
_ENDS: dict[Mode, dict[str, tuple[str, str]]] = {
    "major": {"HC": ("IV", "V"), "DC": ("V7", "vi"), "PC": ("IV", "I")},
    "minor": {"HC": ("iv", "V"), "DC": ("V7", "VI"), "PC": ("iv", "i"), "PICARDY": ("V7", "I")},
}
_ARRIVALS: dict[str, tuple[int, ...]] = {
    "PAC": (0,), "PICARDY": (0,), "IAC": (2, 4), "HC": (1, 4, 6), "DC": (0, 2, 5), "PC": (0, 2, 4),
}  # fmt: skip
_FIXED, _STATED, _LOOSE = 14.0, 7.0, 2.0
"""How strongly a note is drawn to its place: not to be moved, stated as it is given, moved where the harmony asks."""


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
        own = _in_mode(own, new.mode, meter_of(structure.time_signature))
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
    phrases[at] = _closed(phrases[at], cadence, own.tonality, meter)
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
        _restated(phrase, old, motif, own.tonality, meter)
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
    phrases[at] = _closed(phrases[at], cadence, own.tonality, meter_of(structure.time_signature))
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


def _in_mode(section: Section, mode: Mode, meter: Meter) -> Section:
    """The section in the other mode: chords by their function, a Picardy third as the plain close that it becomes."""
    key = make_key(section.tonality.tonic, mode)

    def tag(cadence: CadenceType | None) -> CadenceType | None:
        return "PAC" if cadence == "PICARDY" and mode == "major" else cadence

    def turned(motif: Motif) -> Motif:
        return Motif(degrees=tuple(_degree_in(value, mode) for value in motif.degrees), rhythm=motif.rhythm)

    def phrase(own: Phrase) -> Phrase:
        chords = own.chords and _figures_in(own.chords, mode, tag(own.cadence))
        update = {"chords": chords, "melody": own.melody and turned(own.melody), "cadence": tag(own.cadence)}
        new = own.model_copy(update=update)
        if not chords or new.melody is None or mode == "major":
            return new
        # Plain 6 and 7 take the form that the harmony and the line's direction want.
        notes = [
            note._replace(pull=_FIXED, wish=position)
            if isinstance(note.value, int) and (position := _position(note.value, mode)) and position % 7 in (5, 6)
            else note
            for note in _notes(new.melody)
        ]
        return new.model_copy(update={"melody": _sung(notes, new, key, meter)})

    update = {
        "cadence": tag(section.cadence),
        "chord_progression": _figures_in(section.chord_progression, mode, tag(section.cadence)),
        "melody": section.melody and SectionMelody(motifs=tuple(map(turned, section.motifs))),
    }
    in_key = section.model_copy(update=update | {"key": key.name})
    return with_phrases(in_key, [phrase(each) for each in section.phrases or ()])


def _degree_in(value: DegreeValue, mode: Mode) -> DegreeValue:
    """A degree in the other mode: 3, 6 and 7 in its own form, raised and natural ones too."""
    degree = parse_degree(value, "major" if mode == "minor" else "minor")
    if degree is None or degree.position % 7 not in (2, 5, 6):
        return value
    return write_degree(degree.position, 0 if mode == "major" and degree.alter == 1 else degree.alter)


def _figures_in(figures: Sequence[str], mode: Mode, cadence: CadenceType | None) -> tuple[str, ...]:
    new = tuple(_figure_in(figure, mode) for figure in figures)
    other: Mode = "major" if mode == "minor" else "minor"
    if cadence is not None and _makes(figures, cadence, other) and not _makes(new, cadence, mode):
        new = as_planned(new, cadence, mode)
    return dominants_raised(new, cadence) if mode == "minor" else new


def _figure_in(figure: str, mode: Mode) -> str:
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


class _Note(NamedTuple):
    """A note of a tune, ``length`` in divisions. With a ``pull`` its pitch is sought anew, near the position ``wish``
    and ``motion`` steps from the note before, where those are given."""

    value: DegreeValue
    length: int
    pull: float | None = None
    wish: int | None = None
    motion: int | None = None


def _notes(tune: Motif) -> list[_Note]:
    return [_Note(value, divisions(beats)) for value, beats in zip(tune.degrees, tune.rhythm, strict=False)]


def _position(value: DegreeValue, mode: Mode) -> int | None:
    degree = parse_degree(value, mode)
    return None if degree is None else degree.position


def _lengths(phrase: Phrase, meter: Meter) -> list[int]:
    """The lengths of a phrase's chords in divisions, as they are laid out."""
    count = len(phrase.chords or ())
    if phrase.chord_beats is not None and len(phrase.chord_beats) == count:
        return [divisions(beats) for beats in phrase.chord_beats]
    return list(spread(count, phrase.measures, meter))


def _sung(notes: Sequence[_Note], phrase: Phrase, key: Key, meter: Meter, cadence: CadenceType | None = None) -> Motif:
    """The tune, its free notes on the line that the composer would draw; ``cadence`` where they reach the close."""
    chords, goal = tune_chords(phrase.chords or (), key.mode), _goal(phrase.chords or (), key.mode, cadence)
    lengths = _lengths(phrase, meter)
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    slots: list[Slot] = []
    at = 0
    for note in notes:
        chord = goal if at < starts[goal] < at + note.length else min(bisect_right(starts, at) - 1, goal)
        position = _position(note.value, key.mode)
        wish, pull = (position, _FIXED) if note.pull is None else (note.wish, note.pull)
        slots.append(Slot(at, note.length, chord, position is not None, note.motion, wish, pull))
        at += note.length
    wishes = [note.wish for note in notes if note.wish is not None and LOWEST <= note.wish <= HIGHEST]
    low, high = tune_bounds(reference_tonic(key))
    low, high = min(max(low, -4), 0, *wishes), max(min(high, 12), 0, *wishes)
    values = [note.value for note in notes]
    first = 0
    while first < len(notes):
        end = first
        while end < len(notes) and notes[end].pull is not None:
            end += 1
        run, before = slots[first:end], [slot for slot in slots[:first] if slot.sounding][-1:]
        ahead = [slot for slot in slots[end:] if slot.sounding][:1]  # what the line must lead to
        if any(slot.sounding for slot in run):
            closes = not ahead and any(slot.sounding and slot.chord == goal for slot in run)
            task = TuneTask(
                key.mode, meter, (*chords, *(chords[slot.chord] for slot in ahead)),
                (*run, *(slot._replace(chord=len(chords)) for slot in ahead)), cadence if closes else None, low, high,
            )  # fmt: skip
            if before:
                task = task._replace(start=before[0].anchor, before=chords[before[0].chord])
            line = tuple(slot.anchor if slot.sounding else None for slot in task.slots)
            placed = all(note.pull == _FIXED for note in notes[first:end])
            if not placed or any(p is not None and not LOWEST <= p <= HIGHEST for p in line):
                line = write_tune(task, np.random.default_rng(len(notes)))
            degrees, _ = written(task, line)
            for at, value in enumerate(degrees[: end - first], start=first):
                given = notes[at].value
                exact = notes[at].pull == _FIXED and isinstance(given, str)
                values[at] = given if exact and _position(given, key.mode) == _position(value, key.mode) else value
        first = max(end, first + 1)
    return Motif(degrees=tuple(values), rhythm=tuple(float(plain_quarters(note.length)) for note in notes))


def _goal(figures: Sequence[str], mode: Mode, cadence: CadenceType | None) -> int:
    """The chord of arrival: the last, or the first of the tonics that end a phrase which closes on the tonic."""
    at, home = len(figures) - 1, [is_tonic(chord_of(figure, mode)) for figure in figures]
    while cadence not in {None, "HC", "DC"} and at > 0 and home[at] and home[at - 1]:
        at -= 1
    return at


def _makes(figures: Sequence[str], cadence: CadenceType, mode: Mode) -> bool:
    """Whether the last chords are the cadence (Caplin 1998, ch. 3)."""
    chords = [chord for figure in figures if (chord := chord_of(figure, mode)) is not None]
    if len(chords) < max(2, len(figures)):
        return False
    last, goal = chords[-1], _goal(figures, mode, cadence)
    before, home = chords[goal - 1] if goal else last, last.degree == 1 and not last.is_applied
    if cadence == "HC":
        return last.degree == 5 and not last.is_applied and last.leading is not None and not last.inversion
    if cadence == "PC":
        earlier = next((chord for chord in reversed(chords) if chord.degree != 1), last)
        return home and earlier.function == "S"
    if cadence == "DC":
        return is_dominant(before) and 0 in last.tones and not (home and not last.inversion)
    rooted = before.degree == 5 and not before.inversion and not chords[goal].inversion
    close = cadence == "IAC" or (rooted and (cadence == "PAC" or last.quality == "major"))
    return home and is_dominant(before) and close


def _closing(pairs: list[tuple[str, int]], cadence: CadenceType, mode: Mode, bar: int) -> list[tuple[str, int]]:
    """Chords with lengths (divisions) that make the cadence; the same where they do already."""
    if _makes([figure for figure, _ in pairs], cadence, mode):
        return pairs
    if len(pairs) == 1:
        figure, length = pairs[0]
        held = bar if length > bar else length // 2
        pairs = [(figure, length - held), (figure, held)]
    elif cadence == "HC":
        pairs = _without_resolving(pairs, mode)
    figures = as_planned(tuple(figure for figure, _ in pairs), cadence, mode)
    if not _makes(figures, cadence, mode):
        figures = (*figures[:-2], *_ENDS[mode].get(cadence, ("V7", "i" if mode == "minor" else "I")))
    new = list(figures)
    before = chord_of(new[-2], mode)
    if cadence == "PC" and before is not None and before.degree != 4:
        new[-2] = _ENDS[mode]["PC"][0]
    for at, ((old, _), (ahead, _)) in enumerate(pairwise(pairs)):
        stranded = old == new[at] in {"I64", "i64"} and ahead != new[at + 1]
        if stranded and not re.match(r"V(?!I)|[Ii]64", new[at + 1]):
            new[at] = new[at][0]  # a six-four whose dominant is gone
    figures = dominants_raised(new, cadence) if mode == "minor" else tuple(new)
    return [(figure, length) for figure, (_, length) in zip(figures, pairs, strict=True)]


def _without_resolving(pairs: list[tuple[str, int]], mode: Mode) -> list[tuple[str, int]]:
    """What was about to resolve to the last chord gives way to what prepares: V is where a half cadence rests."""
    chords = [chord_of(figure, mode) for figure, _ in pairs]
    at = len(pairs) - 1
    while at > 0 and (chord := chords[at - 1]) is not None and chord.function == "D" and not chord.is_applied:
        at -= 1
    if at in (0, len(pairs) - 1):
        return pairs
    ahead, (figure, length), rest = chords[at - 1], pairs[at - 1], sum(length for _, length in pairs[at:-1])
    if ahead is not None and (ahead.function == "S" or ahead.target == 5):
        return [*pairs[: at - 1], (figure, length + rest), pairs[-1]]
    return [*pairs[:at], ("iio6" if mode == "minor" else "ii6", rest), pairs[-1]]


def _closed(phrase: Phrase, cadence: CadenceType, key: Key, meter: Meter) -> Phrase:
    """The phrase with the cadence: its chords first, then the notes of its tune over what changed in them."""
    before = list(zip(phrase.chords or (), _lengths(phrase, meter), strict=True))
    after = _closing(before, cadence, key.mode, meter.bar)
    figures = tuple(figure for figure, _ in after)
    update: dict[str, object] = {"cadence": cadence}
    if after != before:
        update["chords"] = figures
        if phrase.chord_beats is not None or len(after) != len(before):
            update["chord_beats"] = tuple(float(plain_quarters(length)) for _, length in after)
    closed = phrase.model_copy(update=update)
    tune = closed.melody
    if tune is None or not tune.degrees:
        return closed
    arrival = sum(_lengths(closed, meter)[: _goal(figures, key.mode, cadence)])
    start = 0  # of the first chord that is another now
    for (old, length), (new, other) in zip(before, after, strict=False):
        if old != new:
            break
        start += min(length, other)
        if length != other:
            break
    goal = chord_of(figures[_goal(figures, key.mode, cadence)], key.mode)
    notes, at = _notes(tune), 0
    for note in notes:
        degree = parse_degree(note.value, key.mode)
        tone = spell_degree(degree, key, goal.spelled(key)) - key.tonic if degree and goal else None
        arrives = degree is None or (
            degree.position % 7 in _ARRIVALS[cadence] and goal is not None and tone in goal.tones
        )
        if at <= arrival < at + note.length and not arrives:
            start = min(start, arrival - meter.beat)
        at += note.length
    at = 0
    for index, note in enumerate(notes):
        at += note.length
        if at > start:
            notes[index] = note._replace(pull=_LOOSE, wish=_position(note.value, key.mode))
    if start >= at:
        return closed
    sung = _sung(notes, closed, key, meter, cadence)
    return closed.model_copy(update={"melody": Motif(degrees=sung.degrees, rhythm=tune.rhythm[: len(notes)])})


def _restated(phrase: Phrase, old: Motif | None, motif: Motif, key: Key, meter: Meter) -> Phrase:
    """The phrase with the new motif wherever its tune stated the old one."""
    change = (phrase.motif.transformation if phrase.motif else None) or "theme"
    tune, bar, room = _notes(phrase.melody or motif), meter.bar, phrase.measures
    if phrase.cadence:
        goal = _goal(phrase.chords or (), key.mode, phrase.cadence)
        room = min(room - 1, sum(_lengths(phrase, meter)[:goal]) // bar)
    if room < 1 or not tune:
        return phrase
    line, rhythm = _laid(motif, change, key, meter)
    known, (known_bar, *_) = _laid(old, change, key, meter) if old and old.rhythm else (line, [(0,)])
    heard = next((position for note in tune if (position := _position(note.value, key.mode)) is not None), 0)
    lies = next((position for position in known if position is not None), heard)
    step = {"sequence-up": 1, "sequence-down": -1}.get(change, 0)

    def stated(number: int, shift: int, pull: float) -> list[_Note]:
        octaves = (octave for octave in (0, -7, 7, -14, 14, -21, 21) if all(_writable(p, shift + octave) for p in line))
        shift += next(octaves, -shift)
        notes: list[_Note] = []
        before: int | None = None
        for order, length in enumerate(rhythm[number], start=sum(map(len, rhythm[:number]))):
            position = line[order] if order < len(line) else None
            if position is None:
                filler = order >= len(line) and before is not None  # the bar goes on after the motif
                notes.append(_Note(1, length, 0.6, (before or 0) + shift) if filler else _Note(0, length))
                continue
            degree = parse_degree(motif.degrees[order], key.mode) if change == "theme" and shift % 7 == 0 else None
            alter, fixed = (degree.alter, degree.fixed) if degree else (0, False)
            value = write_degree(position + shift, alter, mode=key.mode, fixed=fixed)
            motion = None if before is None else position - before
            notes.append(_Note(value, length, pull, position + shift, motion))
            before = position
        return notes

    opening, pull = min(len(rhythm), room), _FIXED if change == "theme" else _LOOSE if step else _STATED
    shift = 7 * round((heard - lies) / 7) + step
    notes = [note for number in range(opening) for note in stated(number, shift, pull)]
    edge, at = opening * bar, 0
    for number, note in enumerate(tune):
        onset, at = at, at + note.length
        if at <= edge:
            continue
        ahead = tune[number : number + len(known_bar)]
        states = edge <= onset < room * bar and onset % bar == 0 and _alike(ahead, known, known_bar, key.mode)
        if states:
            moved = next(position for n in ahead if (position := _position(n.value, key.mode)) is not None)
            notes += stated(0, moved - lies, _LOOSE)
            edge = onset + bar
        elif at - max(onset, edge) >= DIVISIONS // 32:
            notes.append(_Note(note.value, at - max(onset, edge)))
        else:
            notes[-1] = notes[-1]._replace(length=notes[-1].length + at - edge)
    return phrase.model_copy(update={"melody": _sung(notes, phrase, key, meter)})


def _writable(position: int | None, shift: int) -> bool:
    return position is None or -MAX_DEGREE <= position + shift < MAX_DEGREE


def _laid(motif: Motif, change: str, key: Key, meter: Meter) -> tuple[list[int | None], list[tuple[int, ...]]]:
    """A motif, transformed, as positions and as one or two bars of rhythm (divisions)."""
    cell = MotifCell(motif.degrees, motif.rhythm)
    cell = cell if change.startswith("sequence") else transform(cell, change)
    return [_position(value, key.mode) for value in cell.degrees], fit(cell.rhythm, meter, 2)


def _alike(notes: Sequence[_Note], line: Sequence[int | None], rhythm: tuple[int, ...], mode: Mode) -> bool:
    """Whether notes state a motif's first bar: in its rhythm, two moves of three in the same direction."""
    if tuple(note.length for note in notes) != rhythm or len(rhythm) < 2:
        return False
    here = [_position(note.value, mode) for note in notes]
    moves = [
        (b - a, d - c)
        for (a, b), (c, d) in zip(pairwise(here), pairwise(line[: len(here)]), strict=False)
        if a is not None and b is not None and c is not None and d is not None
    ]
    return bool(moves) and 3 * sum((x > 0) - (x < 0) == (y > 0) - (y < 0) for x, y in moves) >= 2 * len(moves)
