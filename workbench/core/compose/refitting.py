"""Phrases of one piece put into the phrases that a plan asks for: linked, cut, held, or continued.

What fits stays as it is. A phrase that is too long gives its opening and its close; one that is a bar too short holds
its end; what is shorter is continued by a part that is left blank, for the composer to fill. So a planned phrase comes
in one or more parts, and those with a tune are to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from workbench.core.compose.edits import with_cadence
from workbench.core.compose.layout import spread
from workbench.core.compose.locks import dominants_raised
from workbench.core.compose.plan import PhrasePlan, SectionPlan
from workbench.core.compose.replan import holdable, with_phrases
from workbench.core.music.cadences import CadenceType, strength
from workbench.core.music.degrees import DegreeValue
from workbench.core.music.keys import Mode
from workbench.core.music.meters import Meter, divisions, meter_of, plain_quarters
from workbench.core.music.structure import Motif, MotifUse, MusicStructure, Phrase

Parts = tuple[Phrase, ...]
"""What a planned phrase is made of; a part without a tune is to be composed."""

_ENOUGH = 4
"""Chords in a phrase that is still itself when its last two become another close."""
_CONTINUES = frozenset({"continuation", "cadential", "fortspinnung", "presentation"})

T = TypeVar("T")


def fitted(solo: MusicStructure, planned: SectionPlan) -> list[Parts]:
    """The planned phrases of a section, filled in order with the phrases of a piece of one section while there are any.

    The piece has the section's mode and the plan's meter, and its phrases have chords and tunes. Inner phrases keep
    their own cadences, the last one closes as planned.
    """
    meter = meter_of(solo.time_signature)
    left = [_timed(phrase, meter) for phrase in solo.sections[0].phrases or ()]
    result: list[Parts] = []
    for number, phrase in enumerate(planned.phrases):
        last = number == len(planned.phrases) - 1
        run = _run(left, phrase.measures)
        part, cut = (_linked(left[:run], phrase), False) if run else (None, bool(left) and phrase.measures > 1)
        if cut:
            part, run = _linked([_shortened(left[0], phrase.measures, meter.bar)], phrase), 1
        left = left[run:]
        cadence = (phrase.cadence or planned.cadence) if last else None
        if part is None:
            result.append((blank(phrase, planned.key.mode, cadence=cadence),))
        else:
            result.append(_completed(part, phrase, cadence, solo, planned.key.mode, cut=cut))
    return result


def _completed(
    part: Phrase, planned: PhrasePlan, cadence: CadenceType | None, solo: MusicStructure, mode: Mode, *, cut: bool
) -> Parts:
    """A part made as long as planned, and closed with the cadence where one is asked for."""
    bar, room = meter_of(solo.time_signature).bar, planned.measures - part.measures
    wanted = cadence or part.cadence
    if wanted != part.cadence and room < 2 and len(part.chords or ()) < _ENOUGH and part.measures > 3:
        part, room = _shortened(part.model_copy(update={"cadence": None}), part.measures - 2, bar), room + 2
    if room > 1:
        ending = blank(planned, mode, measures=room, cadence=cadence)
        role = "continuation" if room > 3 else "cadential"
        ending = ending.model_copy(update={"label": "", "role": role})
        return part.model_copy(update={"cadence": None}), ending
    part = _held(part, bar) if room else part
    return (_closing(solo, part, wanted) if cut or wanted != part.cadence else part,)


def brought_back(planned: SectionPlan, original: Sequence[Parts]) -> list[Parts]:
    """The phrases of a return, to be composed after those that it brings back, in the same parts where it can be."""
    result: list[Parts] = []
    for phrase in planned.phrases:
        whole = blank(phrase, planned.key.mode)
        model = original[phrase.source[1]] if phrase.source else ()
        if sum(part.measures for part in model) != phrase.measures:
            result.append((whole,))
            continue
        empty = {"chords": whole.chords, "chord_beats": None, "melody": None}
        result.append(tuple(part.model_copy(update=empty) for part in model))
    ending = result[-1][-1].model_copy(update={"cadence": planned.phrases[-1].cadence or planned.cadence})
    result[-1] = (*result[-1][:-1], ending)
    return result


def joined(phrases: Sequence[Phrase], planned: SectionPlan, dealt: Sequence[Parts]) -> list[Phrase]:
    """A composed section's phrases, the parts of each put together; roles that no longer hold are given up, and closes
    in minor have their leading tone."""
    result: list[Phrase] = []
    at = 0
    for plan, parts in zip(planned.phrases, dealt, strict=True):
        phrase = _linked(phrases[at : at + len(parts)], plan)
        at += len(parts)
        if planned.key.is_minor:
            phrase = phrase.model_copy(update={"chords": dominants_raised(phrase.chords or (), phrase.cadence)})
        result.append(phrase)
    for number, (first, second) in enumerate(zip(result, [*result[1:], None], strict=True)):
        answered = second is not None and second.role == "consequent"
        stronger = second is not None and strength(first.cadence) >= strength(second.cadence) > 0
        if first.role == "antecedent" and answered and stronger:
            result[number] = first.model_copy(update={"role": "phrase"})
        if first.role == "presentation" and (
            first.cadence == "PAC" or second is None or (second.role or "") not in _CONTINUES
        ):
            result[number] = first.model_copy(update={"role": "phrase"})
    return result


def blank(phrase: PhrasePlan, mode: Mode, *, measures: int | None = None, cadence: CadenceType | None = None) -> Phrase:
    """A phrase that is to be composed, with chords that only keep its place."""
    return Phrase(
        label=phrase.label, role=phrase.role, measures=measures or phrase.measures, cadence=cadence or phrase.cadence,
        motif=MotifUse(ref=phrase.motif, transformation=phrase.transformation),
        chords=("i", "V", "i") if mode == "minor" else ("I", "V", "I"),
    )  # fmt: skip


def _timed(phrase: Phrase, meter: Meter) -> Phrase:
    """The phrase with a length for each chord."""
    count = len(phrase.chords or ())
    if phrase.chord_beats is not None and len(phrase.chord_beats) == count:
        return phrase
    beats = tuple(float(plain_quarters(length)) for length in spread(count, phrase.measures, meter))
    return phrase.model_copy(update={"chord_beats": beats})


def _run(phrases: Sequence[Phrase], measures: int) -> int:
    """How many phrases from the first on fit into so many bars."""
    count = total = 0
    while count < len(phrases) and total + phrases[count].measures <= measures:
        total += phrases[count].measures
        count += 1
    return count


def _linked(run: Sequence[Phrase], planned: PhrasePlan) -> Phrase:
    """Phrases made one, which is what the plan calls it; a single one keeps its role."""
    first = run[0].model_copy(update={"label": planned.label})
    if len(run) == 1:
        return first
    tunes = [phrase.melody for phrase in run if phrase.melody]
    update = {
        "role": planned.role,
        "measures": sum(phrase.measures for phrase in run),
        "cadence": run[-1].cadence,
        "chords": tuple(figure for phrase in run for figure in phrase.chords or ()),
        "chord_beats": tuple(beats for phrase in run for beats in phrase.chord_beats or ()),
        "melody": Motif(
            degrees=tuple(degree for tune in tunes for degree in tune.degrees),
            rhythm=tuple(beats for tune in tunes for beats in tune.rhythm),
        ),
    }
    return first.model_copy(update=update)


def _shortened(phrase: Phrase, measures: int, bar: int) -> Phrase:
    """The phrase's opening and, where it closes, its close."""
    tail = 0 if phrase.cadence is None else 2 if measures > 3 else 1
    head, rest, end = (measures - tail) * bar, (phrase.measures - tail) * bar, phrase.measures * bar
    chords, notes = _chords(phrase), _notes(phrase)
    chords = _cut(chords, 0, head) + _cut(chords, rest, end)
    notes = _cut(notes, 0, head) + _cut(notes, rest, end)
    return _filled(phrase, chords, notes, measures)


