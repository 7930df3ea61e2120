"""A process as a worker of an instrumented application: its slot, its recorder, its pool, the way to the monitor.

It takes a slot with its first request: a script that only imports the application starts nothing, and a server may
fork in between.
"""

import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

from .adopted_pool import adopt
from .monitor.access import issue_token
from .monitor_file import MonitorFile
from .request_recorder import RequestRecorder
from .shared_files import NotShared, claim
from .worker_metrics import Slot, WorkerMetrics

PORT, MAX_PORT = 9464, 65_535
PORT_VARIABLE, TOKEN_VARIABLE = "INSTRUMENTATION_PORT", "TRACETRACK_RUN_TOKEN"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

log = logging.getLogger("instrumentation")


class InstrumentedWorker:
    """The instrumentation of one application in this process.

    The monitor reads `recorder` and `slot` from the first request on; until then both are private.
    """

    def __init__(self, application: str, engine: Any, port: int | None, request_id: Any):
        """`application` is what its workers have in common, and no other application has.

        Raises `ValueError` for a port that is none, and what `adopt` raises.
        """
        self.port = _port(os.environ.get(PORT_VARIABLE, PORT), PORT_VARIABLE) if port is None else _port(port, "port")
        self._application = application
        self.number = 0
        self.slot: Slot = WorkerMetrics.private().slot(0)
        self.recorder = RequestRecorder(MonitorFile.private().section(0), request_id)
        self._key = ""
        self._notice = ""
        self._is_claimed = False
        self._lock = threading.Lock()
        self._statistics = adopt(engine, self.slot, self.recorder) if engine is not None else None
        if engine is None:
            log.warning("no engine was given: there are no metrics of a pool and of statements")
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._is_claimed, self._lock = False, threading.Lock()

    def begin_serving(self) -> None:
        """Take a slot and start the monitor, at the first call in this process."""
        if self._is_claimed:
            return
        with self._lock:
            if not self._is_claimed:
                self._claim()
                self._is_claimed = True

    def _claim(self) -> None:
        try:
            claimed = claim(self.port, self._application)
        except (NotShared, OSError) as error:
            self._notice = f"no /metrics and no /monitor: {error}"
        else:
            self.number, self._key, self._notice = claimed.worker, claimed.key, claimed.notice
            self.slot = claimed.slot
            self.recorder.move_to(claimed.section)
            if self._statistics:
                self._statistics.move_to(claimed.slot)
        if self._notice:
            log.warning("%s", self._notice)

    def monitor_address(self, user: str) -> tuple[str, str]:
        """Where the monitor is for a user who may see it, with a token; else "" and why there is none."""
        if self._notice:
            return "", self._notice
        return f"http://127.0.0.1:{self.port}/monitor?token={issue_token(self._key, user)}", ""


def _port(value: Any, name: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_PORT):
        raise ValueError(f"{name} is {text!r}; it must be a port, from 1 to {MAX_PORT}")
    return int(text)


def is_from_this_machine(address: str, headers: Mapping[str, str]) -> bool:
    """True for a request that a browser on this machine sent to this machine, past every proxy.

    `headers` have small names. A proxy on this machine names itself in one of `FORWARDED`; a site whose name leads to
    this machine is in `host`.
    """
    host = headers.get("host", "").lower()
    name, _, port = host.rpartition(":")
    return (
        address in LOOPBACK_ADDRESSES
        and (name if name and port.isdigit() else host) in LOOPBACK_NAMES
        and not any(header in headers for header in FORWARDED)
    )
