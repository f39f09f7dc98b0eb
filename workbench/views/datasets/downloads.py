"""A version's files over HTTP: sent as they are made, in constant memory, however many rows there are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from workbench.api import problem
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.views.engine import database

if TYPE_CHECKING:
    from workbench.core.datasets.versions import Version

ROUTE = "/datasets/{version}/{name}"
MAKERS = 4
"""How many blocks are made at the same time, for all downloads together; a slow reader takes none meanwhile."""
MEDIA = {
    "jsonl": "application/jsonl", "parquet": "application/vnd.apache.parquet", "md": "text/markdown; charset=utf-8",
}  # fmt: skip


def url_of(version: str, name: str) -> str:
    """The address of a version's file."""
    return ROUTE.format(version=version, name=name)


@lru_cache(maxsize=1)
def _limiter() -> CapacityLimiter:
    return CapacityLimiter(MAKERS)


async def dataset_file(request: HttpRequest) -> Response:
    """One of the files that a version lists; any other name, and any other version, is not there."""
    wanted, name = request.path_params["version"], request.path_params["name"]
    try:
        blocks = await to_thread.run_sync(_blocks, wanted, name, limiter=_limiter())
    except InvalidInputError as failure:
        return problem(failure.message, failure.hint, 404)
    except WorkbenchError as failure:
        return problem(failure.message, failure.hint, 500)
    headers = {
        # A listed name is made of letters, digits, "-" and ".": nothing in it needs to be escaped.
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "Content-Encoding": "identity",  # packing would hold up every page of this process
    }
    media_type = MEDIA[name.rpartition(".")[2]]
    if request.method == "HEAD":
        answer = Response(media_type=media_type, headers=headers)
        del answer.headers["Content-Length"]  # nobody knows it before the file is made
        return answer
    return StreamingResponse(sent(blocks), media_type=media_type, headers=headers)


def _blocks(wanted: str, name: str) -> Iterator[bytes]:
    from workbench.core.datasets.files.export import file_names  # the first page does not wait for it
    from workbench.core.datasets.versions import find_version

    version = find_version(database(), wanted)
    if version is None:
        raise InvalidInputError("There is no such version.", hint="Choose one on the Datasets page.")
    if name not in file_names(version):
        raise InvalidInputError(f"There is no file {name[:60]!r}.", hint="Choose one that the version lists.")
    return _made(version, name)


def _made(version: Version, name: str) -> Iterator[bytes]:
    """The file's blocks; the first is made when it is asked for, so that the answer begins at once."""
    from workbench.core.datasets.files.export import stream

    yield from stream(database(), version, name)


async def sent(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The blocks, each made in a thread. What breaks on the way breaks the answer off, so that nobody takes a part for
    the whole."""
    while (block := await to_thread.run_sync(next, blocks, None, limiter=_limiter())) is not None:
        yield block
