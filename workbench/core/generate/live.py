"""A generation of this process as it stands now: what was ordered, how far it is, and the piece as far as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.core.compose import FormPlan
from workbench.core.generate.generation import Generation, GenerationSettings, Kept, Watch
from workbench.core.generate.growing import SectionWatch, complete_part
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure


@dataclass(frozen=True)
class Order:
    """One generation to be begun: what is asked for, how, what stays, and what it is called beside others."""

    request: Request
    settings: GenerationSettings
    label: str = ""
    kept: Kept | None = None
    parent: str | None = None


@dataclass
class Live:
    """A generation of this process as it stands now. Read by pages; written by the engine's thread alone."""

    id: str
    batch: str
    order: Order
    state: str = "queued"
    phase: str = "Waiting"
    form: FormPlan | None = None
    sections: int = 0
    growing: MusicStructure | None = None
    characters: int = 0
    message: str = ""
    generation: Generation | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"queued", "running"}

    @property
    def seconds(self) -> float:
        """Seconds since it was asked for, until it ended."""
        return (self.ended if self.ended is not None else time.monotonic()) - self.began

    @property
    def structure(self) -> MusicStructure | None:
        """The piece, or what there is of it so far."""
        return self.generation.structure if self.generation is not None else self.growing


class Following(Watch):
    """Keeps a live generation in step with what is being written."""

    def __init__(
        self, live: Live, loop: asyncio.AbstractEventLoop, scrub: Callable[[str], str],
        begun: Callable[[Live, FormPlan], None],
    ) -> None:  # fmt: skip
        self._live, self._loop, self._scrub, self._begun = live, loop, scrub, begun
        self._pieces: list[str] = []
        self._sections = SectionWatch()
        self._fresh = False

    def phase(self, words: str) -> None:
        """Tell the page what is being done."""
        self._live.phase = words

    def begun(self, form: FormPlan) -> None:
        """Tell the page the plan, and have it written down."""
        self._live.form, self._live.state = form, "running"
        self._begun(self._live, form)

    def restart(self) -> None:
        """Forget the answer before."""
        self._pieces, self._sections = [], SectionWatch()
        self._live.sections, self._live.characters = 0, 0

    def text(self, piece: str) -> None:
        """Take a piece of the answer; a section that it completes is drawn beside the loop."""
        self._pieces.append(piece)
        self._live.characters += len(piece)
        self._fresh = True
        watch = self._sections
        if watch.feed(piece):
            whole = "".join(self._pieces)[: watch.end] + watch.open_brackets
            self._loop.run_in_executor(None, self._grow, whole, watch, watch.complete)

    def _grow(self, whole: str, watch: SectionWatch, seen: int) -> None:
        """Draw what is complete; beside the loop, since it takes some milliseconds."""
        structure = complete_part(self._scrub(whole), self._live.order.request)
        if structure is not None and watch is self._sections and seen >= self._live.sections:
            self._live.growing, self._live.sections = structure, seen

    def clean(self) -> str:
        """All that was written, without secrets."""
        return self._scrub("".join(self._pieces))

    def taken(self) -> bool:
        """Whether something is new since this was last asked."""
        fresh, self._fresh = self._fresh, False
        return fresh
