"""The frame of a board, from what the cells of a run were found by when they were judged.

Rows from before that was kept have their samples read, which takes a while.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from workbench.core.experiments.elements import BREAK, ELEMENTS, traits_of
from workbench.core.experiments.judging import FACETS
from workbench.core.experiments.runs import unpacked
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import CellRow

if TYPE_CHECKING:
    import pandas as pd

ELEMENT = "element:"
"""What the columns of elements begin with."""
_AS_KEPT = ("request", "variant", "state", "fault", "outcome", *FACETS)
_FIRST = ("cell", "request", "variant", "seed", "state", "fault", "outcome", "model", "title", *FACETS, "words")
_PAGE = 1_000


def frame_of_run(database: Database, id: str, before: pd.DataFrame | None) -> pd.DataFrame:
    """The frame of all ended cells of a run; what is known ``before`` is not read again.

    Raises:
        InvalidInputError: a sample of before traits were kept cannot be read.
        DatabaseError: the database does not answer.
    """
    import pandas as pd

    with database.reading() as session:
        ended = session.scalars(select(CellRow.position).where(CellRow.run_id == id).order_by(CellRow.position)).all()
    known: Collection[int] = set() if before is None else set(before.index.tolist())
    missing = [at for at in ended if at not in known]
    fresh = _frame(list(_rows(database, id, missing)))
    if before is None or not len(before):
        return fresh
    if not missing:
        return before
    whole = pd.concat([before, fresh]).sort_index()
    return whole[_ordered(whole)]


def _rows(database: Database, id: str, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(positions), _PAGE):
        wanted = positions[start : start + _PAGE]
        asked = (
            select(*_COLUMNS)
            .where(CellRow.run_id == id, CellRow.position >= wanted[0], CellRow.position <= wanted[-1])
            .order_by(CellRow.position)
        )
        few = frozenset(wanted)
        with database.reading() as session:
            rows = [row for row in session.execute(asked).all() if row[0] in few]
            old = [row[0] for row in rows if row[-1] is None]
            samples = dict(_samples(session, id, old)) if old else {}
        for row in rows:
            told = dict(zip(_NAMES, row, strict=True))
            if told["traits"] is None:
                told["traits"] = traits_of(unpacked(samples[told["position"]]))
            yield told


def _samples(session: Any, id: str, positions: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    wanted = select(CellRow.position, CellRow.sample).where(CellRow.run_id == id, CellRow.position.in_(list(positions)))
    yield from ((position, sample) for position, sample in session.execute(wanted).all())


_NAMES = ("position", "cell_id", "request", "variant", "seed", "state", "fault", "outcome", *FACETS, "values", "traits")
_COLUMNS = [getattr(CellRow, name) for name in _NAMES]


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    metrics = sorted({name for row in rows for name in row["values"]})
    texts: dict[str, list[str]] = {name: [row[name] for row in rows] for name in _AS_KEPT}
    texts["cell"] = [row["cell_id"] for row in rows]
    for name in ("model", "title"):
        texts[name] = [str(row["traits"].get(name, "")) for row in rows]
    texts["words"] = [_words(row["request"], str(row["traits"].get("words", ""))) for row in rows]
    for name in ELEMENTS:
        texts[f"{ELEMENT}{name}"] = [str(row["traits"].get("elements", {}).get(name, "")) for row in rows]
    values = np.array([[_float(row["values"].get(name)) for name in metrics] for row in rows], dtype="float64").reshape(
        len(rows), len(metrics)
    )
    columns: dict[str, Any] = {"seed": np.array([row["seed"] for row in rows], dtype="int64")}
    columns |= {name: pd.array(some, dtype=object) for name, some in texts.items()}
    columns |= dict(zip(metrics, values.T, strict=True))
    index = pd.Index(np.array([row["position"] for row in rows], dtype="int64"), name="position")
    frame = pd.DataFrame(columns, index=index)
    return frame[_ordered(frame)]


def _ordered(frame: pd.DataFrame) -> list[str]:
    return [*_FIRST, *metrics_of(frame), *(f"{ELEMENT}{name}" for name in ELEMENTS)]


def metrics_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """The metrics that a board's frame has a column of."""
    return tuple(sorted(str(name) for name, dtype in frame.dtypes.items() if dtype.kind == "f"))


def _words(request: str, words: str) -> str:
    return f"{request.casefold()}{BREAK}{words}"


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)
