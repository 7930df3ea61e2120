"""Trace ids of the requests of a run, as W3C Trace Context has them: they follow from the run, so no column has them.

    traceparent = "00-" + trace id + "-" + span id + "-01"

    trace id   run key (16 hex digits), user (8), sequence (8)
    span id    user (8), sequence (8); of the server with the highest bit set

The run key is the beginning of the SHA-256 of `<experiment>/<run>`. User and sequence are those of the request's row;
sequences count from 1, so no id is 0.
"""

import hashlib
import os
from typing import NamedTuple

HEADER = "traceparent"
VARIABLE = "TRACETRACK_TRACE"  # of the environment of a load: 1 lets its requests carry the header
KEY = "trace"  # in the record of a run that sent it
_OF_SERVER = 1 << 63


class TraceIds(NamedTuple):
    """The ids of one request in hex digits: of its trace, of the client's span and of the server's."""

    trace: str
    client: str
    server: str


def is_requested() -> bool:
    """True where the environment asks for the header."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def run_key(experiment: str, run: str) -> str:
    """The part of a trace id that all requests of a run have in common."""
    return hashlib.sha256(f"{experiment}/{run}".encode()).hexdigest()[:16]


def traceparent(key: str, user: int, sequence: int) -> str:
    """The header that the client sends: each request of a load pays for it."""
    request = f"{user << 32 | sequence:016x}"
    return f"00-{key}{request}-{request}-01"


def trace_ids(key: str, user: int, sequence: int) -> TraceIds:
    """The ids of the request of a user with this number in its sequence."""
    request = user << 32 | sequence
    return TraceIds(f"{key}{request:016x}", f"{request:016x}", f"{request | _OF_SERVER:016x}")
