"""From finished sections to the MusicStructure: fields, names and the few words that go with a piece."""

from __future__ import annotations

from workbench.core.compose.plan import FormPlan
from workbench.core.compose.themes import Idea
from workbench.core.compose.written import WrittenPhrase, WrittenSection
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import Mode
from workbench.core.music.meters import plain_quarters
from workbench.core.music.motifs import Transformation
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.request import Request
from workbench.core.music.structure import (
    SCHEMA_VERSION,
    HarmonicFunction,
    Leitmotif,
    Motif,
    MotifUse,
    MusicStructure,
    Phrase,
    Section,
    SectionMelody,
)


def describe(form: FormPlan, request: Request, sections: tuple[WrittenSection, ...]) -> MusicStructure:
    """The structure of a finished piece."""
    manner = form.manner
    return MusicStructure(
        schema_version=SCHEMA_VERSION,
        title=_title(form),
        key=manner.key.name,
        tempo=manner.tempo,
        time_signature=manner.meter.name,
        form=form.form,
        period=manner.period,
        sections=tuple(_section(section, manner.meter.bar) for section in sections),
        leitmotifs=_leitmotifs(request, sections) or None,
        humanize=manner.humanize,
        instrumentation=manner.instrumentation,
        character=manner.character,
        reasoning=_reasoning(form),
    )


def _title(form: FormPlan) -> str:
    known = FORMS.get(form.form)
    names = {"ABA": "Ternary piece", "binary": "Binary piece", "rounded-binary": "Rounded binary", "rondo": "Rondo"}
    name = names.get(form.form, known.title if known else form.form[:60].capitalize())
    return f"{name} in {form.manner.key.pretty}"


def _section(section: WrittenSection, bar: int) -> Section:
    plan = section.plan
    figures = tuple(figure for phrase in section.phrases for figure in phrase.harmony.figures)
    lengths = tuple(length for phrase in section.phrases for length in phrase.harmony.lengths)
    used = {phrase.plan.motif for phrase in section.phrases}
    motifs = [motif for name, idea in section.palette.ideas.items() if name in used and (motif := motif_of(idea))]
    if plan.returns is not None:
        # What a return or a variation is made of is what it makes of its theme.
        motifs = [_opening(section.phrases[0], bar), *motifs[1:]]
    return Section(
        name=plan.name,
        role=plan.role,
        key=plan.key.name,
        measures=plan.measures,
        chord_progression=figures,
        harmonic_rhythm=tuple(float(plain_quarters(length)) for length in lengths),
        melody=SectionMelody(motifs=tuple(motifs)),
        dynamics=plan.dynamics,
        texture=plan.texture,
        cadence=section.phrases[-1].plan.cadence or plan.cadence,
        harmonic_functions=tuple(_function(figure, plan.key.mode) for figure in figures),
        phrases=tuple(_phrase(phrase) for phrase in section.phrases),
    )


def _phrase(phrase: WrittenPhrase) -> Phrase:
    plan = phrase.plan
    return Phrase(
        label=plan.label,
        role=plan.role,
        measures=plan.measures,
        cadence=plan.cadence,
        chords=phrase.harmony.figures,
        chord_beats=tuple(float(plain_quarters(length)) for length in phrase.harmony.lengths),
        motif=MotifUse(ref=plan.motif, transformation=plan.transformation),
        melody=Motif(degrees=phrase.degrees, rhythm=phrase.rhythm),
    )


def _opening(phrase: WrittenPhrase, bar: int) -> Motif:
    """The first bar of a phrase."""
    count, length = 0, 0
    while length < bar and count < len(phrase.notes):
        length += phrase.notes[count][0]
        count += 1
    return Motif(degrees=phrase.degrees[:count], rhythm=phrase.rhythm[:count])


def motif_of(idea: Idea) -> Motif | None:
    """An idea as the structure writes it, in natural degrees; None before it has a line."""
    if not idea.line:
        return None
    rhythm = [abs(value) for bar in idea.bars for value in bar][: len(idea.line)]
    degrees = tuple(0 if p is None else p + 1 if p >= 0 else p for p in idea.line)
    return Motif(degrees=degrees, rhythm=tuple(float(plain_quarters(value)) for value in rhythm))


def _function(figure: str, mode: Mode) -> HarmonicFunction:
    chord = parse_numeral(figure, mode)
    if chord.function == "D":
        return "tension"
    return "release" if chord.degree == 1 and not chord.is_applied else "ambiguity"


def _leitmotifs(request: Request, sections: tuple[WrittenSection, ...]) -> tuple[Leitmotif, ...]:
    """The request's tags, each tied to one of the piece's ideas, with what becomes of it."""
    ideas: list[tuple[str, Motif]] = []
    for section in sections:
        for name, idea in section.palette.ideas.items():
            motif = motif_of(idea)
            if motif is not None and all(motif != known for _, known in ideas):
                ideas.append((name, motif))
    result = []
    for number, tag in enumerate(request.motif_tags):
        if not ideas:
            break
        name, motif = ideas[number % len(ideas)]
        used: list[Transformation] = ["theme"]
        for section in sections:
            for phrase in section.phrases:
                change = phrase.plan.transformation
                if phrase.plan.motif == name and change and change not in used:
                    used.append(change)
        result.append(
            Leitmotif(
                tag=tag,
                degrees=motif.degrees,
                rhythm=motif.rhythm,
                meaning=f"stands for “{tag}”"[:200],
                transformations=tuple(used),
            )
        )
    return tuple(result)


def _reasoning(form: FormPlan) -> str:
    manner = form.manner
    keys = list(dict.fromkeys(section.key.pretty for section in form.sections))
    pace = f"{manner.meter.name}, {manner.tempo:g} quarters a minute"
    words = [
        f"{manner.character.capitalize()}: {manner.key.pretty}, {pace}.",
        f"{len(form.sections)} sections over {form.measures} bars by way of {', '.join(keys)}.",
        *form.notes,
    ]
    return " ".join(words)
