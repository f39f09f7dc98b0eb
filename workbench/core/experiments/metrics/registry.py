"""The registry of metrics: one function each, registered with what it counts in, and explained by its docstring.

A metric of a sample looks at one answered request; a metric of a set looks at all samples of one variant. Adding one
touches its own file alone: every module of this package is read, and ``plugins.load_metrics`` reads one's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.samples import Sample, Value

if TYPE_CHECKING:
    from workbench.core.experiments.metrics.context import Context

Kind = Literal["rate", "number", "count"]
"""``rate``: yes or no for each sample. ``number``: any finite number. ``count``: a whole number from 0 on."""
Better = Literal["higher", "lower", ""]
FAMILIES: Mapping[str, str] = {
    "format": "What the model wrote, before and after repair",
    "plan": "How far the plan was kept, as written and as it sounds",
    "findings": "What the checks find",
    "music": "Statistics of the notes",
    "copying": "Likeness to what the model was shown or trained on",
    "variety": "How the pieces of one variant differ from each other",
    "cost": "Time, tokens and money",
    "own": "Metrics of one's own",
}
SHARE = "share"
"""The unit of numbers from 0 to 1."""

LookAtSample = Callable[[Sample, "Context"], Value]
LookAtSet = Callable[[Sequence[Sample], "Context"], Value]
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_NAME = 60


@dataclass(frozen=True)
class _Told:
    name: str
    kind: Kind
    better: Better
    unit: str
    family: str
    title: str
    explanation: str
    origin: str


@dataclass(frozen=True)
class Metric(_Told):
    """A metric of one sample.

    ``title`` is its name for people; ``better`` says which way is better, empty where neither is; ``unit`` is
    ``share`` for numbers from 0 to 1; ``origin`` is the module or file that it comes from.
    """

    look: LookAtSample


@dataclass(frozen=True)
class SetMetric(_Told):
    """A metric of all samples of one variant; otherwise as ``Metric``."""

    look: LookAtSet


TAKEN = frozenset(
    {
        "cell", "request", "variant", "seed", "state", "fault", "outcome", "model", "title", "form", "period", "mood",
        "mode", "meter", "words", "position",
    }
)  # fmt: skip
"""What the other columns of results are called: no metric may be."""
_metrics: dict[str, Metric] = {}
_set_metrics: dict[str, SetMetric] = {}
METRICS: Mapping[str, Metric] = MappingProxyType(_metrics)
"""Every metric of a sample by its name; those of one's own join when they are loaded."""
SET_METRICS: Mapping[str, SetMetric] = MappingProxyType(_set_metrics)
"""Every metric of a set by its name."""


def metric(
    name: str, *, kind: Kind, better: Better = "", unit: str = "", family: str = "own", title: str = "",
    explanation: str = "",
) -> Callable[[LookAtSample], LookAtSample]:  # fmt: skip
    """Register the decorated function as a metric of a sample; its docstring explains it where nothing else does.

    Raises:
        ValueError: the name is taken or no plain name, or one of the other values is unknown.
    """

    def keep(look: LookAtSample) -> LookAtSample:
        _demand(name, kind, better, family, look)
        told = _words(look, explanation)
        _metrics[name] = Metric(name, kind, better, unit, family, title or _title(name), told, look.__module__, look)
        return look

    return keep


def set_metric(
    name: str, *, kind: Kind = "number", better: Better = "", unit: str = "", family: str = "own", title: str = "",
    explanation: str = "",
) -> Callable[[LookAtSet], LookAtSet]:  # fmt: skip
    """Register the decorated function as a metric of all samples of a variant; otherwise as ``metric``."""

    def keep(look: LookAtSet) -> LookAtSet:
        _demand(name, kind, better, family, look)
        told = _words(look, explanation)
        _set_metrics[name] = SetMetric(
            name, kind, better, unit, family, title or _title(name), told, look.__module__, look
        )
        return look

    return keep


def all_metrics() -> tuple[Metric | SetMetric, ...]:
    """Every metric, in the order of the families, then as they were registered."""
    order = list(FAMILIES)
    return tuple(sorted((*_metrics.values(), *_set_metrics.values()), key=lambda each: order.index(each.family)))


def metrics_named(names: Iterable[str]) -> tuple[Metric | SetMetric, ...]:
    """The metrics of these names, each once, in the order of ``names``; ``_`` may stand for ``-``.

    A family's name, or ``all``, stands for all of its metrics.

    Raises:
        InvalidInputError: there is no metric of a name; the hint has names like it.
    """
    found: dict[str, Metric | SetMetric] = {}
    everything = all_metrics()
    for wanted in names:
        name = wanted.strip().lower().replace("_", "-") if isinstance(wanted, str) else ""
        one = _metrics.get(name) or _set_metrics.get(name)
        chosen = [one] if one else [each for each in everything if name in ("all", each.family)]
        if not chosen:
            shown = str(wanted)[:_MAX_NAME]
            raise InvalidInputError(f"There is no metric {shown!r}.", hint=_hint(name), field="metrics")
        found |= {each.name: each for each in chosen}
    return tuple(found.values())


@contextmanager
def all_or_none() -> Iterator[list[str]]:
    """What is registered inside is forgotten where an error leaves it; gives the new names in the end."""
    before, before_sets = dict(_metrics), dict(_set_metrics)
    new: list[str] = []
    try:
        yield new
    except BaseException:
        for now, then in ((_metrics, before), (_set_metrics, before_sets)):
            now.clear()
            now.update(then)  # type: ignore[arg-type]
        raise
    new += [name for name in (*_metrics, *_set_metrics) if name not in before and name not in before_sets]


def names_from(origin: str) -> tuple[str, ...]:
    """The names of the metrics that come from a module, the modules in it, or a file."""
    return tuple(
        each.name
        for each in (*_metrics.values(), *_set_metrics.values())
        if each.origin == origin or each.origin.startswith(f"{origin}.")
    )


def forget(origin: str) -> None:
    """Forget the metrics that come from a module or file, so that it can be read anew."""
    for kept in (_metrics, _set_metrics):
        for name in [name for name, each in kept.items() if each.origin == origin]:
            del kept[name]


def _demand(name: str, kind: str, better: str, family: str, look: object) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise ValueError(f"{name[:_MAX_NAME]!r} is no name for a metric: write small letters, digits and dashes")
    if name in TAKEN:
        raise ValueError(f"{name!r} is the name of something else in tables of results")
    if name in FAMILIES or name == "all":
        raise ValueError(f"{name!r} is the name of a family")
    if name in _metrics or name in _set_metrics:
        raise ValueError(f"two metrics are called {name!r}")
    if not callable(look):
        raise ValueError(f"{name!r} is no function")
    for value, known in ((kind, get_args(Kind)), (better, get_args(Better)), (family, tuple(FAMILIES))):
        if value not in known:
            raise ValueError(f"{name}: {value!r} is none of {', '.join(repr(each) for each in known)}")


def _words(look: Callable[..., Value], explanation: str) -> str:
    return " ".join((explanation or look.__doc__ or "").split())


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _hint(name: str) -> str:
    known = [*_metrics, *_set_metrics]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"Did you mean {', '.join(near)}?" if near else f"Families are {', '.join(FAMILIES)}; or say all."
