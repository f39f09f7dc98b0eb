"""What a model is told: the contract, examples as questions and answers, the request, the plan to its last phrase."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.checks import PROFILES, check
from workbench.core.checks.profiles import families_of
from workbench.core.compose import FormPlan, compose, plan
from workbench.core.errors import TemplateError
from workbench.core.generate import sanitize
from workbench.core.generate.prompt import (
    MAX_FINDINGS,
    MAX_QUOTED,
    Prompt,
    ask_again,
    ask_editor,
    build_prompt,
    finding_values,
    style_chords,
    values_for,
)
from workbench.core.generate.providers.calls import Message
from workbench.core.generate.templates import Template, built_in, find_template
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import load_examples
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.reading import read_request
from workbench.core.music.request import Request

TEMPLATE = find_template("default", built_in())
EXAMPLES = load_examples()
ASKED = Request(id="first", seed=7, valence=-0.4, arousal=0.7, form="rondo", period="romantic", key="f minor")
FINDING = {
    "measure": 3,
    "message": "The half cadence is not reached.",
    "hint": "End on V.",
    "check": "cadence.realized",
}


def planned(request: Request) -> FormPlan:
    return plan(request, seed=0)


def prompt_for(request: Request, template: Template = TEMPLATE, **more: Any) -> Prompt:
    return build_prompt(request, planned(request), template, **more)


def last(prompt: Prompt) -> str:
    message = prompt.messages[-1]
    assert message.role == "user"
    return message.content


def request_lines(text: str) -> list[Request]:
    return [read_request(found) for found in re.findall(r"^Request: (\{.*\})\s*$", text, re.MULTILINE)]


def with_part(**parts: str) -> Template:
    return replace(TEMPLATE, parts={**TEMPLATE.parts, **parts})


# The conversation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(4))
def test_system_then_pairs_of_examples_then_the_question(count: int) -> None:
    prompt = prompt_for(ASKED, examples=EXAMPLES[:count])
    roles = [message.role for message in prompt.messages]
    assert roles == ["system", *["user", "assistant"] * count, "user"]
    assert prompt.examples == tuple(example.id for example in EXAMPLES[:count])
    assert prompt.template == "default@1"
    assert all(message.content.strip() for message in prompt.messages)


def test_the_same_request_gives_the_same_prompt() -> None:
    assert prompt_for(ASKED, examples=EXAMPLES) == prompt_for(ASKED, examples=EXAMPLES)


def test_the_word_json_is_in_it_as_some_endpoints_demand() -> None:
    assert "JSON" in prompt_for(Request()).messages[0].content


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_is_a_question_and_its_answer(example: Any) -> None:
    _, question, answer, _ = prompt_for(ASKED, examples=[example]).messages
    assert answer.content == wire_text(example.structure)
    assert sanitize(answer.content).valid_before_repair
    (asked,) = request_lines(question.content)
    assert asked == example.request.model_copy(update={"id": None, "seed": None})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_an_example_s_plan_is_that_of_its_piece(example: Any) -> None:
    question = prompt_for(ASKED, examples=[example]).messages[1].content
    piece = example.structure
    assert f"{piece.form} in {piece.key}, {piece.time_signature}" in question
    assert f"tempo {piece.tempo:g}" in question
    assert f"{piece.measures} bars." in question
    lines = re.findall(
        r"^\d+\. (.+) \((.+?)\): (.+?), (\d+) bars, (.+?), (\w+)\. Phrases: (.+)\.$", question, re.MULTILINE
    )
    assert len(lines) == len(piece.sections)
    for (name, _, key, measures, _, dynamics, phrases), section in zip(lines, piece.sections, strict=True):
        assert (name, key, int(measures)) == (section.name, section.key, section.measures)
        assert section.dynamics in {None, dynamics}
        assert [int(bars) for bars in re.findall(r" (\d+) bars", phrases)] == [
            each.measures for each in section.phrases
        ]


def test_what_is_shown_as_an_answer_follows_its_plan_without_an_error() -> None:
    for example in EXAMPLES:
        shown = sanitize(wire_text(example.structure)).structure
        report = check(shown, request=example.request, profile=shown.period or "classical")
        assert not report.counts["error"], example.id


# The request --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        ASKED,
        Request(),
        Request(brief="雨の日の、静かなワルツ。「窓辺」", theme="窓"),
        Request(brief="{{ 7*7 }} {% for a in b %} {# x #}", motif_tags=("{{ mood }}",)),
        Request(brief='She said "now"\nand\tleft \\ \u2028 the room'),
        Request(motif_seed=(1, "#4", -1), rhythm_seed=(1, 0.5, 1.5), instrumentation="piano", duration=200),
        Request.model_validate({"section_plan": [{"name": "A", "measures": 8}, {"name": "B", "key": "g minor"}]}),
        Request(emotional_arc=[{"time": 0, "label": "calm"}, {"time": 1, "label": "élan"}]),
    ],
    ids=lambda request: (request.brief or request.to_json())[:20],
)
def test_the_request_s_line_reads_back(request_: Request) -> None:
    (read,) = request_lines(last(prompt_for(request_)))
    assert read == request_.model_copy(update={"id": None, "seed": None})


def test_what_only_names_a_request_is_not_told() -> None:
    text = last(prompt_for(ASKED))
    assert '"id"' not in text
    assert '"seed"' not in text
    assert text == last(prompt_for(ASKED.model_copy(update={"id": "second", "seed": 8})))


def test_a_brief_in_japanese_is_told_as_it_is() -> None:
    brief = "雨の日の、静かなワルツ。"
    assert f"In their own words: {brief}" in last(prompt_for(Request(brief=brief)))
    assert "In their own words" not in last(prompt_for(Request()))


@pytest.mark.parametrize(
    "brief",
    [
        "{{ 7*7 }}",
        "{% for a in range(9) %}x{% endfor %}",
        "{{ plan.__class__ }}",
        "{#",
        "{{",
        "%}{{ kept }}",
        "{% raw %}",
    ],
)
def test_a_template_inside_a_brief_is_data(brief: str) -> None:
    text = last(prompt_for(Request(brief=brief)))
    assert f"In their own words: {brief}" in text
    assert "49" not in text


@given(st.text(max_size=120))
def test_any_brief_is_told_and_reads_back(brief: str) -> None:
    request = Request(brief=brief, duration=30)
    text = last(prompt_for(request))
    assert request_lines(text)[0] == request
    assert brief.strip() in text


def test_the_mood_is_told_in_a_word_and_in_numbers() -> None:
    assert re.search(r"^Mood: [a-z -]+ \(valence -0.4, arousal 0.7\)\.$", last(prompt_for(ASKED)), re.MULTILINE)


# The plan -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORM_IDS)
@pytest.mark.parametrize("meter", ["4/4", "6/8"])
def test_every_section_and_every_phrase_is_named(form: str, meter: str) -> None:
    request = Request(form=form, time_signature=meter, duration=80)
    own, text = planned(request), last(prompt_for(request))
    bars = "4" if meter == "4/4" else "3"
    assert f"The plan: {form} in {own.manner.key.name}, {meter} ({bars} quarters a bar)" in text
    assert f"{own.measures} bars." in text
    lines = text.splitlines()
    for number, section in enumerate(own.sections, 1):
        (line,) = (each for each in lines if each.startswith(f"{number}. "))
        head, _, phrases = line.partition(" Phrases: ")
        assert head == (
            f"{number}. {section.name} ({section.role}): {section.key.name}, {section.measures} bars, "
            f"{section.texture}, {section.dynamics}."
        )
        said = phrases.removesuffix(".").split("; ")
        assert len(said) == len(section.phrases)
        for words, phrase in zip(said, section.phrases, strict=True):
            assert words.startswith(f"{phrase.label} {phrase.role} {phrase.measures} bars ")
            assert (phrase.cadence or "no cadence") in words
            assert phrase.motif in words
            assert (phrase.transformation or "") in words
    assert not any(line.startswith(f"{len(own.sections) + 1}. ") for line in lines)


def test_a_bar_of_nine_eight_is_four_and_a_half_quarters() -> None:
    assert "(4.5 quarters a bar)" in last(prompt_for(Request(time_signature="9/8")))


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_the_chords_in_style_are_allowed_by_the_period(period: str, mode: Any) -> None:
    chords = style_chords(period, mode)
    assert len(chords) == len(set(chords))
    assert len(chords) >= 15
    for figure in chords:
        assert families_of(figure, mode) <= PROFILES[period].families
    assert {"I", "ii6", "IV", "V", "V7", "vi"} <= set(chords) or {"i", "iio6", "iv", "V", "V7", "VI"} <= set(chords)


def test_the_product_s_own_profile_allows_triads_alone() -> None:
    assert style_chords("airia", "major") == ("I", "ii", "iii", "IV", "V", "vi")


def test_styles_differ_where_their_music_does() -> None:
    classical, romantic, modern = (set(style_chords(period, "major")) for period in ("classical", "romantic", "modern"))
    assert "Imaj7" in modern
    assert classical < modern
    assert classical <= romantic <= modern


@pytest.mark.parametrize(("key", "form"), [("C major", "ABA"), ("c minor", "sonata"), ("a minor", "binary")])
def test_chords_are_told_for_the_modes_that_the_plan_has(key: str, form: str) -> None:
    request = Request(form=form, period="classical", key=key, duration=90)
    modes = dict.fromkeys(section.key.mode for section in planned(request).sections)
    told = re.findall(r"^Chords in style, (\w+): (.+)$", last(prompt_for(request)), re.MULTILINE)
    assert told == [(mode, " ".join(style_chords("classical", mode))) for mode in modes]


# What is kept -------------------------------------------------------------------------------------------------------

KEPT = '[{"section":2,"name":"B","chordProgression":["i","V"]}]'


def test_what_is_kept_is_told_where_something_is() -> None:
    assert f"Keep exactly as they are, and write the rest to go with them: {KEPT}" in last(prompt_for(ASKED, kept=KEPT))
    assert "Keep exactly" not in last(prompt_for(ASKED))


def test_an_example_keeps_nothing() -> None:
    prompt = prompt_for(ASKED, kept=KEPT, examples=EXAMPLES[:2])
    assert [KEPT in message.content for message in prompt.messages] == [False] * 5 + [True]


# Asking again -------------------------------------------------------------------------------------------------------


def again(
    answer: str, findings: list[dict[str, Any]], template: Template = TEMPLATE, **more: Any
) -> tuple[Message, ...]:
    return ask_again(prompt_for(ASKED), answer, findings, ASKED, planned(ASKED), template, **more)


def test_asking_again_quotes_the_answer_and_lists_what_is_wrong() -> None:
    answer = '{"key":"f minor","sections":[]}'
    without = FINDING | {"measure": None, "message": "It has no sections.", "hint": "Write them."}
    messages = again(answer, [FINDING, without])
    assert messages[:-2] == prompt_for(ASKED).messages
    assert messages[-2] == Message("assistant", answer)
    assert messages[-1].role == "user"
    assert (
        "\n- bar 3: The half cadence is not reached. End on V.\n- It has no sections. Write them.\n"
        in messages[-1].content
    )


@pytest.mark.parametrize("answer", ["", " \n "])
def test_an_empty_answer_is_not_quoted(answer: str) -> None:
    assert [message.role for message in again(answer, [FINDING])] == ["system", "user", "user"]


def test_an_endless_answer_is_quoted_in_part() -> None:
    quoted = again("x" * 500_000, [FINDING])[-2].content
    assert len(quoted) <= MAX_QUOTED + 2
    assert quoted.endswith("…")


def test_many_findings_are_told_in_part() -> None:
    findings = [FINDING | {"measure": number} for number in range(1, 500)]
    text = again("{}", findings)[-1].content
    assert text.count("\n- bar ") == MAX_FINDINGS
    assert "- bar 1:" in text


def test_findings_are_data() -> None:
    text = again("{{ 7*7 }}", [FINDING | {"message": "{{ 7*7 }} {% if %}"}])
    assert text[-2].content == "{{ 7*7 }}"
    assert "bar 3: {{ 7*7 }} {% if %} End on V." in text[-1].content


def test_findings_of_a_check_are_told_as_they_are() -> None:
    wrong = compose(ASKED, seed=1).model_copy(update={"key": "D major", "form": "sonata"})
    found = [finding_values(finding) for finding in check(wrong, request=ASKED, plan=planned(ASKED)).findings]
    assert found
    text = again("{}", found)[-1].content
    for finding in found[:MAX_FINDINGS]:
        assert f"{finding['message']} {finding['hint']}" in text


# The editor ---------------------------------------------------------------------------------------------------------

DRAFT = wire_text(compose(ASKED, seed=1))


def edited(findings: list[dict[str, Any]], **more: Any) -> tuple[Message, ...]:
    return ask_editor(ASKED, planned(ASKED), DRAFT, findings, TEMPLATE, **more)


def test_the_editor_gets_the_contract_the_question_and_the_draft() -> None:
    system, question = edited([FINDING])
    assert system == prompt_for(ASKED).messages[0]
    assert question.role == "user"
    assert question.content.startswith(last(prompt_for(ASKED)))
    assert f"The draft: {DRAFT}" in question.content
    assert "- bar 3: The half cadence is not reached. End on V." in question.content
    assert len(request_lines(question.content)) == 1


def test_the_editor_hears_of_no_findings_where_there_are_none() -> None:
    assert "Noted so far" in edited([FINDING])[1].content
    assert "Noted so far" not in edited([])[1].content


def test_the_editor_keeps_what_is_kept() -> None:
    assert KEPT in edited([], kept=KEPT)[1].content


# Templates of one's own ---------------------------------------------------------------------------------------------


def test_every_part_may_name_the_common_values() -> None:
    source = (
        "{{ request.valence }}|{{ request_json }}|{{ mood }}|{{ plan.form }}|{{ bar_quarters }}|{{ chords[0].mode }}|"
        "{{ profile }}|{{ kept }}"
    )
    template = with_part(**dict.fromkeys(TEMPLATE.parts, source))
    form = planned(ASKED)
    values = values_for(ASKED, form, KEPT)
    wanted = f"-0.4|{values['request_json']}|{values['mood']}|rondo|{values['bar_quarters']}|"
    prompt = build_prompt(ASKED, form, template, examples=EXAMPLES[:1], kept=KEPT)
    assert prompt.messages[0].content.startswith(wanted)
    assert last(prompt).startswith(wanted)
    messages = [
        *prompt.messages[:1],
        *ask_again(prompt, "{}", [], ASKED, form, template, kept=KEPT)[-1:],
        *ask_editor(ASKED, form, "{}", [], template, kept=KEPT),
    ]
    assert all(message.content.endswith(f"|romantic|{KEPT}") for message in messages)


@pytest.mark.parametrize("part", ["system", "request", "plan", "example"])
def test_a_part_that_cannot_be_filled_is_named(part: str) -> None:
    template = with_part(**{part: "{{ findings }}"})
    with pytest.raises(TemplateError) as caught:
        prompt_for(ASKED, template, examples=EXAMPLES[:1])
    assert caught.value.field == part
    assert "'findings' is undefined" in caught.value.message


def test_the_parts_of_asking_are_named_too() -> None:
    template = with_part(retry="{{ draft }}", editor="{{ example }}")
    with pytest.raises(TemplateError) as caught:
        again("{}", [], template)
    assert caught.value.field == "retry"
    with pytest.raises(TemplateError) as caught:
        ask_editor(ASKED, planned(ASKED), "{}", [], template)
    assert caught.value.field == "editor"


def test_what_a_template_is_given_is_plain_json() -> None:
    values = values_for(ASKED, planned(ASKED), KEPT)
    assert json.loads(json.dumps(values)) == values
