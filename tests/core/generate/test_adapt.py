"""The nearest example becomes the piece that was asked for: valid at the first try, under the plan, its theme known."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any, NamedTuple

import pytest

from workbench.core.checks import Report, check
from workbench.core.compose import FormPlan, compose, plan, realize
from workbench.core.generate.generation import Generation, GenerationSettings, Kept, Watch, Workshop
from workbench.core.generate.judging import Judge
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import Answer, Call, Providers, all_providers
from workbench.core.generate.providers.adapt import Adapt, adapted, may_be_adapted
from workbench.core.generate.rollout import RULES, Attempt, attempts
from workbench.core.generate.templates import all_templates
from workbench.core.generate.trace import Trace
from workbench.core.library.examples import Example, load_examples
from workbench.core.library.likeness import tune_likeness
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.request import Request, SectionRequest
from workbench.core.music.structure import Humanize, Motif, MusicStructure, section_measures
from workbench.core.settings import Settings

SHIPPED = load_examples()
DURATIONS = (20, 30, 45, 60, 90, 120, 180, 300)
ADAPT = Adapt()


class Made(NamedTuple):
    request: Request
    form: FormPlan
    structure: MusicStructure
    example: Example | None
    report: Report | None
    first_try: bool
    seconds: float


def answered(request: Request, adapt: Adapt = ADAPT) -> tuple[FormPlan, Answer]:
    form = plan(request)
    return form, asyncio.run(adapt.answer(Call((), None, request, form), lambda _: None))


@cache
def made(text: str) -> Made:
    """What comes of a request, judged as the pipeline judges it."""
    request = Request.model_validate_json(text)
    form, answer = answered(request)
    judge = Judge(request, None, Trace(perf_counter), seed=request.seed or 0)
    piece, _ = judge.read(answer.text, answer.finish)
    id = answer.notes[0].split(": ")[0].split()[-1]
    example = next((each for each in SHIPPED if each.id == id), None)
    structure = MusicStructure.model_validate_json(answer.text)
    first_try = piece is not None and not piece.repairs and not piece.mended
    return Made(request, form, structure, example, piece and piece.report, first_try, answer.seconds)


def make(**asked: Any) -> Made:
    return made(Request(**asked).to_json())


@cache
def many(form: str, period: str) -> tuple[Made, ...]:
    """Requests of all lengths for a form in a period, with keys, meters, moods and seeds as they come."""
    rng = random.Random(f"{form}/{period}")
    result = []
    for duration in DURATIONS:
        asked: dict[str, Any] = {"form": form, "period": period, "duration": duration, "seed": rng.randrange(10**6)}
        asked |= {"valence": round(rng.uniform(-1, 1), 2), "arousal": round(rng.random(), 2)}
        asked |= {"key": rng.choice(ALL_KEYS).name} if rng.random() < 0.6 else {}
        asked |= {"time_signature": rng.choice(TIME_SIGNATURES)} if rng.random() < 0.6 else {}
        asked |= {"tempo": rng.choice((50, 80, 112, 160))} if rng.random() < 0.2 else {}
        result.append(make(**asked))
    return tuple(result)


def theme_of(structure: MusicStructure) -> Motif:
    phrase = (structure.sections[0].phrases or ())[0]
    assert phrase.melody is not None
    return phrase.melody


def known(each: Made) -> float:
    """How much of the example's theme is heard in the first phrase."""
    assert each.example is not None
    return tune_likeness(theme_of(each.example.structure), theme_of(each.structure))


every_kind = [pytest.mark.parametrize("form", FORM_IDS), pytest.mark.parametrize("period", PERIODS)]


def for_every_kind(test: Any) -> Any:
    for mark in every_kind:
        test = mark(test)
    return test


# Valid, and as planned


@for_every_kind
def test_every_answer_is_a_valid_piece_at_the_first_try(form: str, period: str) -> None:
    for each in many(form, period):
        assert each.report is not None, each.request
        assert each.report.valid
        assert each.first_try, each.request
        realize(each.structure)


@for_every_kind
def test_the_plan_is_obeyed(form: str, period: str) -> None:
    for each in many(form, period):
        planned, piece = each.form, each.structure
        manner = planned.manner
        assert (piece.form, piece.period, piece.key) == (form, period, manner.key.name)
        assert (piece.tempo, piece.time_signature) == (manner.tempo, manner.meter.name)
        assert [
            (section.name, section.role, section.tonality, section_measures(section)) for section in piece.sections
        ] == [(section.name, section.role, section.key, section.measures) for section in planned.sections]
        assert [[phrase.measures for phrase in section.phrases or ()] for section in piece.sections] == [
            [phrase.measures for phrase in section.phrases] for section in planned.sections
        ]
        found = check(piece, request=each.request, plan=planned, profile=period).findings
        assert not [finding for finding in found if finding.check.startswith("fit.plan")]


