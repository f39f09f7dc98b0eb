"""A run's files over HTTP: tables are sent as they are made, reports once they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response, StreamingResponse

from workbench.api import problem
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.views.datasets.downloads import sent
from workbench.views.engine import database, reports

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.core.experiments.runs import Run

ROUTE = "/runs/{run}/{name}"
REPORTS = {"report.html": True, "report-silent.html": False}
"""The reports, and whether there is sound in them."""
TABLES = ("results.csv", "results.jsonl", "results.parquet")
NUMBERS = tuple(name.replace("results", "numbers") for name in TABLES)
"""Tables without requests, answers and pieces."""
SPECIFICATION = "specification.json"
MEDIA = {
    "html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet", "json": "application/json",
}  # fmt: skip


def url_of(run: str, name: str) -> str:
    """The address of a run's file."""
    return ROUTE.format(run=run, name=name)


async def run_file(request: HttpRequest) -> Response:
    """One of a run's files; any other name, and any other run, is not there."""
    wanted, name = request.path_params["run"], request.path_params["name"]
    try:
        called, made = await to_thread.run_sync(_found, wanted, name)
    except InvalidInputError as failure:
        return problem(failure.message, failure.hint, 404)
    except WorkbenchError as failure:
        return problem(failure.message, failure.hint, 500)
    media_type = MEDIA[name.rpartition(".")[2]]
    headers = {
        # The run's name is made of letters, digits, "-" and "_" by now: nothing in it needs to be escaped.
        "Content-Disposition": f'attachment; filename="{called}-{name}"',
        "Cache-Control": "no-store",
        "Content-Encoding": "identity",  # packing would hold up every page of this process
        "X-Content-Type-Options": "nosniff",
    }
    if isinstance(made, bytes):
        return Response(made, media_type=media_type, headers=headers)
    if not isinstance(made, Iterator):
        return FileResponse(made, media_type=media_type, headers=headers)
    if request.method == "HEAD":
        answer = Response(media_type=media_type, headers=headers)
        del answer.headers["Content-Length"]  # nobody knows it before the file is made
        return answer
    return StreamingResponse(sent(made), media_type=media_type, headers=headers)


def _found(wanted: str, name: str) -> tuple[str, bytes | Path | Iterator[bytes]]:
    """What a file is called before its name, and what is in it, or where it lies."""
    from workbench.core.experiments.reports.files import file_name, specification_of_run  # not before they are needed
    from workbench.core.experiments.runs import find_run

    run = find_run(database(), wanted)
    if run is None:
        raise InvalidInputError("There is no such run.", hint="Choose one on the Compare page.")
    if name in REPORTS:
        path = reports().path(run, sound=REPORTS[name])
        if not path.is_file():
            raise InvalidInputError("The report is not made yet.", hint="Have it made on the Compare page.")
        return file_name(run), path
    if name == SPECIFICATION:
        return file_name(run), specification_of_run(run)
    if name not in (*TABLES, *NUMBERS):
        raise InvalidInputError(f"There is no file {name[:60]!r}.", hint="Choose one that the run lists.")
    return file_name(run), _table(run, name)


def _table(run: Run, name: str) -> Iterator[bytes]:
    """The table's blocks; the first is made when it is asked for, so that the answer begins at once."""
    from workbench.core.experiments.reports.files import table_of_run

    kind = name.rpartition(".")[2]
    yield from table_of_run(database(), run, kind, texts=name in TABLES)  # type: ignore[arg-type]
