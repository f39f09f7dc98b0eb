"""A summary as it was stored, read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.reports.marks import Mark
from workbench.core.experiments.reports.summary import Cell, Column, Level, Summary, Tally
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.paired import Effect
from workbench.core.experiments.statistics.power import More
from workbench.core.experiments.statistics.verdicts import Comparison, Measure


def read_summary(data: object) -> Summary:
    """What ``Summary.to_dict`` made.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        if not isinstance(data, Mapping):
            raise TypeError("no object")
        return _read(data)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InvalidInputError("This is no summary of a run.", hint="Make it again from the results.") from None


def _read(data: Mapping[str, Any]) -> Summary:
    return Summary(
        variants=tuple(data["variants"]),
        columns=tuple(Column(**each) for each in data["columns"]),
        tallies={variant: Tally(**each) for variant, each in data["tallies"].items()},
        cells={
            variant: {metric: _cell(each) for metric, each in row.items()} for variant, row in data["cells"].items()
        },
        comparisons=tuple(_comparison(each) for each in data["comparisons"]),
        levels=tuple(Level(**{**each, "interval": Interval(**each["interval"])}) for each in data["levels"]),
        notes=tuple(data["notes"]),
        against=data["against"],
        alpha=float(data["alpha"]),
        correction=data["correction"],
        family=int(data["family"]),
    )


def _cell(data: Mapping[str, Any]) -> Cell:
    return Cell(Interval(**data["interval"]), str(data["words"]), Mark(**data["mark"]))


def _comparison(data: Mapping[str, Any]) -> Comparison:
    told = {name: value for name, value in data.items() if name not in ("found", "winner")}
    told |= {name: Interval(**data[name]) for name in ("of_a", "of_b", "difference")}
    return Comparison(
        **told
        | {
            "measure": Measure(**data["measure"]),
            "effects": tuple(Effect(**each) for each in data["effects"]),
            "cautions": tuple(data["cautions"]),
            "more": More(**data["more"]),
        }
    )
