"""The summary of a process of the generator: its own counts, which its rows are compared with at the end."""

import json
import os
from collections import Counter
from typing import Any

from locust import log
from locust.env import Environment

from . import loop_watch, timestamps
from .config import IS_MANUAL
from .destination import destination
from .error_kinds import error_kind
from .recorder import Recorder

details: dict[str, Any] = {}  # values that the pacer, the start barrier and the driver add


class Summary:
    """Counts Locust's own events from its creation on; `close` writes `generator-<number>.json`."""

    def __init__(self, environment: Environment, number: int):
        self._environment = environment
        self._number = number
        # Opened now, while there are file descriptors left.
        self._file = (destination().directory / f"generator-{number}.json").open("w")
        self._reported_requests = 0
        self._task_errors: Counter[str] = Counter()
        environment.events.user_error.add_listener(self._count_task_error)
        environment.events.report_to_master.add_listener(self._count_reported)
        if not IS_MANUAL:  # there a scenario ends the load
            environment.events.test_stopping.add_listener(self._note_stop)
            environment.events.quitting.add_listener(self._note_quit)

    def close(self, recorder: Recorder) -> None:
        """Write the file, at the first call; `recorder` is the one that has written this process's rows."""
        if self._file.closed:
            return
        marks, started_ns = timestamps.in_flight.marks, destination().started_ns
        values = {
            "process": self._number,
            "pid": os.getpid(),
            "started_ns": started_ns,
            "requests": self._reported_requests + self._environment.stats.total.num_requests,
            "rows": recorder.rows,
            "longest_flush_ms": recorder.longest_flush_ms,
            "longest_flush_cpu_ms": recorder.longest_flush_cpu_ms,
            "task_errors": self._task_errors,
            "replaced_values": recorder.replaced_values,
            "most_in_flight": timestamps.in_flight.peak,
            "in_flight_marks": [((at_ns - started_ns) // 1000, integral // 1000) for at_ns, integral in marks],
            "loop_gaps": loop_watch.watch.longest(started_ns),
            "exit_code": self._environment.process_exit_code,
            "unhandled_exceptions": bool(log.unhandled_greenlet_exception),
            **details,
        }
        with self._file:
            json.dump(values, self._file)

    def _note_stop(self, **_: object) -> None:
        """Note that the test stops: before the end of the load, and without a signal, the locustfile has stopped it."""
        details.setdefault("stopped_by_locustfile", not details.get("done"))

    def _note_quit(self, **_: object) -> None:
        details.setdefault("stopped_by_locustfile", False)

    def _count_task_error(self, exception: BaseException, **_: object) -> None:
        self._task_errors[(error_kind(exception).splitlines() or [""])[0]] += 1

    def _count_reported(self, data: dict[str, Any], **_: object) -> None:
        # A worker's statistics start anew with each report to its master.
        self._reported_requests += data["stats_total"]["num_requests"]