@for_every_kind
def test_every_phrase_has_its_chords_and_its_tune(form: str, period: str) -> None:
    for each in many(form, period):
        for section in each.structure.sections:
            assert section.motifs
            for phrase in section.phrases or ():
                assert phrase.melody is not None
                assert phrase.chords
                assert len(phrase.chords) == len(phrase.chord_beats or ())


def test_pieces_are_hardly_worse_than_those_of_the_rules() -> None:
    adapted, ruled = 0, 0
    pieces = [each for form in FORM_IDS for period in PERIODS for each in many(form, period)[2:5]]
    for each in pieces:
        assert each.report is not None
        adapted += each.report.counts["warning"]
        ruled += check(
            compose(each.request), request=each.request, plan=each.form, profile=each.form.manner.period
        ).counts["warning"]
    assert adapted / len(pieces) < ruled / len(pieces) + 0.5


# The example in it


def test_the_theme_is_known_again_where_the_first_phrase_has_room_for_it() -> None:
    pieces = [each for form in FORM_IDS for period in PERIODS for each in many(form, period)]
    every = [known(each) for each in pieces]
    assert sum(value >= 0.6 for value in every) >= 0.75 * len(every)
    roomy = [
        value
        for value, each in zip(every, pieces, strict=True)
        if len(each.form.sections[0].phrases) > 1 and each.form.sections[0].phrases[0].measures >= 4
    ]
    assert len(roomy) > len(pieces) / 3
    assert sum(value >= 0.6 for value in roomy) >= 0.9 * len(roomy)


@pytest.mark.parametrize("example", [each for each in SHIPPED if may_be_adapted(each)], ids=lambda each: each.id)
def test_an_example_asked_for_as_it_is_comes_back_as_it_is(example: Example) -> None:
    piece = example.structure
    request = example.request.model_copy(
        update={"key": piece.key, "time_signature": piece.time_signature, "tempo": piece.tempo}
    )
    form = plan(request)
    again = adapted(example, form, request)
    assert check(again, request=request, plan=form, profile=form.manner.period).valid
    first = form.sections[0].phrases[0].measures
    if first == (piece.sections[0].phrases or ())[0].measures and len(form.sections[0].phrases) > 1:
        assert theme_of(again) == theme_of(piece)


@pytest.mark.parametrize("key", [key.name for key in ALL_KEYS])
def test_every_key_can_be_asked_for(key: str) -> None:
    each = make(form="ABA", period="romantic", duration=60, key=key, seed=4)
    assert each.structure.key == key
    assert each.first_try


@pytest.mark.parametrize("meter", TIME_SIGNATURES)
@pytest.mark.parametrize("form", ["ABA", "rondo", "minuet-trio"])
def test_every_meter_can_be_asked_for(form: str, meter: str) -> None:
    each = make(form=form, period="classical", duration=60, time_signature=meter, seed=4)
    assert each.structure.time_signature == meter
    assert each.first_try


def test_the_key_of_the_other_mode_turns_the_example_into_it() -> None:
    hunt = next(example for example in SHIPPED if example.id == "rondo-classical-hunt")
    request = Request(form="rondo", period="classical", key="d minor", time_signature="6/8", duration=60, seed=1)
    piece = adapted(hunt, plan(request), request)
    assert piece.sections[0].key == "d minor"
    assert "i" in piece.sections[0].chord_progression
    assert tune_likeness(theme_of(hunt.structure), theme_of(piece)) >= 0.6


def test_what_returns_begins_like_its_theme() -> None:
    pieces = [each for form in FORM_IDS for period in PERIODS for each in many(form, period)]
    odd = [
        each
        for each in pieces
        if each.report and "form.return-recognizable" in {finding.check for finding in each.report.findings}
    ]
    assert len(odd) <= 0.03 * len(pieces)


# What else was asked


def test_a_motif_that_is_given_becomes_the_theme() -> None:
    seed = (5, 6, 5, 3, 1)
    for form in FORM_IDS:
        each = make(
            form=form, period="classical", duration=60, motif_seed=seed, rhythm_seed=(1, 0.5, 0.5, 1, 1), seed=2
        )
        assert each.first_try
        degrees = theme_of(each.structure).degrees
        assert degrees[:5] == seed, form
        assert each.report is not None
        assert "fit.motif-seed" not in {finding.check for finding in each.report.findings}


