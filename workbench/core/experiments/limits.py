"""Limits of a run: how many requests and tokens a minute, and how much money.

A minute is any sixty seconds: endpoints count so, and a bucket that begins full would let twice as much through in the
first one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from workbench.core.generate.counting import count_messages, count_tokens
from workbench.core.generate.prices import cost_of
from workbench.core.generate.providers import Call, Tokens

MINUTE = 60.0
IN_BATCH = 0.5
"""The share of the usual price that a batch costs, at OpenAI and those that follow it."""
_ROOM = 1.1
"""Tokens are counted here with an endpoint's own vocabulary, but it may wrap messages in some of its own."""
_EACH = 64
"""Tokens that may be around a call, whatever is in it."""


class Minute:
    """Lets at most ``most`` through in any sixty seconds, in the order of asking; more wait."""

    def __init__(
        self, most: int, *, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._most, self._clock, self._sleep = most, clock, sleep
        self._through: deque[list[float]] = deque()
        self._used = 0.0
        self._turn = asyncio.Lock()

    async def take(self, amount: float = 1) -> list[float]:
        """Wait until so much may go through; what is more than a whole minute's goes through alone.

        What is given back is for ``correct``.
        """
        amount = min(amount, self._most)
        async with self._turn:
            while (wait := self._wait(amount)) > 0:
                await self._sleep(wait)
            taken = [self._clock(), amount]
            self._through.append(taken)
            self._used += amount
            return taken

    def correct(self, taken: list[float], amount: float) -> None:
        """Say how much it was in the end."""
        if any(each is taken for each in self._through):
            self._used += amount - taken[1]
            taken[1] = amount

    def _wait(self, amount: float) -> float:
        """Seconds until so much may go through."""
        at = self._clock()
        while self._through and self._through[0][0] <= at - MINUTE:
            self._used -= self._through.popleft()[1]
        over, free = self._used + amount - self._most, 0.0
        if over <= 0 or not self._through:
            return 0.0
        for began, held in self._through:
            free += held
            if free >= over:
                return max(0.001, began + MINUTE - at)
        return max(0.001, self._through[-1][0] + MINUTE - at)


class Budget:
    """US dollars that may be spent; None is as many as one likes. What a call may cost is held until it is known."""

    def __init__(self, most: float | None, spent: float = 0.0) -> None:
        self.most, self.spent, self.held = most, spent, 0.0

    def fits(self, cost: float) -> bool:
        """Whether a call that may cost so much can be made now."""
        return self.most is None or self.spent + self.held + cost <= self.most

    def hold(self, cost: float) -> None:
        """A call is made that may cost so much."""
        self.held += cost

    def settle(self, held: float, cost: float) -> None:
        """The call is over: it has cost so much."""
        self.held = max(0.0, self.held - held)
        self.spent += cost


def at_most(call: Call) -> Tokens:
    """The tokens that a call may take at most: what it sends, counted here, and as long an answer as it allows."""
    sent = count_messages(call.messages, call.model).tokens
    schema = count_tokens(_schema_text(call), call.model).tokens if call.schema is not None else 0
    return Tokens(int((sent + schema) * _ROOM) + _EACH, call.max_tokens or 0, exact=False)


def dearest(call: Call, priced_at: str | None) -> float | None:
    """US dollars that a call may cost at most; None where no price is known."""
    return cost_of(call.model, at_most(call), priced_at)


def price_in_batch(model: str | None, tokens: Tokens, priced_at: str | None) -> float | None:
    """US dollars for the tokens of an answer from a batch; None where no price is known."""
    cost = cost_of(model, tokens, priced_at)
    return None if cost is None else cost * IN_BATCH


def _schema_text(call: Call) -> str:
    import json

    key = id(call.schema)
    if key not in _texts:
        _texts.clear()
        _texts[key] = (call.schema, json.dumps(call.schema))
    return _texts[key][1]


_texts: dict[int, tuple[object, str]] = {}
"""The text of the schema that was counted last: most calls send the same."""
