"""The example-adapting composer as a provider: no key, no network, and the library is worth something offline too.

It takes the example nearest to a request and makes of it what was asked: the plan's keys, modes, meter and lengths, and
the request's own motif where it gives one. Phrases of the example go into the planned phrases as they are wherever they
fit; what the plan has besides is composed by rule around them, from the example's motif. Phrases that do no good where
they are put are composed anew, too: the plan goes before the example.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from itertools import accumulate
from time import perf_counter

from workbench.core.checks import PROFILES, check
from workbench.core.checks.profiles import families_of
from workbench.core.compose import FormPlan, compose_plan
from workbench.core.compose.changing import change_phrases, change_sections
from workbench.core.compose.edits import with_key, with_motif
from workbench.core.compose.locks import TRIADS, regenerate
from workbench.core.compose.meter_change import with_meter
from workbench.core.compose.plan import SectionPlan
from workbench.core.compose.refitting import Parts, blank, brought_back, fitted, joined
from workbench.core.compose.replan import heard_section, plan_of, with_phrases
from workbench.core.errors import WorkbenchError
from workbench.core.generate.providers.calls import Answer, Call, ModelInfo, OnText
from workbench.core.generate.providers.registry import provider
from workbench.core.library.examples import Example, load_examples
from workbench.core.library.retrieval import Index, Weights
from workbench.core.library.rights import may, read_rights
from workbench.core.music.keys import Mode
from workbench.core.music.meters import Meter, divisions, meter_of
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.request import Request
from workbench.core.music.structure import (
    SCHEMA_VERSION,
    Leitmotif,
    Motif,
    MotifUse,
    MusicStructure,
    Phrase,
    Section,
    SectionMelody,
)
from workbench.core.settings import Settings

WEIGHTS = Weights(valence=3, meter=3, mode=2)
"""A tune bears another mood better than another meter or mode."""

_TRIES = 4
_CELL = 8
_CONTRASTS = frozenset({"contrast", "episode", "trio", "contrasting-middle", "exposition-secondary", "second-reprise"})

Place = tuple[int, int]


class Adapt:
    """Adapts the best of the examples that anybody may make something of."""

    name = "adapt"
    needs_model = False

    def __init__(self, examples: Callable[[], Sequence[Example]] = load_examples) -> None:
        self._examples = examples
        self._library: tuple[Sequence[Example], Index] = (), Index(())

    async def answer(self, call: Call, on_text: OnText) -> Answer:
        """The piece as JSON, all at once; the note says what it was made from, and why."""
        began = perf_counter()
        structure, note = await asyncio.to_thread(self._made, call)
        text = structure.to_json(indent=None)
        on_text(text)
        seconds = perf_counter() - began
        return Answer(text, seconds=seconds, first_token=seconds, notes=(note,))

    def _made(self, call: Call) -> tuple[MusicStructure, str]:
        form, examples = call.form, self._examples()
        known, index = self._library
        if examples is not known:
            index = Index(filter(may_be_adapted, examples))
            self._library = examples, index
        asked = {"key": form.manner.key.name, "time_signature": form.manner.meter.name}
        picked = index.retrieve(
            call.request.model_copy(update=asked), form=form.form, period=form.manner.period, count=1, weights=WEIGHTS
        )
        if not picked:
            return compose_plan(form, call.request), "composed by rule: no example may be adapted"
        example = picked[0].example
        return adapted(example, form, call.request), f"adapted from {example.id}: {picked[0].why}"

    async def models(self) -> tuple[ModelInfo, ...]:
        """None: there is nothing to choose."""
        return ()

    async def close(self) -> None:
        """Nothing to let go of."""


@provider("adapt")
def adapt(_: Settings) -> Adapt:
    """The built-in arranger: the nearest example of the library in another key, meter and length, at once."""
    return Adapt()


def may_be_adapted(example: Example) -> bool:
    """Whether anybody may make another piece of an example, also for a product: a doubt is a no."""
    try:
        return may(read_rights(example.rights), "commercial_training")
    except WorkbenchError:
        return False


def adapted(example: Example, form: FormPlan, request: Request) -> MusicStructure:
    """The example made over under a plan.

    Phrases in which the checks find an error are composed anew, and in the end the whole piece, from the example's
    motif; so there is none unless the request contradicts itself.
    """
    asked, unfit = request, frozenset[Place]()
    try:
        theme = _prepared(example.structure, 0, form, form.sections[0].key.mode)
        asked = _asked(theme.sections[0].motifs[0], request)
        for _ in range(_TRIES):
            piece = _made_over(example, form, request, asked, unfit)
            report = check(piece, request=request, plan=form, profile=form.manner.period)
            places = {_place(finding.path) for finding in report.findings if finding.severity == "error"}
            if not places:
                return piece
            if places <= unfit:
                break
            unfit |= places
    except WorkbenchError:
        pass  # what cannot be read or sung so is composed
    return compose_plan(form, asked)


def _place(path: str) -> Place:
    """The section and phrase that a finding's JSON pointer is about; the first ones where it is about the whole."""
    steps = path.split("/")
    at = [int(step) for step in steps if step.isdigit()]
    return (at[0] if steps[1:2] == ["sections"] and at else 0), (at[1] if "phrases" in steps and len(at) > 1 else 0)


