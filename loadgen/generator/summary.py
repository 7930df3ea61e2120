"""The summary of a process of the generator: its own counts, which its rows are compared with at the end."""

import json
import os
from collections import Counter
from typing import Any

from locust.env import Environment

from . import timestamps
from .config import DIRECTORY, STARTED_NS
from .error_kinds import error_kind
from .recorder import Recorder

details: dict[str, Any] = {}  # values that the pacer, the start barrier and the driver add


class Summary:
    """Counts Locust's own events from its creation on; `close` writes `generator-<number>.json`."""

    def __init__(self, environment: Environment, number: int):
        self._environment = environment
        self._number = number
        # Opened now, while there are file descriptors left.
        self._file = (DIRECTORY / f"generator-{number}.json").open("w")
        self._reported_requests = 0
        self._task_errors: Counter[str] = Counter()
        environment.events.user_error.add_listener(self._count_task_error)
        environment.events.report_to_master.add_listener(self._count_reported)

    def close(self, recorder: Recorder) -> None:
        """Write the file; `recorder` is the one that has written this process's rows."""
        marks = timestamps.in_flight.marks
        values = {
            "process": self._number,
            "pid": os.getpid(),
            "started_ns": STARTED_NS,
            "requests": self._reported_requests + self._environment.stats.total.num_requests,
            "rows": recorder.rows,
            "longest_flush_ms": recorder.longest_flush_ms,
            "longest_flush_cpu_ms": recorder.longest_flush_cpu_ms,
            "task_errors": self._task_errors,
            "most_in_flight": timestamps.in_flight.peak,
            "in_flight_marks": [((at_ns - STARTED_NS) // 1000, integral // 1000) for at_ns, integral in marks],
            **details,
        }
        with self._file:
            json.dump(values, self._file)

    def _count_task_error(self, exception: BaseException, **_: object) -> None:
        self._task_errors[(error_kind(exception).splitlines() or [""])[0]] += 1

    def _count_reported(self, data: dict[str, Any], **_: object) -> None:
        # A worker's statistics start anew with each report to its master.
        self._reported_requests += data["stats_total"]["num_requests"]
