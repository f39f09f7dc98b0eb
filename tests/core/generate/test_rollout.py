"""Who is asked: the switch, the canary's stable share, a person's choice, and circuits that leave the failing alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InvalidInputError
from workbench.core.generate.rollout import RULES, Attempt, Circuits, attempts, share_of
from workbench.core.library.tuned import Rollout, Served
from workbench.core.music.request import Request
from workbench.core.settings import Settings, variable_of

BASE, TUNED = "gpt-4.1-mini", "ft:gpt-4.1-mini-2025-04-14:acme::abc123"
ASKED = Request(brief="Rain on a roof", form="rondo")


def settings_with(**changes: Any) -> Settings:
    """Settings of a server with both models, whatever the environment says."""
    plain = {name: field.default for name, field in Settings.model_fields.items()}
    own = {"provider": "openai", "model_base": BASE, "model_ft": TUNED}
    return Settings(**{variable_of(name): value for name, value in (plain | own | changes).items()})


def line(request: Request = ASKED, *, choice: dict[str, Any] | None = None, **changes: Any) -> list[str | None]:
    """The models in the order in which they are tried; the rules are "rules"."""
    tried, why = attempts(settings_with(**changes), request, **(choice or {}))
    assert why
    assert tried[-1] == RULES
    assert TUNED not in why
    return ["rules" if each == RULES else each.model for each in tried]


# The canary's share -------------------------------------------------------------------------------------------------

MANY = [Request(brief=f"Piece {number}", valence=number % 21 / 10 - 1) for number in range(2_000)]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_the_share_is_evenly_spread(share: float) -> None:
    settings = settings_with(model_variant="canary", ft_share=share)
    tuned = sum(attempts(settings, request)[0][0].variant == "ft" for request in MANY)
    assert abs(tuned - 2_000 * share) < 4 * sqrt(2_000 * share * (1 - share))


def test_places_are_spread_evenly_over_the_whole_range() -> None:
    places = [share_of(request) for request in MANY]
    assert all(0 <= place < 1 for place in places)
    for tenth in range(10):
        here = sum(int(place * 10) == tenth for place in places)
        assert abs(here - 200) < 4 * sqrt(2_000 * 0.1 * 0.9)


def test_neighbours_do_not_go_the_same_way() -> None:
    settings = settings_with(model_variant="canary", ft_share=0.5)
    ways = [attempts(settings, request)[0][0].variant for request in MANY]
    changes = sum(one != other for one, other in pairwise(ways))
    assert abs(changes - 1_000) < 4 * sqrt(2_000 * 0.25)


def test_no_share_is_nobody_and_the_whole_is_everybody() -> None:
    assert all(line(request, model_variant="canary", ft_share=0.0)[0] == BASE for request in MANY[:200])
    assert all(line(request, model_variant="canary", ft_share=1.0)[0] == TUNED for request in MANY[:200])


@given(st.text(max_size=20), st.floats(-1, 1), st.integers(0, 99), st.sampled_from([None, "a", "Z.9-_x"]))
def test_the_same_request_always_goes_the_same_way(brief: str, valence: float, seed: int, id: str | None) -> None:
    request = Request(brief=brief, valence=valence, seed=seed)
    again = Request.model_validate(request.to_dict() | {"id": id})
    assert share_of(request) == share_of(again)


def test_a_wider_share_keeps_those_that_it_had() -> None:
    def tuned(share: float) -> set[int]:
        settings = settings_with(model_variant="canary", ft_share=share)
        return {at for at, request in enumerate(MANY) if attempts(settings, request)[0][0].variant == "ft"}

    assert tuned(0.05) < tuned(0.1) < tuned(0.4)


def test_the_places_stay_from_release_to_release() -> None:
    assert share_of(Request()) == pytest.approx(0.145332, abs=1e-6)
    assert share_of(ASKED) == pytest.approx(0.221682, abs=1e-6)


# The switch and the choice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"provider": "rules"}, ["rules"]),
        ({}, [BASE, "rules"]),
        ({"model_variant": "base"}, [BASE, "rules"]),
        ({"model_variant": "ft"}, [TUNED, BASE, "rules"]),
        ({"model_variant": "ft", "model_base": None}, [TUNED, "rules"]),
        ({"model_variant": "ft", "model_ft": None}, [BASE, "rules"]),
        ({"model_variant": "canary", "ft_share": 1.0}, [TUNED, BASE, "rules"]),
        ({"model_variant": "canary", "ft_share": 1.0, "model_ft": None}, [BASE, "rules"]),
        ({"model_variant": "canary", "ft_share": 0.0}, [BASE, "rules"]),
    ],
    ids=str,
)
def test_the_settings_decide_and_the_rules_stand_behind(changes: dict[str, Any], wanted: list[str]) -> None:
    assert line(**changes) == wanted


@pytest.mark.parametrize(
    ("choice", "changes", "wanted"),
    [
        ({"provider": "rules"}, {"model_variant": "ft"}, ["rules"]),
        ({"provider": "openai"}, {"provider": "rules"}, [BASE, "rules"]),
        ({"model": "o3"}, {}, ["o3", "rules"]),
        ({"model": "o3"}, {"model_variant": "ft"}, ["o3", "rules"]),
        ({"model": "o3"}, {"model_base": None, "model_ft": None}, ["o3", "rules"]),
        ({"variant": "ft"}, {}, [TUNED, BASE, "rules"]),
        ({"variant": "base"}, {"model_variant": "ft"}, [BASE, "rules"]),
        ({"variant": "canary"}, {"ft_share": 1.0}, [TUNED, BASE, "rules"]),
        ({"provider": "rules", "model": "o3", "variant": "ft"}, {}, ["rules"]),
    ],
    ids=str,
)
def test_what_a_person_chooses_goes_before(choice: dict[str, str], changes: dict[str, Any], wanted: list[str]) -> None:
    assert line(choice=choice, **changes) == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"model_base": None},
        {"model_base": None, "model_ft": None},
        {"model_base": None, "model_ft": None, "model_variant": "ft"},
    ],
)
def test_where_no_model_is_named_a_person_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        attempts(settings_with(**changes), ASKED)
    assert caught.value.field == "model"
    assert "WORKBENCH_MODEL_BASE" in caught.value.hint


def test_a_canary_without_a_base_model_leaves_the_others_to_the_rules() -> None:
    assert line(model_base=None, model_variant="canary", ft_share=0.0) == ["rules"]
    assert line(model_base=None, model_variant="canary", ft_share=1.0) == [TUNED, "rules"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"provider": "rules"}, "the rules were chosen"),
        ({}, "the base model is switched on"),
        ({"model_variant": "ft"}, "the fine-tuned model is switched on"),
        ({"model_variant": "ft", "model_ft": None}, "but WORKBENCH_MODEL_FT is not set"),
        ({"model_variant": "canary", "ft_share": 0.25}, "the share is 0.25"),
    ],
    ids=str,
)
def test_why_is_said(changes: dict[str, Any], said: str) -> None:
    assert said in attempts(settings_with(**changes), ASKED)[1]


def test_the_canary_says_where_the_request_fell() -> None:
    _, why = attempts(settings_with(model_variant="canary"), ASKED)
    assert f"{share_of(ASKED):.3f}" in why


def test_people_never_read_the_tuned_model_s_id() -> None:
    tuned, base, rules = attempts(settings_with(model_variant="ft"), ASKED)[0]
    assert (tuned.label, base.label, rules.label) == ("fine-tuned", BASE, None)
    assert (tuned.variant, base.variant) == ("ft", "base")
    assert len({tuned.circuit, base.circuit, rules.circuit}) == 3


# The registry -------------------------------------------------------------------------------------------------------

LIVE = Served("11aa22bb33cc44dd", "Chorales", "live-id-1", "http://live.example/v1")
CANARY = Served("55ee66ff77008899", "Rondos", "canary-id-2", "http://canary.example/v1")
NAMES = {LIVE.model: "live", CANARY.model: "canary", TUNED: "own", BASE: "base"}
ALL, NONE = 1.0, 0.0
"""Shares of the canary: everybody, nobody."""


def registry(placed: str, share: float = ALL) -> Rollout:
    return Rollout(
        LIVE if "L" in placed else None, CANARY if "C" in placed else None, share if "C" in placed else 0.0,
        frozenset({LIVE.model, CANARY.model}),
    )  # fmt: skip


def names(rollout: Rollout, choice: dict[str, Any] | None = None, **changes: Any) -> str:
    """Who is tried, in words; each tuned one is asked where it answers, and nobody reads its id."""
    tried, why = attempts(settings_with(**changes), ASKED, rollout=rollout, **(choice or {}))
    for each in tried:
        if each.registered:
            of = LIVE if each.registered == LIVE.id else CANARY
            assert (each.provider, each.model, each.endpoint, each.variant) == ("openai", of.model, of.endpoint, "ft")
        assert each.variant == "base" or str(each.model) not in f"{each.told} {why}"
    assert tried[-1] == RULES
    return " ".join(NAMES.get(each.model or "", each.model or each.provider) for each in tried)


@pytest.mark.parametrize(
    ("variant", "placed", "share", "own", "wanted"),
    [
        # Not set: the registry decides, as if there were none where it is empty.
        (None, "", NONE, TUNED, "base rules"),
        (None, "L", NONE, TUNED, "live base rules"),
        (None, "C", ALL, TUNED, "canary base rules"),
        (None, "C", NONE, TUNED, "base rules"),
        (None, "LC", ALL, TUNED, "canary live base rules"),
        (None, "LC", NONE, TUNED, "live base rules"),
        # base: never a tuned one.
        ("base", "LC", ALL, TUNED, "base rules"),
        # ft: the environment's, else the live one, else the canary.
        ("ft", "LC", NONE, TUNED, "own base rules"),
        ("ft", "LC", NONE, None, "live base rules"),
        ("ft", "C", NONE, None, "canary base rules"),
        ("ft", "", NONE, None, "base rules"),
        # canary: the registry's with its share, else the environment's, else the live one with WORKBENCH_FT_SHARE.
        ("canary", "LC", ALL, TUNED, "canary live base rules"),
        ("canary", "LC", NONE, TUNED, "live base rules"),
        ("canary", "C", ALL, TUNED, "canary base rules"),
        ("canary", "C", NONE, TUNED, "base rules"),
        ("canary", "L", NONE, TUNED, "own base rules"),
        ("canary", "L", NONE, None, "live base rules"),
        ("canary", "", NONE, TUNED, "own base rules"),
        ("canary", "", NONE, None, "base rules"),
    ],
)
def test_the_switch_is_the_master_of_the_registry(
    variant: str | None, placed: str, share: float, own: str | None, wanted: str
) -> None:
    told = registry(placed, share)
    assert names(told, model_variant=variant, model_ft=own, ft_share=1.0) == wanted
    if variant is not None:  # a person who chooses a variant goes before the settings
        for master in (None, "base", "ft", "canary"):
            assert names(told, {"variant": variant}, model_variant=master, model_ft=own, ft_share=1.0) == wanted


@pytest.mark.parametrize("placed", ["L", "LC"])
def test_without_a_share_the_environments_canary_leaves_all_to_the_base_model(placed: str) -> None:
    told = registry(placed, NONE)
    wanted = "live base rules" if "C" in placed else "base rules"
    assert names(told, model_variant="canary", ft_share=0.0) == wanted


@pytest.mark.parametrize(
    ("choice", "changes", "placed", "share", "wanted"),
    [
        ({}, {}, "", NONE, "rules"),
        ({}, {}, "L", NONE, "live rules"),
        ({}, {}, "LC", ALL, "canary live rules"),
        ({}, {}, "C", NONE, "rules"),
        ({}, {"provider": "adapt"}, "L", NONE, "live adapt rules"),
        ({}, {"model_variant": "base"}, "LC", ALL, "rules"),
        ({}, {"model_variant": "ft"}, "L", NONE, "live rules"),
        ({}, {"model_variant": "ft"}, "", NONE, "rules"),
        ({}, {"model_variant": "canary"}, "C", ALL, "canary rules"),
        ({"provider": "rules"}, {}, "LC", ALL, "rules"),
        ({"provider": "adapt"}, {}, "LC", ALL, "adapt rules"),
        ({"provider": "openai"}, {}, "L", NONE, "live base rules"),
        ({"provider": "elsewhere"}, {}, "LC", ALL, "base rules"),
        ({"variant": "base"}, {}, "LC", ALL, "base rules"),
        ({"variant": "ft"}, {}, "", NONE, "own base rules"),
        ({"model": "o3"}, {}, "LC", ALL, "o3 rules"),
    ],
    ids=str,
)
def test_the_registry_goes_before_the_rules_but_not_before_a_person(
    choice: dict[str, str], changes: dict[str, Any], placed: str, share: float, wanted: str
) -> None:
    assert names(registry(placed, share), choice, **({"provider": "rules", "ft_share": 0.0} | changes)) == wanted


def test_a_canary_that_is_the_live_model_is_tried_once() -> None:
    same = Rollout(LIVE, Served("other", "Again", LIVE.model, LIVE.endpoint), 1.0)
    tried, _ = attempts(settings_with(), ASKED, rollout=same)
    assert [each.registered for each in tried] == ["other", "", ""]


def test_without_a_base_model_the_registry_is_enough() -> None:
    assert names(registry("L"), model_base=None) == "live rules"
    assert names(registry("C", NONE), model_base=None) == "rules"
    for changes in ({"model_variant": "base"}, {"model_variant": "ft", "model_ft": None}):
        with pytest.raises(InvalidInputError):
            attempts(settings_with(model_base=None, **changes), ASKED, rollout=registry("", NONE))


def test_a_tuned_model_that_a_person_names_is_asked_where_it_answers_and_stays_hidden() -> None:
    secret = replace(registry("LC"), secret=frozenset({LIVE.model, CANARY.model, "retired-id-3"}))
    for model, label, endpoint in [
        (LIVE.model, "fine-tuned 11aa22bb", LIVE.endpoint),
        ("retired-id-3", "fine-tuned", ""),
        (TUNED, "fine-tuned", "http://own.example/v1"),
        ("ft:other:acme::9", "fine-tuned", ""),
        ("o3", "o3", ""),
    ]:
        settings = settings_with(model_ft_url="http://own.example/v1")
        (first, *rest), _ = attempts(settings, ASKED, model=model, rollout=secret)
        assert (first.model, first.label, first.endpoint, rest) == (model, label, endpoint, [RULES])


def test_the_registry_s_canary_has_a_stable_share_that_only_grows() -> None:
    def tuned(share: float) -> set[int]:
        told = registry("LC", share)
        lines = (attempts(settings_with(), request, rollout=told)[0] for request in MANY)
        return {at for at, each in enumerate(lines) if each[0].registered == CANARY.id}

    small, large = tuned(0.1), tuned(0.4)
    assert small < large
    assert abs(len(small) - 200) < 4 * sqrt(2_000 * 0.1 * 0.9)


@pytest.mark.parametrize(
    ("placed", "share", "said"),
    [("L", NONE, "a fine-tuned model is live"), ("LC", 0.2, f"canary: this request falls at {share_of(ASKED):.3f}, "
      "the share is 0.2"), ("", NONE, "the rules were chosen")],
)  # fmt: skip
def test_why_a_registered_model_answers_is_said(placed: str, share: float, said: str) -> None:
    assert attempts(settings_with(provider="rules"), ASKED, rollout=registry(placed, share))[1] == said


def test_what_the_trace_tells_of_a_registered_model_is_its_id_here_and_nothing_of_its_provider_s() -> None:
    (canary, live, *_), _ = attempts(settings_with(), ASKED, rollout=registry("LC"))
    assert canary.told == {
        "provider": "openai", "model": "fine-tuned 55ee66ff", "variant": "ft", "registered": "55ee66ff77008899",
    }  # fmt: skip
    assert len({canary.circuit, live.circuit, Attempt("openai", LIVE.model).circuit}) == 3


# Circuits -----------------------------------------------------------------------------------------------------------


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuits(clock: Clock) -> Circuits:
    return Circuits(failures=3, rest=30.0, clock=clock)


def opened(circuits: Circuits, name: str = "m", failures: int = 3) -> None:
    for _ in range(failures):
        circuits.note(name, worked=False)


def test_a_circuit_is_closed_until_failures_come_in_a_row(circuits: Circuits) -> None:
    assert circuits.closed("m")
    opened(circuits, failures=2)
    assert circuits.closed("m")
    assert circuits.rest_of("m") == 0
    circuits.note("m", worked=False)
    assert not circuits.closed("m")
    assert circuits.rest_of("m") == 30


def test_one_success_forgives_what_was_before(circuits: Circuits) -> None:
    for _ in range(5):
        opened(circuits, failures=2)
        circuits.note("m", worked=True)
    opened(circuits, failures=2)
    assert circuits.closed("m")


def test_each_model_has_a_circuit_of_its_own(circuits: Circuits) -> None:
    opened(circuits, "a")
    assert not circuits.closed("a")
    assert circuits.closed("b")
    assert circuits.closed(Attempt("openai", "a").circuit)


def test_nobody_is_let_through_during_the_rest(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    clock.now += 29.9
    assert not any(circuits.closed("m") for _ in range(100))
    assert circuits.rest_of("m") == pytest.approx(0.1)


def test_one_is_let_through_after_it(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    clock.now += 30
    assert [circuits.closed("m") for _ in range(5)] == [True, False, False, False, False]


def test_exactly_one_also_when_many_ask_at_once(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    for _ in range(20):
        clock.now += 30
        through: list[bool] = []
        start = threading.Barrier(16)

        def ask(start: threading.Barrier = start, note: Callable[[bool], None] = through.append) -> None:
            start.wait()
            note(circuits.closed("m"))

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(through) == 1
        assert len(through) == 16


def test_it_closes_again_when_that_one_comes_back(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    clock.now += 30
    assert circuits.closed("m")
    circuits.note("m", worked=True)
    assert all(circuits.closed("m") for _ in range(10))
    opened(circuits, failures=2)
    assert circuits.closed("m"), "old failures do not count on"


def test_it_rests_again_when_that_one_fails_too(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    clock.now += 30
    assert circuits.closed("m")
    clock.now += 5
    circuits.note("m", worked=False)
    clock.now += 29.9
    assert not circuits.closed("m")
    clock.now += 0.1
    assert circuits.closed("m")


def test_one_that_never_comes_back_does_not_block_it_for_ever(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    clock.now += 30
    assert circuits.closed("m")
    clock.now += 30
    assert circuits.closed("m")


def test_calls_that_were_under_way_and_fail_late_prolong_the_rest(circuits: Circuits, clock: Clock) -> None:
    opened(circuits)
    clock.now += 10
    circuits.note("m", worked=False)
    assert circuits.rest_of("m") == 30


def test_many_failures_at_once_are_all_counted() -> None:
    circuits = Circuits(failures=400, rest=30.0, clock=Clock())
    threads = [threading.Thread(target=opened, args=(circuits, "m", 50)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not circuits.closed("m")