def _asked(motif: Motif, request: Request) -> Request:
    """The request, with the example's motif for what is composed around it where it gives none itself."""
    if request.motif_seed or request.rhythm_seed:
        return request
    return request.model_copy(update={"motif_seed": motif.degrees[:_CELL], "rhythm_seed": motif.rhythm[:_CELL]})


def _made_over(
    example: Example, form: FormPlan, request: Request, asked: Request, unfit: Collection[Place]
) -> MusicStructure:
    """The piece with what the example gives to it, the rest composed, and every phrase as long as planned."""
    motifs, dealt = _dealt(example, form, request, unfit)
    sections = [
        _section(planned, [part for parts in phrases for part in parts], cells)
        for planned, phrases, cells in zip(form.sections, dealt, motifs, strict=True)
    ]
    locks = {
        (index, number)
        for index, section in enumerate(sections)
        for number, part in enumerate(section.phrases or ())
        if part.melody is not None
    }
    manner, title = form.manner, example.structure.title or example.id
    base = MusicStructure(
        schema_version=SCHEMA_VERSION, title=f"After “{title[:100]}”", key=manner.key.name, tempo=manner.tempo,
        time_signature=manner.meter.name, form=form.form, period=manner.period, sections=tuple(sections),
        humanize=manner.humanize, character=manner.character,
        instrumentation=request.instrumentation or example.structure.instrumentation or manner.instrumentation,
    )  # fmt: skip
    piece = regenerate(base, asked, locks, seed=form.seed)
    sections = [
        _with_heard_motif(with_phrases(section, joined(section.phrases or (), planned, phrases)), manner.meter)
        for section, planned, phrases in zip(piece.sections, form.sections, dealt, strict=True)
    ]
    motif = sections[0].motifs[0]
    tags = tuple(
        Leitmotif(tag=tag, degrees=motif.degrees, rhythm=motif.rhythm, meaning=f"stands for “{tag}”"[:200])
        for tag in request.motif_tags
    )
    told = f"Made of {len(locks)} phrases of “{title}” ({example.id}), the rest composed around them."
    update = {"sections": tuple(sections), "leitmotifs": tags or None, "reasoning": told}
    return piece.model_copy(update=update)


def _section(planned: SectionPlan, parts: Sequence[Phrase], motifs: tuple[Motif, ...]) -> Section:
    section = Section(
        name=planned.name, role=planned.role, key=planned.key.name, measures=planned.measures,
        chord_progression=("I",), melody=SectionMelody(motifs=motifs) if motifs else None,
        dynamics=planned.dynamics, texture=planned.texture, cadence=planned.cadence,
    )  # fmt: skip
    return with_phrases(section, parts)


def _with_heard_motif(section: Section, meter: Meter) -> Section:
    """The section with its opening as its first motif, where the one that it names is not heard in it any more."""
    tunes = [phrase.melody for phrase in section.phrases or () if phrase.melody]
    wanted = section.motifs[0].rhythm[:3] if section.motifs else ()
    starts = {tune.rhythm[at : at + len(wanted)] for tune in tunes for at in range(len(tune.rhythm))}
    if (wanted and wanted in starts) or not tunes:
        return section
    motifs = (_opening(tunes[0], meter), *section.motifs[1:])
    return section.model_copy(update={"melody": SectionMelody(motifs=motifs)})


def _opening(tune: Motif, meter: Meter) -> Motif:
    """The first bar of a tune."""
    count = sum(end <= meter.bar for end in accumulate(map(divisions, tune.rhythm))) or 1
    return Motif(degrees=tune.degrees[:count], rhythm=tune.rhythm[:count])


