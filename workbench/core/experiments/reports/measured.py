"""The values of many cells as one table of numbers, so that averages over requests are taken of all metrics at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.core.experiments.results import Ended, Result, table_of
from workbench.core.experiments.statistics.averages import MOST, Averages, averages
from workbench.core.experiments.statistics.verdicts import Measured

if TYPE_CHECKING:
    import numpy as np

    Rows = np.ndarray[Any, np.dtype[np.bool_]]


class MeasuredCells:
    """Some cells and what some metrics say of them.

    Raises:
        InvalidInputError: as ``averages`` does.
    """

    def __init__(self, cells: Iterable[Result | Ended], metrics: Sequence[Measured]) -> None:
        import numpy as np

        self.cells = sorted(cells, key=lambda each: (each.request, each.seed))
        self._metrics = metrics
        self._places: dict[str, int] = {}
        requests = [self._places.setdefault(each.request, len(self._places)) for each in self.cells]
        self._requests = np.array(requests, dtype=np.intp)
        self._names = list(self._places)
        self._values = self._numbers()

    def by_variant(self, variants: Iterable[str], rows: Rows | None = None) -> dict[str, dict[str, Averages]]:
        """The averages of each variant by metric, of all cells or those that ``rows`` says; without those of no value.

        A variant without a cell among them is left out.
        """
        import numpy as np

        of = np.array([each.variant for each in self.cells], dtype=object)
        found: dict[str, dict[str, Averages]] = {}
        for variant in variants:
            chosen = of == variant if rows is None else (of == variant) & rows
            if chosen.any():
                found[variant] = self._averages(np.flatnonzero(chosen))
        return found

    def where(self, facet: str, level: str) -> Rows:
        """The cells of a level of a facet."""
        import numpy as np

        return np.array([each.facets.get(facet, "") == level for each in self.cells], dtype=bool)

    def _averages(self, rows: Any) -> dict[str, Averages]:
        import numpy as np

        requests = self._requests[rows]  # in order
        starts = np.flatnonzero(np.diff(requests, prepend=-1))
        values = self._values[rows]
        known = ~np.isnan(values)
        counts = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
        sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
        means = sums / np.maximum(counts, 1)
        names = [self._names[at] for at in requests[starts].tolist()]
        found: dict[str, Averages] = {}
        for at, metric in enumerate(self._metrics):
            seeds = counts[:, at].tolist()
            if any(seeds):
                found[metric.name] = _averages(names, means[:, at].tolist(), seeds)
        return found

    def _numbers(self) -> Any:
        """The values (cells, metrics), NaN where there is none: None, or too large."""
        import numpy as np

        names = [each.name for each in self._metrics]
        told = [[each.values.get(name) for name in names] for each in self.cells]
        try:
            values = np.array(told, dtype=np.float64).reshape(len(told), len(names))
        except (TypeError, ValueError, OverflowError):
            self._refuse()
            raise
        rates = np.array([each.kind == "rate" for each in self._metrics], dtype=bool)
        of_rates = values[:, rates]
        if not (np.isnan(of_rates) | (of_rates == 0) | (of_rates == 1)).all():
            self._refuse()
        values[~(np.abs(values) <= MOST)] = np.nan
        return values

    def _refuse(self) -> None:
        """Look at value after value, to tell of which request one cannot be used."""
        for row in table_of(self.cells, [each.name for each in self._metrics]).values():
            for metric in self._metrics:
                averages(row[metric.name], metric.kind)


def _averages(names: Sequence[str], means: Sequence[float], seeds: Sequence[int]) -> Averages:
    if all(seeds):
        return Averages(dict(zip(names, means, strict=True)), dict(zip(names, seeds, strict=True)), frozenset())
    having = [(name, mean, count) for name, mean, count in zip(names, means, seeds, strict=True) if count]
    by_request: Mapping[str, float] = {name: mean for name, mean, _ in having}
    without = frozenset(name for name, count in zip(names, seeds, strict=True) if not count)
    return Averages(by_request, {name: count for name, _, count in having}, without)
