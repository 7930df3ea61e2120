"""The client of a service that the application calls and waits for: the carrier that tracks shipments.

One call has a deadline and a largest answer, follows no redirect and holds no database connection. Under WSGI servers
a thread or greenlet waits in urllib3, in an event loop the request waits in aiohttp while the loop serves others. Both
keep their connections open between calls.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.util.concurrency import await_

from .settings import Settings

MAX_ANSWER_BYTES = 64 * 2**10
CHUNK_BYTES = 16 * 2**10
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "TraceTrack"}


class UpstreamUnavailable(Exception):
    """The service cannot be reached, breaks off, or answers what is no answer."""


class UpstreamTooSlow(Exception):
    """The service did not answer in time."""


class Answer(NamedTuple):
    """A whole answer of the service."""

    status: int
    content: bytes


class Upstream:
    """A client that blocks its thread or greenlet; one object serves all of a worker, `connections` of them at once."""

    def __init__(self, url: str, timeout_s: float, connections: int):
        import urllib3  # only where there is an upstream; in a gevent worker it has to find gevent's sockets

        timeout = urllib3.Timeout(total=timeout_s)
        self._timeout_s = timeout_s
        self._pool = urllib3.connection_from_url(
            url, maxsize=connections, timeout=timeout, retries=False, headers=HEADERS
        )
        self._prefix = _path_of(url)
        self._errors = urllib3.exceptions

    def get(self, path: str) -> Answer:
        """The answer to a GET. Raises `UpstreamTooSlow` or `UpstreamUnavailable`."""
        errors = self._errors
        with _own_errors(errors.TimeoutError, errors.HTTPError, but=errors.NewConnectionError):
            response = self._pool.urlopen("GET", f"{self._prefix}{path}", preload_content=False, redirect=False)
            try:
                content = _Content(time.monotonic() + self._timeout_s)
                while part := response.read1(CHUNK_BYTES, decode_content=False):
                    content.add(part)
            except BaseException:
                response.close()  # the rest of the answer must not become that to another call
                raise
            response.release_conn()
            return Answer(response.status, content.read)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()


class LoopUpstream:
    """A client for greenlets of one event loop, which serves other requests while they wait."""

    _session: Any = None

    def __init__(self, url: str, timeout_s: float):
        import aiohttp  # at the start of the worker: in a request it would stop the loop for half a second

        self._aiohttp = aiohttp
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s

    def get(self, path: str) -> Answer:
        """The answer to a GET. Raises `UpstreamTooSlow` or `UpstreamUnavailable`."""
        with _own_errors(TimeoutError, self._aiohttp.ClientError):
            return await_(self._get(path))

    async def _get(self, path: str) -> Answer:
        content = _Content(time.monotonic() + self._timeout_s)
        async with self._open().get(f"{self._url}{path}", allow_redirects=False) as response:
            async for part in response.content.iter_any():
                content.add(part)
            return Answer(response.status, content.read)

    def _open(self) -> Any:
        """The session with the connections, which belongs to the loop that runs."""
        if self._session is None:
            client = self._aiohttp
            self._session = client.ClientSession(
                connector=client.TCPConnector(limit=0),  # the server bounds its requests
                timeout=client.ClientTimeout(total=self._timeout_s),
                cookie_jar=client.DummyCookieJar(),
                headers=HEADERS,
                auto_decompress=False,
            )
        return self._session

    def close(self) -> None:
        """Close all connections; to be called in a greenlet of the loop."""
        if self._session is not None:
            await_(self._session.close())


class _Content:
    """The content of an answer as far as it was read, which has to be complete at `deadline_s` (monotonic seconds)."""

    def __init__(self, deadline_s: float):
        self.read = b""
        self._deadline_s = deadline_s

    def add(self, part: bytes) -> None:
        """Add a part. Raises `UpstreamTooSlow` after the deadline, `UpstreamUnavailable` for an answer too large."""
        self.read += part
        if len(self.read) > MAX_ANSWER_BYTES:
            raise UpstreamUnavailable(f"its answer has more than {MAX_ANSWER_BYTES} bytes")
        # A library's deadline is for each read, and a service may send byte by byte.
        if time.monotonic() > self._deadline_s:
            raise UpstreamTooSlow("its answer was not complete in time")


@contextmanager
def _own_errors(
    too_slow: type[Exception], others: type[Exception], but: type[Exception] | tuple[()] = ()
) -> Iterator[None]:
    """Raise this module's errors in the place of a library's; `but` is a kind of `too_slow` that is none."""
    try:
        yield
    except but as error:
        raise UpstreamUnavailable(_reason(error)) from error
    except too_slow as error:
        raise UpstreamTooSlow(_reason(error)) from error
    except others as error:
        raise UpstreamUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0] or type(error).__name__


def _path_of(url: str) -> str:
    return urlsplit(url).path.rstrip("/")


def init_app(app: Flask, settings: Settings) -> None:
    """Create the client if the settings name a service; it connects at first use."""
    app.extensions["upstream"] = _create(settings) if settings.upstream_url else None


def _create(settings: Settings) -> Upstream | LoopUpstream:
    timeout_s = settings.upstream_timeout_ms / 1000
    if settings.server == "uvicorn":
        return LoopUpstream(settings.upstream_url, timeout_s)
    at_once = settings.worker_connections if settings.serves_by_loop else settings.threads
    return Upstream(settings.upstream_url, timeout_s, at_once)
