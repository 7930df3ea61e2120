"""Kinds of failures: exceptions as one of a few fixed texts, so that failures can be counted by kind."""

import errno
import re
import socket
from collections.abc import Iterator

from gevent import Timeout
from locust.exception import CatchResponseError

from workbench.request_schema import GENERATOR_ERROR

from .host_guard import UnconfirmedHost
from .recorded_text import without_secrets

MAX_CHARACTERS = 200
# Resources that this machine or this process has run out of; the target has no part in that.
EXHAUSTED = {
    errno.EMFILE: "too many open files in this process",
    errno.ENFILE: "too many open files on this machine",
    errno.EADDRNOTAVAIL: "no free port",
    errno.ENOBUFS: "no buffer space",
    errno.ENOMEM: "no memory",
}
_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (UnconfirmedHost, "another host than the target's"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (BrokenPipeError, "connection reset"),
    ((TimeoutError, Timeout), "timeout"),
    (socket.gaierror, "host not found"),
)
_STATUS = re.compile(r"\bcode=(\d{3})\b|^(\d{3}) (?:Client|Server) Error")


def error_kind(exception: BaseException | str) -> str:
    """The kind of a failure: the message of a failed check, the status of a bad response, or a connection's error.

    It has no secrets: the message of a client may quote a URL.
    """
    return without_secrets(_kind(exception))


def _kind(exception: BaseException | str) -> str:
    if isinstance(exception, str | CatchResponseError) or type(exception) is Exception:
        return str(exception)[:MAX_CHARACTERS]
    for cause in _chain(exception):
        if isinstance(cause, OSError) and cause.errno in EXHAUSTED:
            return f"{GENERATOR_ERROR}{EXHAUSTED[cause.errno]}"
        for classes, kind in _KINDS:
            if isinstance(cause, classes):
                return kind
    return _kind_by_text(exception)


def _chain(exception: BaseException | None) -> Iterator[BaseException]:
    """The exception and its causes: an HTTP client may say no more than that the connection was closed.

    That of Locust's users has the cause of a request that it does not send again in `original`.
    """
    while exception is not None:
        yield exception
        exception = exception.__cause__ or exception.__context__ or getattr(exception, "original", None)


def _kind_by_text(exception: BaseException) -> str:
    """The kind of an exception whose class does not show it."""
    text, name = str(exception), type(exception).__name__
    if status := _STATUS.search(text):
        return f"status {status[1] or status[2]}"
    if "ConnectionClosed" in name or "RemoteDisconnected" in text:
        return "connection closed without an answer"
    if "Parse" in name or "InvalidHeader" in name:
        return "not HTTP"
    if isinstance(exception, ConnectionError):  # of requests, which gives the cause as text
        return _connection_error_kind(text)
    return f"{name}: {exception}"[:MAX_CHARACTERS]


def _connection_error_kind(text: str) -> str:
    for word, kind in (("refused", "connection refused"), ("reset", "connection reset"), ("timed out", "timeout")):
        if word in text:
            return kind
    return "connection failed"
