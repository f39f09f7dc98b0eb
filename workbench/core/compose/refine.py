"""Refine: small musical improvements to a structure, each optional, each shown with its before and after.

A pass changes as little as it can and leaves alone what it does not understand. It never makes a finding of the checks
worse; a test holds that over a thousand pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

from workbench.core.compose.layout import lay_out
from workbench.core.errors import InvalidStructureError
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

Change = Callable[[MusicStructure, Request | None], MusicStructure]


@dataclass(frozen=True)
class Pass:
    """One improvement: its id, what it does in a sentence, and the function."""

    id: str
    title: str
    explanation: str
    change: Change


class Step(NamedTuple):
    """What one pass did: the structure before and after, and the JSON pointers of what differs."""

    id: str
    title: str
    before: MusicStructure
    after: MusicStructure
    paths: tuple[str, ...]


class Refined(NamedTuple):
    """A refined structure and the steps that changed something."""

    structure: MusicStructure
    steps: tuple[Step, ...]


_passes: dict[str, Pass] = {}


def refining(id: str, title: str) -> Callable[[Change], Change]:
    """Register the decorated function as a pass; its docstring is the explanation."""

    def keep(change: Change) -> Change:
        _passes[id] = Pass(id, title, " ".join((change.__doc__ or "").split()), change)
        return change

    return keep


def all_passes() -> tuple[Pass, ...]:
    """Every pass, in the order in which they run."""
    for module in ("harmony_passes", "tune_passes"):
        import_module(f"workbench.core.compose.{module}")
    return tuple(_passes.values())


def refine(
    structure: MusicStructure, *, request: Request | None = None, passes: Collection[str] | None = None
) -> Refined:
    """Run the passes (all, or the ids named) one after the other.

    A pass that would make the structure unreadable is left out. Refining twice changes nothing more.
    """
    steps: list[Step] = []
    for each in all_passes():
        if passes is not None and each.id not in passes:
            continue
        after = each.change(structure, request)
        if after == structure or not _readable(after):
            continue
        steps.append(Step(each.id, each.title, structure, after, _differing(structure, after)))
        structure = after
    return Refined(structure, tuple(steps))


def _readable(structure: MusicStructure) -> bool:
    try:
        lay_out(structure)
    except InvalidStructureError:
        return False
    return True


def _differing(before: MusicStructure, after: MusicStructure) -> tuple[str, ...]:
    paths: list[str] = []

    def walk(first: object, second: object, path: str) -> None:
        if first == second:
            return
        if isinstance(first, dict) and isinstance(second, dict):
            for name in {**first, **second}:
                walk(first.get(name), second.get(name), f"{path}/{name}")
        elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
            for index, (one, other) in enumerate(zip(first, second, strict=True)):
                walk(one, other, f"{path}/{index}")
        else:
            paths.append(path)

    walk(before.to_dict(), after.to_dict(), "")
    return tuple(paths)
