"""Hosted batches: a service that speaks OpenAI's ``files`` and ``batches``, asked by its own package.

What comes back may lack or bend any member, and a file may be anything: it is read in pieces, up to a limit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from workbench.core.errors import ModelBrokeOffError, ModelBusyError, ModelError, ModelRefusedError
from workbench.core.errors import ModelUnreachableError as Unreachable
from workbench.core.generate.providers.endpoints import Place, place_of
from workbench.core.generate.secrecy import scrubber
from workbench.core.settings import Settings

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

WINDOW: Literal["24h"] = "24h"
ENDED = ("completed", "failed", "expired", "cancelled")
MARK = "workbench"
"""The member of a batch's metadata that says which of ours it is."""
MOST_LISTED = 2_000
"""Batches that are looked through, newest first, for one that was made and not noted."""
MOST_BYTES, LONGEST = 512_000_000, 8_000_000
"""Bytes that are read of a file, and of a line."""
HERE = ("localhost", "127.0.0.1", "::1")
RETRIES = 2
CONNECT_SECONDS = 10.0
_SAID = 300
_HEADERS = (
    "host", "accept", "connection", "user-agent", "content-", "transfer-encoding", "authorization", "x-stainless-",
)  # fmt: skip
"""What an endpoint needs to be told, as beginnings of header names."""


@dataclass(frozen=True)
class Hosted:
    """A batch as the service tells of it: its state there, how many questions are answered, the files, and why not.

    ``problem`` and ``code`` are of the first error where it has ``failed``.
    """

    id: str
    state: str
    answered: int = 0
    output: str = ""
    errors: str = ""
    problem: str = ""
    code: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.state in ENDED


class Service:
    """The batches of one endpoint (none is the environment's), in one event loop."""

    def __init__(self, settings: Settings, endpoint: str = "") -> None:
        self._settings, self._place = settings, place_of(endpoint, settings)
        self._scrub = scrubber(settings)
        self._client: AsyncOpenAI | None = None

    @property
    def near(self) -> bool:
        """Whether it is on this machine, so that it may be asked more often."""
        return (urlsplit(self._place.url or "").hostname or "") in HERE

    async def demand(self) -> None:
        """Make sure that there are batches here.

        Raises:
            ModelError: there are none, or the endpoint does not answer.
        """
        async with self._calling() as client:
            page = await client.batches.list(limit=1)
            if not isinstance(getattr(page, "data", None), list):
                raise ModelRefusedError("The endpoint has no batches.", kind="http-404", hint=_NONE)

    async def upload(self, name: str, data: bytes) -> str:
        """Upload the questions; the file's id.

        Raises:
            ModelError: the endpoint does not take them.
        """
        async with self._calling() as client:
            return _id(await client.files.create(file=(name, data), purpose="batch"))

    async def make(self, mark: str, file: str) -> Hosted:
        """Have an uploaded file answered. Never repeated by itself: a second batch would be paid, too.

        Raises:
            ModelError: the endpoint refuses; or its answer was lost, and ``find`` knows more.
        """
        async with self._calling(retries=0) as client:
            made = await client.batches.create(
                completion_window=WINDOW, endpoint="/v1/chat/completions", input_file_id=file, metadata={MARK: mark}
            )
            return self._told(made)

    async def find(self, mark: str, file: str) -> Hosted | None:
        """The batch that was made with a mark, or of a file, if there is one.

        Raises:
            ModelError: the endpoint does not answer.
        """
        seen = 0
        async with self._calling() as client:
            async for each in client.batches.list(limit=100):
                marks = getattr(each, "metadata", None)
                marked = isinstance(marks, dict) and marks.get(MARK) == mark
                if marked or (file and getattr(each, "input_file_id", None) == file):
                    return self._told(each)
                seen += 1
                if seen >= MOST_LISTED:
                    break
        return None

    async def look(self, id: str) -> Hosted:
        """How a batch stands.

        Raises:
            ModelError: the endpoint does not answer, or does not know it.
        """
        async with self._calling() as client:
            return self._told(await client.batches.retrieve(id))

    async def cancel(self, id: str) -> Hosted:
        """Have a batch left; what is answered already is still given.

        Raises:
            ModelError: it has ended, or the endpoint does not answer.
        """
        async with self._calling() as client:
            return self._told(await client.batches.cancel(id))

    async def lines(self, file: str) -> AsyncIterator[bytes]:
        """The lines of a file as they come; what is too long is left out.

        Raises:
            ModelError: the file cannot be read.
        """
        async with self._calling() as client, client.files.with_streaming_response.content(file) as response:
            begun, total, skipping = bytearray(), 0, False
            async for piece in response.iter_bytes():
                total += len(piece)
                *whole, rest = piece.split(b"\n")
                for line in whole:
                    begun += line
                    if not skipping and len(begun) <= LONGEST:
                        yield bytes(begun)
                    begun.clear()
                    skipping = False
                begun += rest
                if len(begun) > LONGEST:
                    begun.clear()
                    skipping = True
                if total > MOST_BYTES:
                    return
            if begun and not skipping:
                yield bytes(begun)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            with suppress(RuntimeError):
                await self._client.close()

    @asynccontextmanager
    async def _calling(self, retries: int | None = None) -> AsyncIterator[AsyncOpenAI]:
        """A client for some calls; whatever goes wrong with them comes out in words."""
        client = self._client = self._client or _client(self._place, self._settings)
        try:
            yield client if retries is None else client.with_options(max_retries=retries)
        except ModelError:
            raise
        except Exception as problem:
            raise _explained(problem, self._place, self._scrub(_said(problem))) from None

    def _told(self, answer: Any) -> Hosted:
        counts = getattr(answer, "request_counts", None)
        done, failed = (getattr(counts, name, None) for name in ("completed", "failed"))
        first = next(iter(getattr(getattr(answer, "errors", None), "data", None) or ()), None)
        return Hosted(
            _id(answer), _text(answer, "status")[:40], _count(done) + _count(failed),
            _text(answer, "output_file_id"), _text(answer, "error_file_id"),
            self._scrub(_text(first, "message"))[:_SAID], _text(first, "code")[:80],
        )  # fmt: skip