def test_notes_alone_or_a_rhythm_alone_can_be_given() -> None:
    notes = make(form="ABA", period="classical", duration=60, motif_seed=(1, 2, 3, 5), seed=2)
    rhythm = make(form="ABA", period="classical", duration=60, rhythm_seed=(0.5, 0.5, 1, 1, 1), seed=2,
                  time_signature="4/4")  # fmt: skip
    assert notes.first_try
    assert theme_of(notes.structure).degrees[:4] == (1, 2, 3, 5)
    assert rhythm.first_try
    assert theme_of(rhythm.structure).rhythm[:5] == (0.5, 0.5, 1, 1, 1)


def test_tempo_players_and_manner_are_those_asked_for() -> None:
    manner = Humanize(rubato="none", velocity_curve="flat", peak_boost=0.1, phrase_end_softness=0.1)
    each = make(
        form="ABA", period="romantic", duration=60, tempo=72, instrumentation="cello and piano", humanize=manner, seed=1
    )
    assert each.structure.tempo == 72
    assert each.structure.instrumentation == "cello and piano"
    assert each.structure.humanize == manner


def test_players_that_nobody_asks_for_are_the_example_s() -> None:
    each = make(form="ABA", period="romantic", duration=60, seed=1)
    assert each.example is not None
    assert each.structure.instrumentation == each.example.structure.instrumentation


def test_tags_are_tied_to_the_theme() -> None:
    each = make(form="ABA", period="romantic", duration=60, motif_tags=["hope", "sea"], seed=1)
    assert [leitmotif.tag for leitmotif in each.structure.leitmotifs or ()] == ["hope", "sea"]
    assert each.first_try


def test_sections_by_name_are_made_as_they_are_asked_for() -> None:
    wish = (SectionRequest(name="Dawn", measures=8), SectionRequest(name="Hunt", key="G major", measures=12))
    each = make(
        form="ABA", period="classical", section_plan=(*wish, SectionRequest(name="Dawn 2")), duration=60, seed=1
    )
    assert [section.name for section in each.structure.sections] == ["Dawn", "Hunt", "Dawn 2"]
    assert each.report is not None
    assert each.report.valid


def test_a_form_of_no_example_is_still_made() -> None:
    form = plan(Request(form="fugue", period="baroque", duration=60, seed=1))
    example = SHIPPED[0]
    piece = adapted(example, form, Request(form="fugue", period="baroque", duration=60, seed=1))
    assert check(piece, plan=form, profile="baroque").valid


def test_the_piece_says_what_it_was_made_of() -> None:
    each = make(form="ABA", period="romantic", duration=60, seed=1)
    assert each.example is not None
    assert each.example.id in (each.structure.reasoning or "")
    assert each.structure.title == f"After “{each.example.structure.title}”"


# Always the same, and at once


def test_the_same_request_and_seed_give_the_same_piece() -> None:
    request = Request(form="sonata", period="classical", duration=90, seed=11)
    assert answered(request)[1].text == answered(request, Adapt())[1].text
    assert answered(request)[1].text != answered(request.model_copy(update={"seed": 12}))[1].text


