"""What a process of the generator tells of itself at its end, for its rows to be counted against."""

import json
import os
from collections import Counter

from . import timestamps
from .config import DIRECTORY, STARTED_NS
from .error_kinds import kind
from .recorder import Recorder

about: dict = {}  # what the scenario's pace and crowd add to it


class Account:
    """Counts in Locust's own events from its making on; `close` leaves `generator-<number>.json`."""

    def __init__(self, environment, number: int):
        self._environment = environment
        self._number = number
        # Opened while there is a descriptor to be had.
        self._place = (DIRECTORY / f"generator-{number}.json").open("w")
        self._reported = 0
        self._raised: Counter[str] = Counter()
        environment.events.user_error.add_listener(self._count_raised)
        environment.events.report_to_master.add_listener(self._count_reported)

    def close(self, recorder: Recorder) -> None:
        marks = timestamps.in_flight.marks
        told = {
            "process": self._number,
            "pid": os.getpid(),
            "started_ns": STARTED_NS,
            "requests": self._reported + self._environment.stats.total.num_requests,
            "rows": recorder.rows,
            "longest_flush_ms": recorder.longest_flush_ms,
            "longest_flush_cpu_ms": recorder.longest_flush_cpu_ms,
            "task_errors": self._raised,
            "most_in_flight": timestamps.in_flight.most,
            "in_flight_marks": [((at_ns - STARTED_NS) // 1000, integral // 1000) for at_ns, integral in marks],
            **about,
        }
        with self._place:
            json.dump(told, self._place)

    def _count_raised(self, exception, **_):
        self._raised[(kind(exception).splitlines() or [""])[0]] += 1

    def _count_reported(self, data, **_):
        # A worker's statistics begin anew with each report to its master.
        self._reported += data["stats_total"]["num_requests"]
