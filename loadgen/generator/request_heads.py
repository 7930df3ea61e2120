"""The heads of requests, built once for each client and combination of headers.

geventhttpclient merges and checks the headers of every request anew, although those of a user hardly change. What it
makes of them is kept here, and only the request line is written for each request.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from geventhttpclient.header import Headers

MAX_PATHS = 1000  # of which it is remembered whether they are plain
MAX_KEPT = 8  # of a client: more than the endpoints of a user need, who has one set of cookies at a time
LINE_END = "\r\n"


class RequestHeads:
    """The text of requests as `build`, the client's `_build_request`, makes it.

    It depends on the path in nothing but the request line. So the lines below are kept by all that they depend on:
    method, length of the body, and headers, those of the client included. What is not simple is built each time:
    proxies, bodies of unknown length, several headers of one name, values that are no text, and paths in which a
    character may have to be refused.
    """

    def __init__(self, build: Callable[..., str]):
        self._build = build

    def head(self, client: Any, method: str, path: str, body: Any, headers: Any, chunked: bool | None) -> str:
        """The text of a request of this client without the empty line at its end: more headers may follow."""
        if type(headers) is not Headers or type(body) is not bytes or client.use_proxy or not _is_plain(path):
            return self._build(client, method, path, body, headers, chunked)[: -len(LINE_END)]
        key = method, len(body), chunked, tuple(dict.values(headers)), tuple(dict.values(client.default_headers))
        try:
            lines = client._tracetrack_heads[key]
        except (AttributeError, KeyError, TypeError):  # the first one, a new one, several values of one name
            return self._build_and_keep(client, key, method, path, body, headers, chunked)
        return f"{method} {path} {client.version}{lines}"

    def _build_and_keep(
        self, client: Any, key: tuple, method: str, path: str, body: bytes, headers: Headers, chunked: bool | None
    ) -> str:
        head = self._build(client, method, path, body, headers, chunked)[: -len(LINE_END)]
        line, end, rest = head.partition(LINE_END)
        if line == f"{method} {path} {client.version}" and _are_texts((headers, client.default_headers)):
            heads = client.__dict__.setdefault("_tracetrack_heads", {})
            if len(heads) >= MAX_KEPT:
                heads.clear()
            heads[key] = f"{end}{rest}"
        return head


@lru_cache(MAX_PATHS)
def _is_plain(path: str) -> bool:
    """True for a path that goes into a request line as it is: visible ASCII, and no second slash at its beginning."""
    return path[:1] == "/" != path[1:2] and path.isascii() and path.isprintable() and " " not in path


def _are_texts(headers: tuple[Headers, ...]) -> bool:
    """True where every header has one value, a text: numbers that are equal may have different texts."""
    return all(
        isinstance(value, tuple) and all(type(part) is str for part in value)
        for each in headers
        for value in dict.values(each)
    )
