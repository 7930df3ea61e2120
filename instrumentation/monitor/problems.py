"""What is wrong, where, and since when: kept by the monitor, so that a page that is opened later knows it too.

A state, as a full pool, is a problem from its third second on, and has ended when it is not seen for `STATE_HOLD_S`. An
event, as a server error, is one at once; its problem has ended when there was no other for `EVENT_HOLD_S`.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from .differences import counter_differences, route_differences
from .readings import PoolPeak, Reading
from .session_count import SessionCount
from .snapshot import level

STATE_SECONDS, STATE_HOLD_S, EVENT_HOLD_S = 3, 10.0, 60.0
KEPT_S, MAX_KEPT = 3600.0, 30
ALARMING_COUNTER = re.compile(r"\w+_(failures|evictions|errors)")


class Observation(NamedTuple):
    """Something wrong in the last second: a number of events, or a state if that is 0. `key` identifies it."""

    key: str
    level: str
    text: str
    events: int = 0


@dataclass
class Problem:
    """An observation that goes on, or has ended: when it was seen first and last, and its number of events."""

    newest: Observation
    first_s: float
    last_s: float
    events: int
    seconds: int = 1

    def is_open(self, now_s: float) -> bool:
        """True while it goes on."""
        return now_s - self.last_s < (EVENT_HOLD_S if self.events else STATE_HOLD_S)

    def is_confirmed(self) -> bool:
        """True for events, and for a state that has lasted."""
        return bool(self.events) or self.seconds >= STATE_SECONDS

    def shown(self, now_s: float) -> dict[str, Any]:
        """The problem as the page gets it."""
        text = f"{self.events:,} × {self.newest.text}" if self.events else self.newest.text
        return {
            "level": self.newest.level, "text": text, "since_s": self.first_s, "last_s": self.last_s,
            "is_open": self.is_open(now_s),
        }  # fmt: skip


class ProblemLog:
    """The problems of the last hour."""

    def __init__(self) -> None:
        self.started_s = time.time()
        self._open: dict[str, Problem] = {}
        self._ended: list[Problem] = []
        self._workers: dict[int, int] = {}  # when the newest of each number was started

    def watch(self, before: Reading, now: Reading, peak: PoolPeak, sessions: SessionCount | None) -> None:
        """Look for what is wrong between two readings, a second apart."""
        self.take(chain(observe(before, now, peak, sessions), self._new_workers(now)), time.time())

    def _new_workers(self, now: Reading) -> Iterator[Observation]:
        """Workers in the place of others; for some seconds in between there may be none."""
        for number, values in now.counters.items():
            started_ns = self._workers.setdefault(number, values["started_ns"])
            if started_ns != values["started_ns"]:
                self._workers[number] = values["started_ns"]
                yield Observation(f"worker {number}", "warning", f"worker {number} was replaced", 1)

    def take(self, observations: Iterable[Observation], now_s: float) -> None:
        """Take what was observed in the last second into account."""
        for each in observations:
            if known := self._open.get(each.key):
                known.newest, known.last_s = each, now_s
                known.events += each.events
                known.seconds += 1
            else:
                self._open[each.key] = Problem(each, now_s, now_s, each.events)
        for key, problem in list(self._open.items()):
            lapsed = problem.last_s < now_s and not problem.is_confirmed()  # a state that did not last
            if lapsed or not problem.is_open(now_s):
                del self._open[key]
                self._ended += [] if lapsed else [problem]
        self._ended = [each for each in self._ended if each.last_s > now_s - KEPT_S][-MAX_KEPT:]

    def shown(self, now_s: float) -> list[dict[str, Any]]:
        """Open problems, then ended ones; of both the newest first."""
        going_on = [each for each in self._open.values() if each.is_confirmed()]
        ordered = sorted(going_on, key=lambda each: -each.last_s), sorted(self._ended, key=lambda each: -each.last_s)
        return [problem.shown(now_s) for problems in ordered for problem in problems][:MAX_KEPT]


def observe(before: Reading, now: Reading, peak: PoolPeak, sessions: SessionCount | None) -> Iterator[Observation]:
    """What is wrong between two readings, a second apart."""
    if not now.counters and before.counters:
        yield Observation("workers", "critical", "no worker runs")
    yield from _errors(before, now)
    yield from _pool(now, peak)
    yield from _counters(before, now)
    yield from _slow_statements(before, now)
    if sessions and sessions.number is None:
        yield Observation(
            "sessions", "warning", f"the sessions cannot be counted ({sessions.store}): {sessions.reason}"
        )


def _errors(before: Reading, now: Reading) -> Iterator[Observation]:
    errors: Counter[str] = Counter()
    for route in route_differences(before, now):
        if route.status >= 500:
            errors[f"status {route.status} of {route.method} {route.route or '(no route)'}"] += route.total
    for text, count in errors.items():
        yield Observation(text, "critical", text, count)


def _pool(now: Reading, peak: PoolPeak) -> Iterator[Observation]:
    limit = sum(values["limit"] for values in now.counters.values())
    severity = level(peak.used, limit)
    if severity != "ok":
        yield Observation("pool", severity, f"{peak.used} of {limit} connections of the pool in use")
    if peak.pending:
        verb = "request waits" if peak.pending == 1 else "requests wait"
        yield Observation("waiters", "warning", f"{peak.pending} {verb} for a connection of the pool")


def _counters(before: Reading, now: Reading) -> Iterator[Observation]:
    counted = counter_differences(before, now)
    if counted["timeouts"] > 0:
        yield Observation("timeouts", "critical", "no connection of the pool in time", counted["timeouts"])
    for name, count in counted.items():
        if count > 0 and ALARMING_COUNTER.fullmatch(name):
            yield Observation(name, "warning", name.replace("_", " "), count)


def _slow_statements(before: Reading, now: Reading) -> Iterator[Observation]:
    slow = []
    for number, requests in now.requests.items():
        earlier = before.requests.get(number)
        known = {statement.at_us for statement in earlier.slow_statements} if earlier else set()
        slow += [each for each in requests.slow_statements if each.at_us not in known]
    if slow:
        newest = max(slow, key=lambda each: each.at_us)
        text = f"statement over 500 ms; the last took {newest.duration_us / 1e6:.1f} s"
        yield Observation("statements", "warning", text, len(slow))
