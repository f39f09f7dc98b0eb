"""The plan that an existing structure follows, so that a fresh piece can be written on the same skeleton.

What a structure does not say is taken as it is heard: a section without phrases has the ones that ``layout`` gives it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from workbench.core.compose.changing import chord_of, is_tonic
from workbench.core.compose.layout import LaidPhrase, lay_out
from workbench.core.compose.mood import Manner, manner_of
from workbench.core.compose.phrasing import PhraseShape, divide
from workbench.core.compose.plan import FormPlan, PhrasePlan, SectionPlan
from workbench.core.compose.realize import reference_tonic
from workbench.core.compose.textures import texture_named
from workbench.core.compose.tune_for import tune_for
from workbench.core.errors import InvalidInputError
from workbench.core.music.cadences import CadenceType, strength
from workbench.core.music.keys import Mode
from workbench.core.music.meters import DIVISIONS, divisions, meter_of, plain_quarters
from workbench.core.music.request import Request
from workbench.core.music.structure import (
    MAX_CHORDS,
    HarmonicFunction,
    Motif,
    MotifUse,
    MusicStructure,
    Phrase,
    Section,
    section_measures,
)

MAX_QUARTERS, MAX_PHRASE_QUARTERS, MAX_SECTION_BARS, MAX_UNDIVIDED_BARS = 3000, 500, 800, 480
"""How long a piece, a phrase, a section and one without phrases may be for a structure to hold all of it in writing."""

_SHORTEST, _LONGEST = DIVISIONS // 32, 64 * DIVISIONS
_VARIED = ("figured", "lyrical", "triplets", "sparse", "figured", "rhythmic", "triplets", "lyrical", "figured")
_NEVER_RETURNS = frozenset({"variation", "coda", "episode", "transition", "closing", "development"})
_PRIMES = "'’′″‴"

T = TypeVar("T")


def plan_of(structure: MusicStructure, request: Request, *, seed: int) -> FormPlan:
    """The plan that the structure follows, to be composed anew from ``seed``.

    Key, tempo, meter, form, period, instrumentation and humanization are the structure's where it says them; mood,
    and with it the density of notes and the pace of chords, is the request's. Only ``seed`` differs between the plans
    for different seeds. Sections without a role get one from their names; a last phrase without a cadence gets its
    section's, or the one that its chords spell; a Picardy third in major is planned as PAC.

    Raises:
        InvalidInputError: too long to be written out note by note.
        InvalidStructureError: a Roman numeral cannot be read.
    """
    _refuse_too_long(structure)
    sections: list[SectionPlan] = []
    heard = [_shapes(structure, index) for index in range(len(structure.sections))]
    for index, section in enumerate(structure.sections):
        role = _role(structure, index)
        original = 0 if role == "variation" and index else returns_to(structure, index)
        phrases, returns = tuple(_planned(shape) for shape in heard[index]), None
        if original is not None:
            brought = _brought_back(heard[index], heard[original], original)
            phrases, returns = (brought, original) if brought[0].source else (phrases, None)
        treatment = "" if returns is None else "ornamented"
        if returns is not None and role == "variation":
            last = index == len(structure.sections) - 1 and index > 2
            treatment = "brilliant" if last else _VARIED[(index - 1) % len(_VARIED)]
        sections.append(
            SectionPlan(
                section.name, role, section.tonality, section_measures(section),
                phrases[-1].cadence or section.cadence or "IAC",
                section.texture or texture_named(None, structure.period), section.dynamics or "mf",
                phrases, returns, treatment,
            )
        )  # fmt: skip
    return FormPlan(structure.form, _manner(structure, request, seed), tuple(sections), seed)


def heard_phrases(structure: MusicStructure, index: int) -> tuple[Phrase, ...]:
    """A section's phrases with their chords: as written, or written out, tune and all, as they are heard.

    Raises:
        InvalidInputError: too long to be written out.
        InvalidStructureError: a Roman numeral cannot be read.
    """
    section = structure.sections[index]
    if not section.phrases:
        _refuse_too_long(structure)
    if section.phrases and all(phrase.chords for phrase in section.phrases):
        return section.phrases
    laid = [phrase for phrase in lay_out(structure) if phrase.section == index]
    result: list[Phrase] = []
    for number, each in enumerate(laid):
        figures, lengths = heard_chords(each)
        said = {"chords": figures, "chord_beats": tuple(float(plain_quarters(length)) for length in lengths)}
        if section.phrases:
            written = section.phrases[number]
            result.append(written if written.chords else written.model_copy(update=said))
            continue
        result.append(
            Phrase(
                label=each.label,
                role=each.role,
                measures=each.measures,
                cadence=section.cadence if number == len(laid) - 1 else None,
                motif=MotifUse(ref=each.motif, transformation=each.transformation or None),
                melody=heard_tune(each, structure),
                **said,
            )
        )
    return tuple(result)


def with_phrases(section: Section, phrases: Sequence[Phrase]) -> Section:
    """The section with these phrases; what else it says of measures, chords, lengths, functions and cadence follows."""
    if not phrases:
        return section
    update: dict[str, object] = {
        "phrases": tuple(phrases),
        "measures": sum(phrase.measures for phrase in phrases),
        "cadence": phrases[-1].cadence or section.cadence,
    }
    if all(phrase.chords for phrase in phrases):
        chords = tuple(chord for phrase in phrases for chord in phrase.chords or ())[:MAX_CHORDS]
        beats = tuple(length for phrase in phrases for length in phrase.chord_beats or ())[:MAX_CHORDS]
        timed = section.harmonic_rhythm is not None and len(beats) == len(chords)
        functions = tuple(_function(figure, section.tonality.mode) for figure in chords)
        update["chord_progression"] = chords
        update["harmonic_rhythm"] = beats if timed else None
        update["harmonic_functions"] = functions if section.harmonic_functions is not None else None
    return section.model_copy(update=update)


def _function(figure: str, mode: Mode) -> HarmonicFunction:
    chord = chord_of(figure, mode)
    if chord is None or chord.function == "D":
        return "ambiguity" if chord is None else "tension"
    return "release" if is_tonic(chord) else "ambiguity"


def heard_section(structure: MusicStructure, index: int) -> Section:
    """The section with its phrases and tunes written out as they are heard, unless the piece is too long for that."""
    section, phrases = structure.sections[index], structure.sections[index].phrases
    if (phrases and all(phrase.chords and phrase.melody for phrase in phrases)) or _too_long(structure) is not None:
        return section
    laid = [phrase for phrase in lay_out(structure) if phrase.section == index]
    result: list[Phrase] = []
    for phrase, heard in zip(heard_phrases(structure, index), laid, strict=True):
        tune = phrase.melody if phrase.melody and phrase.melody.degrees else heard_tune(heard, structure)
        result.append(phrase.model_copy(update={"melody": tune}))
    return with_phrases(section, result)


def heard_chords(phrase: LaidPhrase) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The chords of a phrase in time and their lengths (divisions), such as a structure can hold."""
    lengths = [end - start for start, end in zip(phrase.starts, phrase.ends, strict=True)]
    pairs = holdable(list(zip(phrase.figures, lengths, strict=True)))
    return tuple(figure for figure, _ in pairs), tuple(length for _, length in pairs)


