"""OpenAI's protocol over HTTP: a question, asked again where that may help, and its answer as it comes in.

A run of thousands of calls spends here whatever time it does not wait, so no more is done than has to be: answers are
read as plain JSON. When and how often it asks again, and for how long it waits, is as in the ``openai`` package.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any, Self
from urllib.request import getproxies, proxy_bypass

from workbench.core.music.reading import MAX_BYTES

if TYPE_CHECKING:
    import aiohttp
    import yarl

RETRIES = 2
"""Times that a question is asked again, where nothing has come back or the endpoint asks for it."""
PATIENCE = 120.0
"""Seconds for which an endpoint may ask to be left alone; who asks for more is not asked again."""
CONNECT_SECONDS = 10.0
LINGER = 0.05
"""Seconds for which an endpoint may take to end an answer that it has called done."""
MOST = 8 * MAX_BYTES
"""Bytes of one event, or of an answer that comes as a whole."""
_LARGE = 1 << 20
_PASSING = (408, 409, 429)


def load() -> None:
    """Load what the first question would wait for, while there is time."""
    import aiohttp  # noqa: F401


class Unreached(Exception):  # noqa: N818 - as the others here, told in words elsewhere
    """An endpoint cannot be reached, or its address is none."""


class Reported(Exception):  # noqa: N818
    """An endpoint tells of an error in the midst of an answer."""


class Refusal(Exception):  # noqa: N818
    """An endpoint answers with a status that is no success; the text is the status and what was said of it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        said: Any = None
        with suppress(ValueError, RecursionError):
            said = json.loads(body)
        error = said.get("error", said) if isinstance(said, dict) else None
        about: dict[str, Any] = error if isinstance(error, dict) else {}
        message = about.get("message")
        super().__init__(f"Error code: {status}" + (f" - {message}" if isinstance(message, str) and message else ""))
        self.status, self.headers = status, headers
        self.code, self.param = (None if about.get(name) is None else str(about[name]) for name in ("code", "param"))

    @property
    def pause(self) -> float | None:
        """Seconds after which the endpoint wants to be asked again, as far as it says."""
        for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
            with suppress(ValueError):
                return float(self.headers.get(name, "")) / divisor
        with suppress(ValueError, TypeError, OverflowError):
            return parsedate_to_datetime(self.headers.get("retry-after", "")).timestamp() - time()
        return None

    @property
    def passes(self) -> bool:
        """Whether it may be otherwise in a moment."""
        if (self.pause or 0.0) > PATIENCE:
            return False
        said = self.headers.get("x-should-retry")
        return said == "true" if said in ("true", "false") else self.status in _PASSING or self.status >= 500


