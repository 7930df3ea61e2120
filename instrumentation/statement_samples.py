"""The slowest executions of each statement in the requests of a run, with the values of their parameters.

After a run the plans of statements are asked for with values that the load sent. The file has those values as they
were, secrets included: it belongs into a folder that no other user can read, and goes with the run. Only requests that
are timed (see `server_timing`) are recorded, so a warm-up leaves nothing.

A line is a JSON object: `statement` as the driver gets it, with placeholders `%(name)s`; `values` by name, bytes as
`{"hex": "…"}`; `public`, the names whose values may be shown; `took_ns`, the time of the execution. Of a statement with
several lines the one that took longest counts.
"""

import json
import logging
import os
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from . import server_timing

log = logging.getLogger(__name__)

MAX_STATEMENTS = 500  # that are kept apart; an application that writes values into its statements has any number
MAX_LINE_BYTES = 16 * 1024
GROWTH = 1.25  # an execution is written if it took this many times as long as the last one that was written

TextOf = Callable[[Any], str]


class StatementSamples:
    """Appends to the file at `path`, which several workers may share; without a path (`""`) it records nothing.

    `text_of` returns the text of a statement for the driver. It is called for what is written only: a statement is
    written once, and again where an execution takes `GROWTH` times as long, so that a request rarely pays for it.
    """

    def __init__(self, path: str, public: Collection[str], text_of: TextOf = str):
        self._public = frozenset(public)
        self._text_of = text_of
        self._bounds_ns: dict[Hashable, float] = {}
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if path else None

    def note(self, statement: Hashable, values: Mapping[str, Any], took_ns: int) -> None:
        """Record an execution of a statement if none like it took as long."""
        if (
            self._descriptor is None
            or took_ns <= self._bounds_ns.get(statement, 0)
            or server_timing.current_or_none() is None
        ):
            return
        if statement in self._bounds_ns or len(self._bounds_ns) < MAX_STATEMENTS:
            self._bounds_ns[statement] = took_ns * GROWTH
            self._append(self._line(statement, values, took_ns))

    def _line(self, statement: Hashable, values: Mapping[str, Any], took_ns: int) -> bytes:
        """The line of an execution; empty for values that it cannot hold as they are."""
        public = sorted(self._public & values.keys())
        entry = {"statement": self._text_of(statement), "values": dict(values), "public": public, "took_ns": took_ns}
        try:
            return json.dumps(entry, default=_hex).encode() + b"\n"
        except TypeError:
            return b""

    def _append(self, line: bytes) -> None:
        if self._descriptor is None or not 0 < len(line) <= MAX_LINE_BYTES:
            return
        try:
            os.write(self._descriptor, line)  # one write: lines of several workers do not mix
        except OSError as error:
            log.warning("statements are not recorded any more", extra={"reason": error.strerror})
            self._descriptor = None


def _hex(value: object) -> dict[str, str]:
    """Bytes for JSON. Raises TypeError for anything else."""
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} cannot be recorded")
    return {"hex": value.hex()}