def _held(phrase: Phrase, bar: int) -> Phrase:
    """The phrase with its last chord, and the last note over it, a bar longer."""
    chords, notes = _chords(phrase), _notes(phrase)
    chords[-1] = (chords[-1][0], chords[-1][1] + bar)
    last = max((at for at, (degree, _) in enumerate(notes) if degree != 0), default=len(notes) - 1)
    notes[last] = (notes[last][0], notes[last][1] + bar)
    return _filled(phrase, chords, notes, phrase.measures + 1)


def _closing(solo: MusicStructure, phrase: Phrase, cadence: CadenceType | None) -> Phrase:
    """The phrase with another cadence."""
    if cadence is None:
        return phrase
    alone = solo.model_copy(update={"sections": (with_phrases(solo.sections[0], (phrase,)),)})
    return (with_cadence(alone, 0, cadence).sections[0].phrases or ())[0]


def _chords(phrase: Phrase) -> list[tuple[str, int]]:
    return list(zip(phrase.chords or (), map(divisions, phrase.chord_beats or ()), strict=True))


def _notes(phrase: Phrase) -> list[tuple[DegreeValue, int]]:
    tune = phrase.melody or Motif(degrees=(), rhythm=())
    return list(zip(tune.degrees, map(divisions, tune.rhythm), strict=True))


def _cut(items: Sequence[tuple[T, int]], start: int, end: int) -> list[tuple[T, int]]:
    """What sounds between two moments (divisions)."""
    result: list[tuple[T, int]] = []
    at = 0
    for value, length in items:
        inside = min(at + length, end) - max(at, start)
        if inside > 0:
            result.append((value, inside))
        at += length
    return result


def _filled(
    phrase: Phrase, chords: list[tuple[str, int]], notes: list[tuple[DegreeValue, int]], measures: int
) -> Phrase:
    chords, notes = holdable(chords), holdable(notes)
    return phrase.model_copy(
        update={
            "measures": measures,
            "chords": tuple(figure for figure, _ in chords),
            "chord_beats": tuple(float(plain_quarters(length)) for _, length in chords),
            "melody": Motif(
                degrees=tuple(degree for degree, _ in notes),
                rhythm=tuple(float(plain_quarters(length)) for _, length in notes),
            ),
        }
    )
