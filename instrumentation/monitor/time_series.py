"""Time series of the last ten minutes, which a page shows as soon as it is opened."""

import time
from collections import deque
from typing import NamedTuple

from ..monitor_file import REQUEST_BUCKETS
from .differences import route_differences
from .quantile import quantile_ms
from .readings import PoolPeak, Reading

STEP_S, MAX_STEPS = 5.0, 120


class Step(NamedTuple):
    """Some seconds until `at_s`: requests and server errors a second, p95, and the most connections in use at once.

    `p95_ms` is None where there was no request.
    """

    at_s: float
    requests_per_s: float
    errors_per_s: float
    p95_ms: float | None
    pool_used: int


class TimeSeries:
    """Collects a step every `STEP_S` seconds, and forgets the oldest."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=MAX_STEPS)
        self._start: Reading | None = None
        self._used = 0

    def take(self, now: Reading, peak: PoolPeak) -> None:
        """Take the reading of another second into account."""
        self._used = max(self._used, peak.used)
        if self._start is None:
            self._start = now
        elif now.at_s - self._start.at_s >= STEP_S - 0.5:
            self._steps.append(self._step(self._start, now))
            self._start, self._used = now, 0

    def _step(self, start: Reading, now: Reading) -> Step:
        seconds = now.at_s - start.at_s
        routes = route_differences(start, now)
        buckets = [sum(route.buckets[number] for route in routes) for number in range(REQUEST_BUCKETS)]
        total = sum(buckets)
        errors = sum(route.total for route in routes if route.status >= 500)
        p95_ms = round(quantile_ms(buckets, 0.95), 1) if total else None
        return Step(round(time.time(), 1), round(total / seconds, 2), round(errors / seconds, 2), p95_ms, self._used)

    def shown(self) -> dict[str, list[float | None]]:
        """The steps by column, as the page gets them."""
        return {name: [getattr(step, name) for step in self._steps] for name in Step._fields}