def heard_tune(phrase: LaidPhrase, structure: MusicStructure) -> Motif:
    """The tune of a phrase in time, written or derived, such as a structure can hold."""
    degrees, rhythm = phrase.degrees, phrase.rhythm
    if degrees is None:
        degrees, rhythm = tune_for(phrase, meter_of(structure.time_signature), reference_tonic(phrase.key))
    pairs = holdable(list(zip(degrees, rhythm, strict=True)))
    return Motif(
        degrees=tuple(degree for degree, _ in pairs),
        rhythm=tuple(float(plain_quarters(length)) for _, length in pairs),
    )


def holdable(items: list[tuple[T, int]]) -> list[tuple[T, int]]:
    """Lengths that can be written in quarters: odd ones to the nearest 128th note, very long ones in two or more."""
    if all(_SHORTEST <= length <= _LONGEST and divisions(plain_quarters(length)) == length for _, length in items):
        return items
    result: list[tuple[T, int]] = []
    at = onset = 0
    for value, length in items:
        at += length
        end = round(at / _SHORTEST) * _SHORTEST
        while end - onset > _LONGEST:
            result.append((value, _LONGEST // 2))
            onset += _LONGEST // 2
        if end > onset:
            result.append((value, end - onset))
            onset = end
    return result


def _manner(structure: MusicStructure, request: Request, seed: int) -> Manner:
    said = request.model_copy(
        update={
            "key": structure.key,
            "tempo": structure.tempo,
            "time_signature": structure.time_signature,
            "form": structure.form,
            "period": structure.period or request.period or "classical",
            "instrumentation": structure.instrumentation or request.instrumentation,
            "humanize": structure.humanize or request.humanize,
        }
    )
    return replace(manner_of(said, random.Random(f"plan/{seed}")), form=structure.form)


def _too_long(structure: MusicStructure) -> str | None:
    bar = meter_of(structure.time_signature).bar_quarters
    if structure.measures * bar > MAX_QUARTERS:
        return f"The piece has {structure.measures:,} bars"
    for section in structure.sections:
        bars = section_measures(section)
        if bars > (MAX_SECTION_BARS if section.phrases else MAX_UNDIVIDED_BARS):
            return f"{section.name} has {bars:,} bars"
        for phrase in section.phrases or ():
            if phrase.measures * bar > MAX_PHRASE_QUARTERS:
                return f"A phrase of {section.name} has {phrase.measures:,} bars"
    return None


def _refuse_too_long(structure: MusicStructure) -> None:
    problem = _too_long(structure)
    if problem is not None:
        hint = "Shorten it or divide it first."
        raise InvalidInputError(f"{problem}, too many to be written out.", hint=hint, field="/sections")


def _shapes(structure: MusicStructure, index: int) -> tuple[PhraseShape, ...]:
    """The phrases of a section as ``divide`` describes them."""
    section = structure.sections[index]
    mode = section.tonality.mode
    if section.phrases:
        shapes = [_shape(section.phrases, number, mode) for number in range(len(section.phrases))]
        last = shapes[-1]
        if last.cadence is None:
            found = _possible(section.cadence, mode) or _spelled(section, mode) or "PAC"
            before = shapes[-2] if len(shapes) > 1 else last
            asks = strength(before.cadence) if (before.role, last.role) == ("antecedent", "consequent") else 0
            answer = found if strength(found) > asks else "PAC" if asks < 1 else None
            shapes[-1] = last._replace(cadence=answer)
        return tuple(shapes)
    laid = [phrase for phrase in lay_out(structure) if phrase.section == index]
    # The very division that ``layout`` hears; it leaves inner cadences to the chords, a plan names them.
    rng = random.Random(f"{section.name}/{section.key}/{section.measures}/{index}")
    cadence = laid[-1].cadence or "PAC"
    shapes = list(divide(section.measures, section.role or "", structure.period or "classical", cadence, rng))
    return tuple(shape._replace(cadence=_possible(shape.cadence, mode)) for shape in shapes)


def _possible(cadence: CadenceType | None, mode: Mode) -> CadenceType | None:
    return "PAC" if cadence == "PICARDY" and mode == "major" else cadence


def _spelled(section: Section, mode: Mode) -> CadenceType | None:
    """The cadence that the section's last two chords make."""
    phrase = (section.phrases or ())[-1]
    figures = (phrase.chords or section.chord_progression)[-2:]
    chords = [chord_of(figure, mode) for figure in figures]
    before, last = chords[0], chords[-1]
    if before is None or last is None or last.is_applied:
        return None
    if last.degree == 5:
        return "HC"
    if last.degree == 1 and len(chords) > 1:
        return {4: "PC", 7: "IAC"}.get(before.degree, "PAC")  # type: ignore[return-value]
    return "DC" if (before.degree, last.degree) == (5, 6) else None


def _shape(phrases: Sequence[Phrase], number: int, mode: Mode) -> PhraseShape:
    phrase = phrases[number]
    model, likeness = _model(phrases, number)
    use = phrase.motif
    return PhraseShape(
        phrase.label or "", phrase.role or "phrase", phrase.measures, _possible(phrase.cadence, mode), model, likeness,
        use.ref if use else "m1", use.transformation if use else None,
    )  # fmt: skip


def _model(phrases: Sequence[Phrase], number: int) -> tuple[int | None, str]:
    """The phrase of the section that this one takes after, and how, from roles, labels (a, a′) and openings."""
    phrase = phrases[number]
    if phrase.role == "consequent":
        asked = [at for at in range(number) if phrases[at].role == "antecedent"]
        if asked:
            return asked[-1], "opening"
    label = phrase.label or ""
    root = label.rstrip(_PRIMES)
    for at in range(number):
        earlier = phrases[at]
        if root and root != label and (earlier.label or "").rstrip(_PRIMES) == root:
            shifted = bool(phrase.motif and (phrase.motif.transformation or "").startswith("sequence"))
            if at == number - 1 and (shifted or phrase.role == "sequence"):
                return at, "sequence"
            return at, "whole" if earlier.measures == phrase.measures else "opening"
        one, other = earlier.melody, phrase.melody
        alike = one and other and (one.degrees[:3], one.rhythm[:3]) == (other.degrees[:3], other.rhythm[:3])
        if not label and alike:
            return at, "opening"
    return None, ""


def _planned(shape: PhraseShape) -> PhrasePlan:
    return PhrasePlan(
        shape.label, shape.role, shape.measures, shape.cadence, shape.motif, shape.transformation, shape.model,
        shape.likeness,
    )  # fmt: skip


def _brought_back(here: Sequence[PhraseShape], there: Sequence[PhraseShape], original: int) -> tuple[PhrasePlan, ...]:
    """Phrases with what they bring back, as long as they follow those of the original in order."""
    result: list[PhrasePlan] = []
    follows = True
    for number, shape in enumerate(here):
        model = there[number] if number < len(there) else None
        follows = follows and model is not None and model.label == shape.label
        follows = follows and (bool(shape.label) or (model is not None and model.measures == shape.measures))
        if not follows or model is None:
            result.append(_planned(shape))
            continue
        whole = (model.measures, model.cadence) == (shape.measures, shape.cadence)
        likeness = "whole" if whole else "opening"
        result.append(replace(_planned(shape), model=None, likeness=likeness, source=(original, number)))
    return tuple(result)


def returns_to(structure: MusicStructure, index: int) -> int | None:
    """The earlier section that this one brings back to round off the form, by its role and name."""
    sections = structure.sections
    part = _part(sections[index])
    if part in _NEVER_RETURNS:
        return None
    section = sections[index]
    text = f"{section.role or ''} {section.name}".lower()
    wanted = {"da-capo": "minuet", "recapitulation": "exposition-first"}.get(part, part)
    if part == "recapitulation" and ("secondary" in text or "(s)" in text):
        wanted = "exposition-second"
    parts = [_part(earlier) for earlier in sections[:index]]
    if wanted in parts:
        return parts.index(wanted)
    return 0 if section.role == "return" and index else None


def _part(section: Section) -> str:
    text = f"{section.role or ''} {section.name}".lower()
    for word in (
        "coda", "variation", "development", "recapitulation", "transition", "closing", "trio", "minuet", "episode",
        "refrain",
    ):  # fmt: skip
        if word in text:
            return "da-capo" if word == "minuet" and "da capo" in text else word
    if section.name.lower().startswith("var"):
        return "variation"
    if "exposition" in text:
        return "exposition-second" if re.search(r"\(s\)|second|subordinate", text) else "exposition-first"
    letter = re.match(r"^([a-h])(?:['’′]+|\d+)?$", section.name.lower().strip())
    if letter:
        return letter[1].upper()
    return "theme" if "theme" in text else section.name


def _role(structure: MusicStructure, index: int) -> str:
    """The section's role, or what its name and place make it in its form."""
    section, form = structure.sections[index], structure.form
    if section.role:
        return section.role
    part, back = _part(section), returns_to(structure, index) is not None
    if part == "recapitulation":
        return "recapitulation-secondary" if "(s)" in section.name.lower() else "recapitulation-primary"
    if part.startswith("exposition"):
        return "exposition-secondary" if part.endswith("second") else "exposition-primary"
    if part in {*_NEVER_RETURNS, "trio", "minuet", "da-capo", "refrain", "theme"}:
        return "retransition" if "retransition" in section.name.lower() else part
    if form == "rondo":
        return "refrain" if part == "A" else "episode"
    if index == 0 or part == "A":
        first = "first-reprise" if form in {"binary", "rounded-binary"} else "theme"
        return "return" if back else first
    return {"binary": "second-reprise", "rounded-binary": "contrasting-middle"}.get(form, "contrast")
