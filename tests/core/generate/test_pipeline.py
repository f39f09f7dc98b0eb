"""A request always ends in a valid piece, and the trace says how."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from loopback import (
    ContentFilter,
    Cut,
    EchoModel,
    Empty,
    Hang,
    Leaky,
    LengthStop,
    Loopback,
    Malformed,
    NotMusic,
    Refuse,
    Say,
    Status,
    WrongModel,
    WrongPiece,
    at_random,
    every_failure,
)
from studio import SHORT, TUNED, Studio, settings_of, studio

from workbench.core.checks import check
from workbench.core.compose import compose, realize
from workbench.core.errors import InvalidInputError, TemplateError
from workbench.core.generate.generation import Generation, Kept, Workshop, lock_set, settings_for
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import Providers
from workbench.core.generate.rollout import Circuits
from workbench.core.generate.templates import Template, all_templates
from workbench.core.generate.wire import wire_text
from workbench.core.library.tuned import Rollout, Served, Taught
from workbench.core.music.request import Request, SectionRequest

OUTCOMES = {"first-try", "repaired", "re-asked", "fell-back"}


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture(scope="module")
def shared(server: Loopback) -> Iterator[Studio]:
    with studio(server) as made:
        yield made


@pytest.fixture
def at(shared: Studio) -> Studio:
    shared.server.forget()
    return shared.fresh()


def texts_of(generation: Generation) -> str:
    """Everything that is kept or shown of a generation."""
    return json.dumps(
        [generation.to_dict(), [step.to_dict() for step in generation.trace], generation.settings.to_dict()],
        ensure_ascii=False,
    )


def held(generation: Generation) -> Generation:
    """Every promise about any generation."""
    assert generation.report.valid, generation.report.findings[:3]
    assert generation.outcome in OUTCOMES
    realize(generation.structure)
    profile = generation.structure.period or "classical"
    assert check(generation.structure, request=generation.request, profile=profile).valid
    kinds = [step.kind for step in generation.trace]
    assert kinds[0] == "plan"
    assert kinds[-1] == "outcome"
    text = texts_of(generation)
    assert TUNED not in text
    assert "sk-loop" not in text
    return generation


def test_a_good_answer_is_taken_at_the_first_try(at: Studio) -> None:
    made = held(at.make())
    assert (made.outcome, made.provider, made.variant, made.model) == ("first-try", "openai", "base", "loop-large")
    assert made.repairs == ()
    assert made.tokens.exact
    assert made.tokens.into > 500
    assert [step.kind for step in made.trace] == [
        "plan", "rollout", "examples", "prompt", "call", "sanitize", "refine", "check", "outcome",
    ]  # fmt: skip


def test_the_model_is_asked_with_schema_plan_examples_and_brief(at: Studio) -> None:
    at.make(temperature=0.5)
    body = at.server.seen[-1].body
    assert body is not None
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["temperature"] == 0.5
    assert body["seed"] == 3
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "A walk in the snow" in body["messages"][-1]["content"]
    assert "bars" in body["messages"][-1]["content"]


def test_without_examples_the_prompt_shows_none(at: Studio) -> None:
    made = held(at.make(examples=0))
    assert len(at.server.seen[-1].body["messages"]) == 2  # type: ignore[index]
    assert "examples" not in [step.kind for step in made.trace]


def test_a_broken_answer_is_repaired_and_the_repairs_are_told(at: Studio) -> None:
    at.server.queue(Malformed())
    made = held(at.make())
    assert made.outcome == "repaired"
    assert made.repairs
    assert made.calls == 1


@pytest.mark.parametrize(
    "failure", [Refuse("No."), ContentFilter(), Empty(), LengthStop(0.5), NotMusic(), WrongPiece(), Cut(0.5)]
)
def test_a_useless_answer_is_asked_for_again(at: Studio, failure: Any) -> None:
    at.server.queue(failure)
    made = held(at.make())
    assert made.outcome == "re-asked"
    assert made.calls == 2


def test_the_second_question_names_what_was_wrong_with_the_first_answer(at: Studio) -> None:
    at.server.queue(WrongPiece())
    at.make()
    messages = at.server.seen[-1].body["messages"]  # type: ignore[index]
    assert messages[-2]["role"] == "assistant"
    assert "planned" in messages[-1]["content"] or "asked for" in messages[-1]["content"]


def test_a_model_that_never_obeys_gives_way_to_the_rules(at: Studio) -> None:
    at.server.queue(*[WrongPiece()] * 3)
    made = held(at.make(reasks=2))
    assert (made.outcome, made.provider, made.model) == ("fell-back", "rules", None)
    assert made.calls == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404])
def test_an_endpoint_that_refuses_is_not_asked_again(at: Studio, code: int) -> None:
    at.server.queue(Status(code))
    made = held(at.make())
    assert made.outcome == "fell-back"
    assert made.calls == 1
    call = next(step for step in made.trace if step.kind == "call")
    assert call.data["error"]["kind"] == f"http-{code}"
    assert call.data["error"]["hint"]


def test_a_busy_endpoint_is_waited_for_as_it_says(at: Studio) -> None:
    at.server.queue(Status(429, retry_after=0.05), Status(429, retry_after=0.05))
    made = held(at.make())
    assert made.outcome == "first-try"
    call = next(step for step in made.trace if step.kind == "call")
    assert call.data["notes"] == ["tried again 2 times"]


def test_an_endpoint_that_hangs_is_left_in_time(at: Studio) -> None:
    at.server.queue(Hang(30), Hang(30), Hang(30))
    made = held(at.make(timeout=0.6))
    assert made.outcome == "fell-back"
    assert made.seconds < 5
    assert "timeout" in texts_of(made)


def test_an_endpoint_that_is_not_there_is_told(server: Loopback) -> None:
    with studio(server, OPENAI_BASE_URL="http://127.0.0.1:9/v1") as away:
        made = held(away.make(timeout=5))
    assert made.outcome == "fell-back"
    assert "cannot be reached" in texts_of(made)


def test_without_a_key_openai_itself_is_not_even_called(server: Loopback) -> None:
    with studio(server, OPENAI_BASE_URL=None, OPENAI_API_KEY=None) as keyless:
        made = held(keyless.make())
    assert made.outcome == "fell-back"
    assert "OPENAI_API_KEY" in texts_of(made)


@pytest.mark.parametrize("failure", every_failure(), ids=str)
@pytest.mark.parametrize("variant", ["base", "ft"])
def test_every_failure_ends_in_a_valid_piece(at: Studio, failure: Any, variant: str) -> None:
    at.server.queue(failure)
    held(at.make(variant=variant, timeout=2))


@pytest.mark.parametrize("model", ["loop-json", "loop-plain", "loop-reasoning"])
def test_what_a_model_cannot_do_is_left_out(at: Studio, model: str) -> None:
    made = held(at.make(model=model))
    assert made.provider == "openai"
    assert made.model == model
    again = held(at.make(model=model))
    assert again.calls == 1
    assert next(step for step in again.trace if step.kind == "call").data["notes"] == []


def test_a_model_by_another_name_is_no_harm(at: Studio) -> None:
    at.server.queue(WrongModel("somebody-else"))
    assert held(at.make()).outcome == "first-try"


# --- the fine-tuned model --------------------------------------------------------------------------------------------


def test_the_fine_tuned_model_answers_without_being_named(at: Studio) -> None:
    made = held(at.make(variant="ft"))
    assert (made.variant, made.model) == ("ft", "fine-tuned")
    assert at.server.seen[-1].body["model"] == TUNED  # type: ignore[index]


@pytest.mark.parametrize("failure", [Status(404), WrongPiece(), Empty(), Cut(0.3), Leaky(), Refuse(f"{TUNED} says no")])
def test_where_the_fine_tuned_model_fails_the_base_model_answers(at: Studio, failure: Any) -> None:
    at.server.queue(failure)
    made = held(at.make(variant="ft"))
    assert (made.variant, made.model, made.outcome) == ("base", "loop-large", "re-asked")


def test_where_both_fail_the_rules_answer(at: Studio) -> None:
    at.server.queue(Status(404), Status(401))
    made = held(at.make(variant="ft"))
    assert (made.provider, made.outcome) == ("rules", "fell-back")


@pytest.mark.parametrize("failure", [EchoModel(), Leaky()])
def test_an_answer_that_names_model_or_key_is_cleaned(at: Studio, failure: Any) -> None:
    at.server.queue(failure, failure)
    held(at.make(variant="ft"))


def test_the_canary_sends_the_same_request_the_same_way(server: Loopback) -> None:
    with studio(server, WORKBENCH_MODEL_VARIANT="canary", WORKBENCH_FT_SHARE=0.5) as canary:
        ways = []
        for number in range(12):
            request = Request(duration=20, theme=f"number {number}")
            first, second = canary.make(request, examples=0), canary.make(request, examples=0)
            assert first.variant == second.variant
            ways.append(first.variant)
    assert {"base", "ft"} == set(ways)


# --- registered models -----------------------------------------------------------------------------------------------

LIVE, CANARY = "live-music-7", "canary-music-8"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Loopback]:
    """Another endpoint, which gets no key."""
    with Loopback(key="none", models=[{"id": LIVE}, {"id": CANARY}]) as server:
        yield server


def rollout_at(server: Loopback, *, share: float = 1.0) -> Rollout:
    live, canary = (
        Served(f"{model[0] * 16}", "A name", model, server.url) for model in (LIVE, CANARY)
    )  # fmt: skip
    return Rollout(live, canary, share, frozenset({LIVE, CANARY}))


@pytest.fixture
def rolled(at: Studio, elsewhere: Loopback) -> Iterator[Studio]:
    elsewhere.forget()
    at.workshop.rollout = lambda: rollout_at(elsewhere)
    yield at
    at.workshop.rollout = lambda: Rollout()


def asked(*servers: Loopback) -> list[str]:
    return [seen.body["model"] for server in servers for seen in server.seen if seen.body]


def held_secret(generation: Generation, elsewhere: Loopback) -> Generation:
    text = texts_of(held(generation))
    for secret in (LIVE, CANARY, elsewhere.url):
        assert secret not in text
    return generation


def test_a_registered_model_answers_at_its_endpoint_and_the_trace_says_which(
    rolled: Studio, elsewhere: Loopback
) -> None:
    made = held_secret(rolled.make(), elsewhere)
    assert (made.outcome, made.provider, made.variant, made.model) == (
        "first-try",
        "openai",
        "ft",
        "fine-tuned cccccccc",
    )
    assert (asked(elsewhere), asked(rolled.server)) == ([CANARY], [])
    steps = {step.kind: step for step in made.trace}
    assert steps["call"].data["registered"] == "c" * 16
    assert "canary: this request falls at" in steps["rollout"].about
    assert [each.get("registered") for each in steps["rollout"].data["attempts"]] == ["c" * 16, "l" * 16, None, None]
    assert made.cost is None, "nobody knows the price at an endpoint of one's own"


def test_a_registered_model_is_asked_with_the_prompt_that_it_was_trained_with(
    rolled: Studio, elsewhere: Loopback
) -> None:
    both = rollout_at(elsewhere)
    assert both.canary
    assert both.live
    prompt = Taught("default@1", 1, system=False)
    taught = replace(both.canary, taught=prompt)
    rolled.workshop.rollout = lambda: replace(both, canary=taught)
    made = rolled.make(examples=0)
    assert (made.model, made.template) == ("fine-tuned cccccccc", "default@1")
    (seen,) = elsewhere.seen
    assert seen.body is not None
    assert "character" in seen.body["response_format"]["json_schema"]["schema"]["required"]
    assert [message["role"] for message in seen.body["messages"]] == ["user", "assistant", "user"]
    step = next(step for step in made.trace if step.kind == "prompt")
    assert "with which it was trained" in step.about
    rolled.workshop.rollout = lambda: replace(both, canary=replace(taught, taught=replace(prompt, lean=True)))
    assert rolled.make(examples=0).model == "fine-tuned cccccccc"
    assert elsewhere.seen[-1].body is not None
    schema = elsewhere.seen[-1].body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["key"] == {"enum": [made.form.manner.key.name]}  # as planned, not as the model likes
    rolled.workshop.rollout = lambda: replace(both, canary=taught)
    # What fails there is asked of others as usual; whoever chooses a prompt gets it; a template may be gone.
    elsewhere.queue(WrongPiece())
    made = rolled.make(examples=2)
    assert made.model == "fine-tuned llllllll"
    roles = ["system", *["user", "assistant"] * 2, "user"]
    assert [message["role"] for message in elsewhere.seen[-1].body["messages"]] == roles  # type: ignore[index]
    assert "trained" not in str([step.about for step in rolled.make(examples=0, prompted=True).trace])
    rolled.workshop.rollout = lambda: replace(both, canary=replace(taught, taught=Taught("gone", 1)))
    assert rolled.make(examples=0).template == "default@1"


def test_what_the_canary_fails_at_the_live_model_is_asked_then_the_base_model(
    rolled: Studio, elsewhere: Loopback
) -> None:
    elsewhere.queue(WrongPiece())
    made = held_secret(rolled.make(), elsewhere)
    assert (made.outcome, made.model) == ("re-asked", "fine-tuned llllllll")
    elsewhere.queue(Empty(), Refuse(f"{LIVE} and {CANARY} say no"))
    made = held_secret(rolled.make(), elsewhere)
    assert (made.outcome, made.model, made.variant) == ("re-asked", "loop-large", "base")
    assert asked(elsewhere, rolled.server) == [CANARY, LIVE, CANARY, LIVE, "loop-large"]


def test_each_registered_model_has_its_circuit(rolled: Studio, elsewhere: Loopback) -> None:
    rolled.workshop.circuits = Circuits(failures=1, rest=60)
    elsewhere.queue(Status(404))
    assert rolled.make().model == "fine-tuned llllllll"
    made = held_secret(rolled.make(), elsewhere)
    assert made.model == "fine-tuned llllllll"
    left = next(step for step in made.trace if step.kind == "call")
    assert (left.data["error"]["kind"], left.data["registered"]) == ("circuit-open", "c" * 16)
    assert asked(elsewhere) == [CANARY, LIVE, LIVE]


def test_with_the_rules_switched_on_the_registry_goes_first_and_a_person_before_it(elsewhere: Loopback) -> None:
    elsewhere.forget()
    with studio(elsewhere, WORKBENCH_PROVIDER="rules", OPENAI_BASE_URL=None, OPENAI_API_KEY=None) as made:
        made.workshop.rollout = lambda: rollout_at(elsewhere, share=0.0)
        assert held_secret(made.make(), elsewhere).model == "fine-tuned llllllll"
        assert held_secret(made.make(provider="rules"), elsewhere).provider == "rules"
        elsewhere.queue(Status(401))
        fallen = held_secret(made.make(), elsewhere)
        assert (fallen.outcome, fallen.provider) == ("fell-back", "rules")
    assert asked(elsewhere) == [LIVE, LIVE]


def test_the_environment_s_tuned_model_may_answer_elsewhere(at: Studio) -> None:
    with (
        Loopback(key="own-key-0123456789") as own,
        studio(
            at.server, WORKBENCH_MODEL_FT_URL=own.url, WORKBENCH_MODEL_FT_KEY=own.key, WORKBENCH_MODEL_VARIANT="ft"
        ) as made,
    ):
        first = held(made.make())
        assert (first.model, first.variant) == ("fine-tuned", "ft")
        own.queue(Leaky())
        assert own.key not in texts_of(held(made.make()))
        assert asked(own) == [TUNED, TUNED]
    assert at.server.key not in str([seen.headers for seen in own.seen])


def test_a_circuit_opens_and_closes_again_by_itself(at: Studio) -> None:
    now = [0.0]
    at.workshop.circuits = Circuits(failures=2, rest=30, clock=lambda: now[0])
    at.server.queue(Status(401), Status(401))
    assert [at.make(examples=0).outcome for _ in range(2)] == ["fell-back"] * 2
    seen = len(at.server.seen)
    left_alone = held(at.make(examples=0))
    assert left_alone.outcome == "fell-back"
    assert len(at.server.seen) == seen
    assert "circuit-open" in texts_of(left_alone)
    now[0] = 31
    assert held(at.make(examples=0)).outcome == "first-try"
    assert held(at.make(examples=0)).outcome == "first-try"


# --- the editor ------------------------------------------------------------------------------------------------------


def test_the_editor_improves_a_draft(at: Studio) -> None:
    made = held(at.make(editor=True))
    assert made.calls == 2
    assert next(step for step in made.trace if step.kind == "editor").data["used"] is True
    assert "The draft: {" in at.server.seen[-1].body["messages"][-1]["content"]  # type: ignore[index]


@pytest.mark.parametrize("failure", [WrongPiece(), Status(500), Empty(), NotMusic()])
def test_an_editor_who_makes_it_worse_is_not_followed(at: Studio, failure: Any) -> None:
    draft = wire_text(compose(SHORT, seed=3))
    at.server.queue(Say(draft), *[failure] * 3)
    made = held(at.make(editor=True, examples=0))
    assert next(step for step in made.trace if step.kind == "editor").data["used"] is False
    assert made.outcome == "first-try"
    assert wire_text(made.structure) == draft


# --- what stays ------------------------------------------------------------------------------------------------------


def test_locked_parts_stay_and_the_rest_is_the_models(at: Studio) -> None:
    base = compose(SHORT, seed=1)
    kept = Kept(base, lock_set([[0, None]]))
    made = held(at.make(kept=kept, seed=8))
    assert made.structure.sections[0] == base.sections[0]
    assert made.structure.sections[1] != base.sections[1]
    assert "Keep exactly" in at.server.seen[-1].body["messages"][-1]["content"]  # type: ignore[index]


def test_locked_parts_stay_with_the_rules_as_well(at: Studio) -> None:
    base = compose(SHORT, seed=1)
    made = held(at.make(kept=Kept(base, lock_set([[1, None]])), provider="rules", seed=8))
    assert made.structure.sections[1] == base.sections[1]
    assert made.structure.sections[0] != base.sections[0]


# --- a person's own mistakes -----------------------------------------------------------------------------------------


def test_what_a_person_got_wrong_is_an_error_with_a_hint(at: Studio) -> None:
    for changes in ({"provider": "nobody"}, {"template": "none-such"}, {"template": "default@99"}):
        with pytest.raises(InvalidInputError) as caught:
            at.make(**changes)
        assert caught.value.hint


def test_a_template_that_cannot_be_filled_is_an_error(server: Loopback) -> None:
    usual = all_templates()[0]
    broken = Template("broken", 1, {**usual.parts, "plan": "{{ nothing.there }}"})
    with studio(server) as made:
        made.workshop.templates = lambda: (usual, broken)
        with pytest.raises(TemplateError):
            made.make(template="broken")


def test_a_request_that_contradicts_itself_still_ends_in_a_piece(at: Studio) -> None:
    odd = Request(
        duration=20,
        section_plan=(SectionRequest(name="A", measures=400, cadence="PICARDY", key="C major"),) * 3,
        motif_seed=("#7", -14, 14, 0, 0),
        rhythm_seed=(64.0, 1 / 32),
    )
    held(at.make(odd, provider="rules"))
    held(at.make(odd, examples=0))


# --- many ------------------------------------------------------------------------------------------------------------


@pytest.mark.no_cover  # what it covers is covered by others, and measuring makes it twice as long
def test_two_thousand_requests_to_a_model_that_fails_at_random(server: Loopback) -> None:
    rng = random.Random(4)
    requests = [
        Request(duration=20 + 2 * (number % 5), form=form, valence=round(rng.uniform(-1, 1), 1))
        for number in range(40)
        for form in ("ABA", "binary")
    ]
    server.forget()
    server.behave = lambda _: at_random(rng)
    settings = settings_of(
        server, WORKBENCH_MODEL_VARIANT="canary", WORKBENCH_FT_SHARE=0.5, WORKBENCH_MODEL_CONCURRENCY=64
    )

    async def all_of_them() -> list[Generation]:
        workshop = Workshop(settings, Providers(settings), all_templates, Circuits(failures=10**9))
        places = asyncio.Semaphore(32)

        async def one(number: int) -> Generation:
            async with places:
                how = settings_for(settings, seed=number % 3, examples=0, timeout=2.0, reasks=1)
                return await generate(requests[number % len(requests)], how, workshop)

        made = await asyncio.gather(*(one(number) for number in range(2000)))
        await workshop.providers.close()
        return made

    try:
        made = asyncio.run(all_of_them())
    finally:
        server.behave = None
    assert len(made) == 2000
    for generation in made:
        assert generation.report.valid
        text = texts_of(generation)
        assert TUNED not in text
        assert server.key not in text
    assert {generation.outcome for generation in made} == OUTCOMES


def test_the_messages_hold_the_examples_that_the_trace_names_and_it_says_why(at: Studio) -> None:
    made = held(at.make(examples=3))
    told = next(step for step in made.trace if step.kind == "examples").data["examples"]
    assert 1 <= len(told) <= 3
    assert all(each["why"] for each in told)
    assert told[0]["why"].startswith("same form")
    known = {example.id: example for example in at.workshop.examples()}
    said = [message["content"] for message in at.server.seen[-1].body["messages"]]  # type: ignore[index]
    assert said[2:-1:2] == [wire_text(known[each["id"]].structure) for each in told]


def test_examples_are_pinned_and_banned_by_hand(at: Studio) -> None:
    usual = next(step for step in at.make(examples=2).trace if step.kind == "examples").data["examples"]
    made = at.make(examples=2, pinned=("aba-modern-well",), banned=(usual[0]["id"],))
    told = next(step for step in made.trace if step.kind == "examples").data["examples"]
    assert told[0]["id"] == "aba-modern-well"
    assert usual[0]["id"] not in {each["id"] for each in told}


def test_an_example_is_adapted_without_any_model(at: Studio) -> None:
    made = held(at.make(provider="adapt"))
    assert (made.provider, made.outcome, made.calls) == ("adapt", "first-try", 0)
    assert at.server.seen == []
