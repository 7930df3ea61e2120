"""What kind of failure an exception is: few words that stay the same, so that failures can be counted by kind."""

import errno
import re
import socket

from gevent import Timeout
from locust.exception import CatchResponseError

from workbench.request_schema import OF_THE_GENERATOR

from .host_guard import Unconfirmed

LONGEST = 200
# What this machine or this process has not enough of, and the target has no part in.
SHORT_OF = {
    errno.EMFILE: "too many open files in this process",
    errno.ENFILE: "too many open files on this machine",
    errno.EADDRNOTAVAIL: "no free port",
    errno.ENOBUFS: "no buffer space",
    errno.ENOMEM: "no memory",
}
_KINDS = (
    (Unconfirmed, "another host than the target's"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionResetError, "connection reset"),
    (BrokenPipeError, "connection reset"),
    ((TimeoutError, Timeout), "timeout"),
    (socket.gaierror, "host not found"),
)
_STATUS = re.compile(r"\bcode=(\d{3})\b|^(\d{3}) (?:Client|Server) Error")


def kind(exception: BaseException) -> str:
    """A judgement's own words, the status of a bad answer, or what happened to the connection."""
    if isinstance(exception, str | CatchResponseError) or type(exception) is Exception:
        return str(exception)[:LONGEST]
    for one in _with_causes(exception):
        if isinstance(one, OSError) and one.errno in SHORT_OF:
            return f"{OF_THE_GENERATOR}{SHORT_OF[one.errno]}"
        for classes, name in _KINDS:
            if isinstance(one, classes):
                return name
    if status := _STATUS.search(str(exception)):
        return f"status {status[1] or status[2]}"
    name = type(exception).__name__
    if "ConnectionClosed" in name or "RemoteDisconnected" in str(exception):
        return "connection closed without an answer"
    if "Parse" in name or "InvalidHeader" in name:
        return "not HTTP"
    if isinstance(exception, ConnectionError):  # of requests, which wraps the cause in words
        return _of_words(str(exception))
    return f"{name}: {exception}"[:LONGEST]


def _with_causes(exception):
    """An HTTP client may say no more than that the connection was closed; what it met stands behind."""
    while exception is not None:
        yield exception
        exception = exception.__cause__ or exception.__context__


def _of_words(text):
    for word, name in (("refused", "connection refused"), ("reset", "connection reset"), ("timed out", "timeout")):
        if word in text:
            return name
    return "connection failed"