def _client(place: Place, settings: Settings) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    if place.ours and place.key is None and place.url is None:
        raise ModelRefusedError("There is no key for OpenAI.", hint="Set OPENAI_API_KEY.", kind="no-key")
    timeout = settings.model_timeout
    key = place.key or "none"  # servers of one's own want none, the package one
    return AsyncOpenAI(
        api_key=key, base_url=place.url, max_retries=RETRIES,
        timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        http_client=DefaultAsyncHttpxClient(
            follow_redirects=False, event_hooks={"request": [] if place.ours else [_bare(place, key)]}
        ),
    )  # fmt: skip


def _bare(place: Place, key: str) -> Callable[[httpx2.Request], Awaitable[None]]:
    """Takes out what the package adds for OpenAI from the environment: organization, project, headers of any name."""
    named = "@" in urlsplit(place.url or "").netloc  # a name and a password in the address are its Authorization

    async def bare(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if not name.lower().startswith(_HEADERS)]:
            del request.headers[name]
        if not named:
            request.headers["Authorization"] = f"Bearer {key}"

    return bare


_NONE = "Leave batch out, or choose another endpoint."


def _id(answer: Any) -> str:
    id = getattr(answer, "id", None)
    if not isinstance(id, str) or not 0 < len(id) <= 200:
        raise ModelBrokeOffError("What came back is no answer.", kind="no-answer", hint=_NONE)
    return id


def _text(answer: Any, name: str) -> str:
    value = getattr(answer, name, None)
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return min(value, 10**9) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _said(problem: Exception) -> str:
    return str(getattr(problem, "message", "") or problem)[:_SAID]


def _explained(problem: Exception, place: Place, said: str) -> ModelError:
    """An error of the package as one of ours; ``said`` is what the endpoint says, without secrets."""
    import openai

    if isinstance(problem, openai.APITimeoutError | TimeoutError):
        return Unreachable("The endpoint takes too long.", hint="Raise WORKBENCH_MODEL_TIMEOUT.", kind="timeout")
    if isinstance(problem, openai.APIStatusError):
        return _refused(int(problem.status_code), place, said)
    if isinstance(problem, openai.APIConnectionError) or "httpx" in type(problem).__module__:
        hint = f"Check that it runs, and {place.where}."
        return Unreachable("The endpoint cannot be reached.", hint=hint, kind="connection")
    return ModelBrokeOffError("What came back is no answer.", hint=f"Check {place.where}.", kind="no-answer")


def _refused(status: int, place: Place, said: str) -> ModelError:
    kind = f"http-{status}"
    if status == 401:
        return ModelRefusedError("The endpoint refuses the key.", hint=place.opens, kind=kind)
    if status == 403:
        return ModelRefusedError(f"The key may not be used for batches: {said}", hint=_NONE, kind=kind)
    if status in (404, 405, 501):
        return ModelRefusedError("The endpoint has no batches, or not this one.", hint=_NONE, kind="http-404")
    if status == 429:
        return ModelBusyError(f"The endpoint is busy: {said}", hint="Try again later.", kind=kind)
    if status >= 500:
        return Unreachable(f"The endpoint fails ({status}).", hint="Try again in a moment.", kind=kind)
    return ModelRefusedError(f"The endpoint refuses the batch ({status}): {said}", hint=_NONE, kind=kind)
