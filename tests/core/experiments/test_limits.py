"""Limits hold in every sixty seconds, and money is held before it is spent."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import plan
from workbench.core.experiments.limits import MINUTE, Budget, Minute, at_most, dearest
from workbench.core.generate.providers import Call, Message
from workbench.core.generate.wire import wire_schema
from workbench.core.music.request import Request


class Clock:
    """A clock that runs only while somebody sleeps."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def taken(most: int, amounts: list[float]) -> list[tuple[float, float]]:
    """When each amount went through, and how much."""
    clock = Clock()
    limit = Minute(most, clock=clock, sleep=clock.sleep)

    async def go() -> list[tuple[float, float]]:
        found = []
        for amount in amounts:
            await limit.take(amount)
            found.append((clock.now, min(amount, most)))
        return found

    return asyncio.run(go())


@given(most=st.integers(1, 50), amounts=st.lists(st.integers(1, 80), min_size=1, max_size=40))
def test_in_any_sixty_seconds_no_more_goes_through(most: int, amounts: list[float]) -> None:
    found = taken(most, amounts)
    for at, _ in found:
        assert sum(amount for when, amount in found if at <= when < at + MINUTE) <= most + 1e-9


def test_what_fits_does_not_wait_and_what_does_not_waits_no_longer_than_it_must() -> None:
    assert [at - 1_000 for at, _ in taken(3, [1, 1, 1])] == [0, 0, 0]
    assert [at - 1_000 for at, _ in taken(3, [1, 1, 1, 1, 1, 1, 1])] == [0, 0, 0, 60, 60, 60, 120]
    assert [at - 1_000 for at, _ in taken(10, [8, 99, 1])] == [0, 60, 120], "more than a minute's goes alone"


def test_what_was_less_than_expected_lets_others_through() -> None:
    clock = Clock()
    limit = Minute(100, clock=clock, sleep=clock.sleep)

    async def go() -> None:
        first = await limit.take(90)
        limit.correct(first, 20)
        await limit.take(80)

    asyncio.run(go())
    assert clock.now == 1_000


def test_a_budget_holds_what_a_call_may_cost() -> None:
    budget = Budget(1.0, spent=0.25)
    assert budget.fits(0.75)
    assert not budget.fits(0.76)
    budget.hold(0.5)
    assert not budget.fits(0.3)
    budget.settle(0.5, 0.1)
    assert (budget.held, budget.spent) == (0.0, pytest.approx(0.35))
    assert budget.fits(0.6)
    assert Budget(None).fits(1e9)


def test_a_call_may_cost_its_whole_length() -> None:
    request = Request(duration=30)
    call = Call((Message("user", "a word " * 100),), "gpt-4o", request, plan(request), wire_schema(), max_tokens=2_500)
    most = at_most(call)
    assert most.out == 2_500
    assert most.into > at_most(Call(call.messages, "gpt-4o", request, plan(request))).into > 200
    assert dearest(call, None) == pytest.approx((most.into * 2.5 + 2_500 * 10) / 1e6)
    assert dearest(call, "http://127.0.0.1:9/v1") is None
