"""Lanes and jobs: a variant while a run goes on, and a cell that has been begun."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from workbench.core.experiments.cells import Cell
from workbench.core.experiments.heard import Said
from workbench.core.experiments.judging import Kit, Task
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.variants import Ready
from workbench.core.generate.providers import Call
from workbench.core.generate.rollout import AT_ONCE


@dataclass
class Lane:
    """A variant while a run goes on. ``down`` says why it is asked no more; ``broke`` that it is for want of money.

    ``faults`` are those in a row; until the loop's time ``until`` it is left alone. ``bulk`` are cells whose first
    question goes with a batch, as soon as one that is asked alone (the ``pilot``) has ``taught`` how to ask.
    """

    name: str
    ready: Ready
    kit: Kit
    packed: tuple[str, bytes] = ("", b"")
    faults: int = 0
    until: float = 0.0
    down: str = ""
    broke: bool = False
    pilot: Job | None = None
    taught: bool = False
    bulk: deque[Job] = field(default_factory=deque)

    @property
    def asks(self) -> bool:
        """Whether a model is asked."""
        return self.ready.attempt.provider not in AT_ONCE

    @property
    def batches(self) -> bool:
        """Whether first questions go with batches."""
        return self.asks and self.ready.variant.batch

    def work(self) -> tuple[str, bytes]:
        """The kit as it travels, packed when it is first needed."""
        if not self.packed[1]:
            self.packed = self.kit.packed()
        return self.packed


@dataclass
class Job:
    """A cell that has been begun: what models said in it, and the question that is to be asked now.

    While it is in ``bulk``, its question goes with a batch, or has gone.
    """

    position: int
    cell: Cell
    asked: Asked
    lane: Lane
    said: list[Said] = field(default_factory=list)
    fault: Said | None = None
    call: Call | None = None
    dearest: float | None = None
    tries: int = 0
    bulk: bool = False

    @property
    def task(self) -> Task:
        """The next step to do."""
        before = (*self.said, self.fault) if self.fault is not None else tuple(self.said)
        return Task(self.position, self.cell.id, self.cell.seed, self.asked, before)
