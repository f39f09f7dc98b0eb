"""What is asked otherwise in one run than in another, in sentences: variants, requests, seeds and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbench.core.experiments.runs import Run

_WORDS = {"ban_held_out": "ban held out", "reasks": "re-asks"}
_NAMED = 6
"""Names that a sentence lists."""


def changes(now: Run, before: Run) -> tuple[str, ...]:
    """What is new, gone or different now; limits, which decide no result, are left out."""
    return tuple(_changes(now, before))


def _changes(now: Run, before: Run) -> Iterator[str]:
    mine, theirs = now.specification, before.specification
    if now.imported != before.imported:
        yield f"The answers of {(now if now.imported else before).label} were made elsewhere."
    yield from _variants(now, before)
    if mine["requests"] != theirs["requests"] or now.version_id != before.version_id:
        yield f"Requests: {_source(theirs['requests'])} → {_source(mine['requests'])}."
    if mine["seeds"] != theirs["seeds"]:
        yield f"Seeds: {_listed(theirs['seeds'])} → {_listed(mine['seeds'])}."
    yield from _names("metric", mine.get("metrics") or (), theirs.get("metrics") or ())
    libraries = [run.settled.get("library") for run in (now, before)]
    if None not in libraries and libraries[0] != libraries[1]:
        yield "The library has changed: other examples may be shown or adapted."


def _variants(now: Run, before: Run) -> Iterator[str]:
    mine, theirs = ({each["name"]: each for each in run.specification["variants"]} for run in (now, before))
    yield from _names("variant", list(mine), list(theirs))
    for name in (each for each in mine if each in theirs):
        told = [
            f"{_WORDS.get(field, field)} {_value(theirs[name].get(field))} → {_value(value)}"
            for field, value in mine[name].items() if theirs[name].get(field) != value
        ]  # fmt: skip
        if told:
            yield f"{name}: {', '.join(told)}."
        elif _mark(now, name) != _mark(before, name) and None not in (_mark(now, name), _mark(before, name)):
            yield f"{name}: the model, the template or the settings behind it are others now."


def _names(noun: str, mine: Sequence[str], theirs: Sequence[str]) -> Iterator[str]:
    """What is new and gone of a list of names; an empty list of metrics stands for all of them."""
    if not mine or not theirs:
        if bool(mine) != bool(theirs):
            yield f"{noun.capitalize()}s: {_listed(theirs) or 'all'} → {_listed(mine) or 'all'}."
        return
    for word, some, others in (("New", mine, theirs), ("Gone", theirs, mine)):
        found = [each for each in some if each not in others]
        if found:
            yield f"{word} {noun}{'' if len(found) == 1 else 's'}: {_listed(found)}."


def _mark(run: Run, variant: str) -> Any:
    return (run.settled.get("variants") or {}).get(variant)


def _source(requests: Mapping[str, Any]) -> str:
    most = f", {requests['most']:,} at most" if requests.get("most") else ""
    if requests.get("dataset"):
        return f"the {requests.get('split')} split of {requests['dataset']}{most}"
    if requests.get("list") is not None:
        return f"a list of {len(requests['list']):,}{most}"
    grid = {name: levels for name, levels in (requests.get("grid") or {}).items() if levels}
    return f"a grid of {' × '.join(f'{len(levels)} {name}' for name, levels in grid.items())}{most}"


def _listed(values: Sequence[Any]) -> str:
    rest = f" and {len(values) - _NAMED:,} more" if len(values) > _NAMED else ""
    return ", ".join(str(each) for each in values[:_NAMED]) + rest


def _value(value: Any) -> str:
    if value in (None, ""):
        return "as usual"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