class Reply:
    """An answer that has begun; ``tries`` is how often the question was asked again. It is to be entered, and left."""

    def __init__(self, response: aiohttp.ClientResponse, tries: int) -> None:
        self._response, self.tries = response, tries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.release()

    async def whole(self) -> dict[str, Any]:
        """The answer as one JSON object; empty where it is none.

        Raises:
            ValueError: it is no JSON, or longer than ``MOST``.
        """
        found = json.loads(await _read(self._response, MOST))
        return found if isinstance(found, dict) else {}

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The JSON objects of a stream of server-sent events, until it says that it is done or ends.

        Raises:
            Reported: the endpoint tells of an error.
            ValueError: what comes is no JSON, or an event is longer than ``MOST``.
        """
        async for data in self._events():
            if data.startswith("[DONE]"):
                break
            found = json.loads(data)
            if isinstance(found, dict):
                if found.get("error"):
                    raise Reported(_message(found["error"]))
                yield found
        if not self._response.content.at_eof():  # or the connection could not be used again
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await _read(self._response, MOST)

    async def _events(self) -> AsyncIterator[str]:
        data: list[bytes] = []
        async for lines in self._lines():
            for line in lines:
                if line.startswith(b"data:"):
                    data.append(line[6:] if line[5:6] == b" " else line[5:])
                elif not line and data:
                    yield b"\n".join(data).decode()
                    data.clear()
            if sum(map(len, data)) > MOST:
                raise ValueError("an event has no end")

    async def _lines(self) -> AsyncIterator[list[bytes]]:
        """Whole lines, as many as have come, whichever way they end."""
        parts: list[bytes] = []
        length = 0
        async for chunk in self._response.content.iter_any():
            parts.append(chunk)
            length += len(chunk)
            if b"\n" not in chunk and b"\r" not in chunk:
                if length > MOST:
                    raise ValueError("a line has no end")
                continue
            text = b"".join(parts)
            held = b"\r" if text.endswith(b"\r") else b""  # the other half of its end may come
            if b"\r" in text:
                text = text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            *lines, rest = text.split(b"\n")
            parts = [rest + held]
            length = len(parts[0])
            yield lines


class Line:
    """The way to one endpoint, in one event loop: ``most`` connections, kept open between questions.

    Args:
        url: where it is; a name and a password in it are told as such, in place of ``Authorization``.
        headers: what it is told with every question.
        most: connections at the same time.
        seconds: that may go by without anything coming back.

    Raises:
        Unreached: the address is none.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, most: int, seconds: float) -> None:
        import aiohttp
        import yarl

        try:
            place = yarl.URL(url)
            named = f"{place.user or ''}:{place.password or ''}" if place.user or place.password else ""
            self._base = place.with_user(None).with_fragment(None)
            self._proxy = _proxy(place)
        except ValueError:
            raise Unreached from None
        if place.scheme not in ("http", "https") or not place.host:
            raise Unreached
        self._headers = {"Content-Type": "application/json", "User-Agent": "airia-workbench", **headers}
        if named:
            self._headers["Authorization"] = f"Basic {b64encode(named.encode()).decode()}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most, ssl=_certificates() if place.scheme == "https" else True),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=min(CONNECT_SECONDS, seconds), sock_read=seconds),
        )  # fmt: skip

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Send a question to a place under the address, or fetch what is there; again where that may help.

        Raises:
            Unreached: nothing comes back.
            Refusal: something comes back that is no success.
            TimeoutError: it takes too long.
        """
        url = self._base.joinpath(path).with_query(self._base.query)
        data = None if body is None else _bytes(body)
        tries = 0
        while True:
            try:
                return await self._once(url, data, tries)
            except (Unreached, Refusal, TimeoutError) as problem:
                pause = problem.pause if isinstance(problem, Refusal) else None
                if tries >= RETRIES or (isinstance(problem, Refusal) and not problem.passes):
                    raise
            usual = 0.5 * 2**tries * (1 - 0.25 * random.random())
            await asyncio.sleep(pause if pause is not None and 0 < pause <= PATIENCE else usual)
            tries += 1

    async def _once(self, url: yarl.URL, data: bytes | None, tries: int) -> Reply:
        import aiohttp

        large = data is not None and len(data) > _LARGE
        try:
            response = await self._session.request(
                "GET" if data is None else "POST", url, data=io.BytesIO(data) if data and large else data,
                headers=self._headers, allow_redirects=False, proxy=self._proxy,
            )  # fmt: skip
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError):
            raise Unreached from None
        if response.status < 300:
            return Reply(response, tries)
        async with response:
            body = b""
            with suppress(aiohttp.ClientError, OSError, ValueError):
                body = await _read(response, MAX_BYTES)
            raise Refusal(response.status, response.headers, body)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    parts, length = [], 0
    async for chunk in response.content.iter_any():
        parts.append(chunk)
        length += len(chunk)
        if length > most:
            raise ValueError("an answer has no end")
    return b"".join(parts)


def _bytes(body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")  # half a character is none


def _message(error: Any) -> str:
    said = error.get("message") if isinstance(error, dict) else None
    return said if isinstance(said, str) and said else "An error occurred during streaming"


def _proxy(place: yarl.URL) -> str | None:
    """The proxy that the environment names for a place."""
    known = getproxies()
    proxy = known.get(place.scheme) or known.get("all")
    if not proxy or not place.host or proxy_bypass(f"{place.host}:{place.port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _certificates() -> Any:
    from httpx2 import create_ssl_context

    return create_ssl_context()