def _dealt(
    example: Example, form: FormPlan, request: Request, unfit: Collection[Place]
) -> tuple[list[tuple[Motif, ...]], list[list[Parts]]]:
    """For each section its motifs, and for each of its planned phrases the parts of which it is made."""
    old = plan_of(example.structure, example.request, seed=0).sections
    seeded = bool(request.motif_seed or request.rhythm_seed)
    motifs: list[tuple[Motif, ...]] = []
    dealt: list[list[Parts]] = []
    for index, planned in enumerate(form.sections):
        mode = planned.key.mode
        source = _source(form.sections, index, old)
        phrases: list[Parts] = [(blank(phrase, mode),) for phrase in planned.phrases]
        own: tuple[Motif, ...] = ()
        if source is not None:
            solo = _prepared(example.structure, source, form, mode)
            if seeded and 0 in (source, old[source].returns):
                solo = with_motif(solo, 0, _given_motif(request, solo.sections[0]))
            own, phrases = solo.sections[0].motifs, fitted(solo, planned)
        if planned.returns is not None:
            phrases = _returned(planned, phrases, dealt[planned.returns])
            own = own if any(map(_is_own, phrases)) else ()
        for number, phrase in enumerate(planned.phrases):
            if (index, number) in unfit:
                phrases[number] = (blank(phrase, mode),)
        motifs.append(own)
        dealt.append(phrases)
    return motifs, dealt


def _returned(planned: SectionPlan, given: Sequence[Parts], theme: Sequence[Parts]) -> list[Parts]:
    """What the example gives to a return where the theme came whole, too; the rest is made after what the theme became.

    A variation is of one kind throughout, so that it is the example's or none.
    """
    back = brought_back(planned, theme)
    own = [number < len(theme) and _is_own(parts) and _is_own(theme[number]) for number, parts in enumerate(given)]
    if planned.role == "variation" and not all(own):
        return back
    return [parts if is_own else made for parts, is_own, made in zip(given, own, back, strict=True)]


def _is_own(parts: Parts) -> bool:
    return len(parts) == 1 and parts[0].melody is not None


def _source(planned: Sequence[SectionPlan], index: int, old: Sequence[SectionPlan]) -> int | None:
    """The example's section for a planned one: of the same role and turn, else its theme first, a contrast after it."""
    role = planned[index].role
    turn = sum(section.role == role for section in planned[:index])
    same = [at for at, section in enumerate(old) if section.role == role]
    if turn < len(same):
        return same[turn]
    if index == 0:
        return 0
    first = next((at for at, section in enumerate(planned) if section.role in _CONTRASTS), None)
    contrasts = [at for at, section in enumerate(old) if at and section.role in _CONTRASTS]
    return contrasts[0] if contrasts and index == first else None


def _prepared(piece: MusicStructure, index: int, form: FormPlan, mode: Mode) -> MusicStructure:
    """One section by itself, written out, in a mode and in the plan's meter and style, its motifs numbered."""
    own = heard_section(piece, index)
    tune = next((phrase.melody for phrase in own.phrases or () if phrase.melody), Motif(degrees=(1,), rhythm=(1,)))
    motifs = own.motifs or (_opening(tune, meter_of(piece.time_signature)),)
    names = {f"m{number + 1}" for number in range(len(motifs))}

    def numbered(_: int, phrase: Phrase) -> Phrase:
        use = phrase.motif or MotifUse(ref="m1")
        return phrase.model_copy(update={"motif": use if use.ref in names else use.model_copy(update={"ref": "m1"})})

    allowed = PROFILES[form.manner.period].families

    def in_style(_: int, phrase: Phrase) -> Phrase:
        figures = phrase.chords or ()
        return phrase.model_copy(update={"chords": tuple(_in_style(figure, mode, allowed) for figure in figures)})

    own = change_phrases(own, numbered).model_copy(update={"melody": SectionMelody(motifs=motifs)})
    solo = piece.model_copy(update={"key": own.key, "sections": (own,), "leitmotifs": None})
    if own.tonality.mode != mode:
        solo = with_key(solo, 0, own.tonality.parallel.name)
    solo = with_meter(solo, form.manner.meter.name, tempo=form.manner.tempo)
    return change_sections(solo, lambda _, section: change_phrases(section, in_style))


def _in_style(figure: str, mode: Mode, allowed: frozenset[str]) -> str:
    """The figure, or the plain triad on its degree where the period does not have it."""
    return figure if families_of(figure, mode) <= allowed else TRIADS[mode][parse_numeral(figure, mode).degree - 1]


def _given_motif(request: Request, section: Section) -> Motif:
    """The request's motif; the rhythm or the notes of the section's own theme for what it leaves open."""
    tune = (section.phrases or ())[0].melody or section.motifs[0]
    own = [(value, beats) for value, beats in zip(tune.degrees, tune.rhythm, strict=True) if value != 0]
    degrees = request.motif_seed or tuple(value for value, _ in own)
    rhythm = request.rhythm_seed or tuple(beats for _, beats in own)
    count = min(len(degrees), len(rhythm))
    return Motif(degrees=degrees[:count], rhythm=rhythm[:count])