def test_it_takes_less_than_the_time_of_a_breath() -> None:
    pieces = [
        each for form in FORM_IDS for period in PERIODS for each in many(form, period) if each.request.duration <= 120
    ]
    times = sorted(each.seconds for each in pieces)
    assert times[len(times) // 2] < 0.15


# Which examples


def without_rights(example: Example, **changes: Any) -> Example:
    return replace(example, rights={**example.rights, **changes})


@pytest.mark.parametrize("changes", [{"training": False}, {"layers": []}, {"layers": "all"}, {"more": 1}])
def test_only_what_anybody_may_use_is_adapted(changes: dict[str, Any]) -> None:
    assert may_be_adapted(SHIPPED[0])
    assert not may_be_adapted(without_rights(SHIPPED[0], **changes))


def test_a_licence_against_products_keeps_an_example_out() -> None:
    layers = [{**layer, "licence": "CC-BY-NC-SA-4.0"} for layer in SHIPPED[0].rights["layers"]]
    assert not may_be_adapted(without_rights(SHIPPED[0], layers=layers))


def test_without_an_example_the_rules_compose() -> None:
    request = Request(form="ABA", duration=30, seed=3)
    form, answer = answered(request, Adapt(lambda: [without_rights(SHIPPED[0], training=False)]))
    assert answer.notes == ("composed by rule: no example may be adapted",)
    assert MusicStructure.model_validate_json(answer.text) == compose(request)
    assert form.form == "ABA"


def test_a_library_that_has_grown_is_noticed() -> None:
    libraries: list[Sequence[Example]] = [SHIPPED[:1], SHIPPED[1:2]]
    adapt = Adapt(lambda: libraries[0])
    request = Request(form="ABA", duration=30, seed=3)
    assert SHIPPED[0].id in answered(request, adapt)[1].notes[0]
    libraries.pop(0)
    assert SHIPPED[1].id in answered(request, adapt)[1].notes[0]


def test_an_example_without_written_tunes_is_heard_first() -> None:
    plain = SHIPPED[0].structure.to_dict()
    for section in plain["sections"]:
        section.pop("phrases")
    example = replace(SHIPPED[0], structure=MusicStructure.model_validate(plain))
    request = Request(form=example.structure.form, period=example.structure.period, duration=60, seed=3)
    form = plan(request)
    assert check(adapted(example, form, request), request=request, plan=form, profile=form.manner.period).valid


def test_an_example_that_cannot_be_read_gives_its_place_to_the_rules() -> None:
    data = json.loads(json.dumps(SHIPPED[0].structure.to_dict()).replace('"IV"', '"H"'))
    example = replace(SHIPPED[0], structure=MusicStructure.model_validate(data))
    request = Request(form="ABA", duration=30, seed=3)
    form = plan(request)
    assert check(adapted(example, form, request), request=request, plan=form).valid


# In the pipeline


class Listening(Watch):
    def __init__(self) -> None:
        self.phases: list[str] = []
        self.texts: list[str] = []

    def phase(self, words: str) -> None:
        self.phases.append(words)

    def text(self, piece: str) -> None:
        self.texts.append(piece)


def generated(request: Request, *, kept: Kept | None = None, watch: Watch | None = None, **how: Any) -> Generation:
    settings = Settings.model_validate({})
    workshop = Workshop(settings, Providers(settings), all_templates)
    asked = GenerationSettings(provider="adapt", **how)
    return asyncio.run(generate(request, asked, workshop, kept=kept, watch=watch))


def test_the_provider_is_registered_and_needs_no_model() -> None:
    entry = next(entry for entry in all_providers() if entry.name == "adapt")
    assert entry.meaning.endswith(".")
    assert entry.make(Settings.model_validate({})).needs_model is False
    assert asyncio.run(ADAPT.models()) == ()


def test_it_can_be_chosen_and_the_rules_stand_behind() -> None:
    line, why = attempts(Settings.model_validate({}), Request(), provider="adapt")
    assert line == (Attempt("adapt"), RULES)
    assert why == "adapting an example was chosen"
    assert attempts(Settings.model_validate({"WORKBENCH_PROVIDER": "adapt"}), Request())[0][0].provider == "adapt"


def test_a_generation_is_valid_at_the_first_try_without_a_prompt() -> None:
    watch = Listening()
    generation = generated(Request(form="rondo", period="classical", duration=60), watch=watch, seed=5, editor=True)
    assert (generation.outcome, generation.provider, generation.model) == ("first-try", "adapt", None)
    assert generation.template is None
    assert [step.kind for step in generation.trace] == [
        "plan",
        "rollout",
        "call",
        "sanitize",
        "refine",
        "check",
        "outcome",
    ]
    assert (generation.calls, generation.cost, generation.tokens.into) == (0, 0.0, 0)
    assert "An example is adapted" in watch.phases
    assert "".join(watch.texts).startswith("{")


def test_the_trace_says_what_was_adapted() -> None:
    generation = generated(Request(form="rondo", period="classical", duration=60), seed=5)
    call = next(step for step in generation.trace if step.kind == "call")
    assert call.to_dict()["notes"][0].startswith("adapted from rondo-classical-")


def test_generations_with_a_seed_are_the_same() -> None:
    request = Request(form="binary", period="baroque", duration=45)
    assert generated(request, seed=8).structure == generated(request, seed=8).structure


def test_what_is_locked_stays() -> None:
    base = compose(Request(form="ABA", period="classical", duration=60, seed=1))
    generation = generated(Request(form="ABA", period="classical"), kept=Kept(base, frozenset({(0, None)})), seed=2)
    assert generation.structure.sections[0].phrases == base.sections[0].phrases
    assert generation.structure != base
    assert generation.report.valid


def test_a_request_that_contradicts_itself_still_ends_in_a_piece() -> None:
    wish = tuple(SectionRequest(name=f"Part {n}", key=key, measures=2) for n, key in enumerate(("F# major", "c minor")))
    generation = generated(Request(form="ABA", key="C major", duration=20, section_plan=wish), seed=1)
    assert generation.report.valid
