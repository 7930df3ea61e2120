"""What happened in each second of a run: successes, failures, percentiles, requests in flight and pool use.

A request counts in the second in which its response came. Percentiles are of the rows themselves, of the successful
responses: of latency, and of open load of the response time, which counts from the intended send.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.request_schema import START

US_PER_S, US_PER_MS = 1_000_000, 1000
OPEN_SECONDS = 5  # the newest, whose times are kept: a process of the generator writes at least every 0.5 s
MAX_SECONDS = 3600  # kept in memory
ROWS_AT_ONCE = 1000  # of a run that has ended
MAX_KINDS = 20  # of errors that are counted apart
OTHER_ERRORS = "other errors"
PERCENTILES = (50, 95, 99)


class Second(NamedTuple):
    """One second of a run; times in ms, None without a successful response, and counts None where not read."""

    second: int  # since the first request
    successes: int
    failures: int
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    in_flight: int | None  # when the last rows of the second were written
    pool_in_use: int | None  # the most connections at a reading
    pool_waiting: int | None  # the most callers without a connection


@dataclass
class _Open:
    """A second for which rows may still come."""

    successes: int = 0
    failures: int = 0
    times_us: list[np.ndarray] = field(default_factory=list)
    in_flight: int | None = None
    pool: tuple[int, int] | None = None

    def finished(self, second: int) -> Second:
        times_us = np.concatenate(self.times_us) if self.times_us else np.array([])
        median, p95, p99 = np.percentile(times_us, PERCENTILES) / US_PER_MS if len(times_us) else (None, None, None)
        in_use, waiting = self.pool or (None, None)
        return Second(second, self.successes, self.failures, median, p95, p99, self.in_flight, in_use, waiting)


class RunSeconds:
    """The seconds of a run, from batches of its rows in the order in which they were written.

    `is_open` says that the load is open. `errors` counts failures by kind, `late` the rows that came after their second
    had been closed: they count, and are in no percentile.
    """

    def __init__(self, *, is_open: bool):
        self._is_open = is_open
        self._begin_us: int | None = None
        self._load_begin_us: int | None = None  # after what the users do in `on_start`
        self._closed: deque[Second] = deque(maxlen=MAX_SECONDS)
        self._open: dict[int, _Open] = {}
        self._last_closed = -1
        self.errors: Counter[str] = Counter()
        self.successes = self.failures = self.late = 0
        self.phase = ""

    def add(self, rows: pa.RecordBatch) -> None:
        """Add a batch of rows in `workbench.request_schema.WRITTEN`."""
        if not rows.num_rows:
            return
        start_us = rows.column("start_us").to_numpy(zero_copy_only=False)
        latency_us = _filled(rows.column("latency_us"))
        if self._begin_us is None:
            self._begin_us = max(int(start_us.min()), 0)  # a client may report a request of any age
        seconds = np.maximum((start_us + np.maximum(latency_us, 0) - self._begin_us) // US_PER_S, 0)
        is_ok = np.asarray(rows.column("error").is_null().to_numpy(zero_copy_only=False))
        times_us = latency_us + (self._lag_us(rows, start_us) if self._is_open else 0)
        for second in np.unique(seconds):
            self._count(
                int(second), is_ok[seconds == second], times_us[seconds == second], latency_us[seconds == second]
            )
        self._count_errors(rows)
        self.phase = rows.column("phase")[-1].as_py() or self.phase
        if self._load_begin_us is None and self.phase != START:
            is_load = np.array(rows.column("phase").to_pylist()) != START
            self._load_begin_us = int(start_us[is_load].min())
        self._close_until(int(seconds.max()) - OPEN_SECONDS)

    def _lag_us(self, rows: pa.RecordBatch, start_us: np.ndarray) -> np.ndarray:
        return np.maximum(start_us - _filled(rows.column("scheduled_us")), 0)

    def _count(self, second: int, is_ok: np.ndarray, times_us: np.ndarray, latency_us: np.ndarray) -> None:
        successes, failures = int(is_ok.sum()), int((~is_ok).sum())
        self.successes += successes
        self.failures += failures
        if second <= self._last_closed:
            self.late += len(is_ok)
            self._correct(second, successes, failures)
            return
        entry = self._open.setdefault(second, _Open())
        entry.successes += successes
        entry.failures += failures
        entry.times_us.append(times_us[is_ok & (latency_us >= 0)])

    def _correct(self, second: int, successes: int, failures: int) -> None:
        """Add late rows to the counts of their second, if that is still kept."""
        for place in range(len(self._closed) - 1, -1, -1):
            if (closed := self._closed[place]).second == second:
                self._closed[place] = closed._replace(
                    successes=closed.successes + successes, failures=closed.failures + failures
                )
                return

    def _count_errors(self, rows: pa.RecordBatch) -> None:
        errors = rows.column("error").drop_null()
        for entry in pc.value_counts(errors) if len(errors) else ():
            kind = (entry["values"].as_py().splitlines() or [""])[0]
            known = kind in self.errors or len(self.errors) < MAX_KINDS
            self.errors[kind if known else OTHER_ERRORS] += entry["counts"].as_py()

    @classmethod
    def of_recorded(cls, rows: pa.Table, *, is_open: bool) -> "RunSeconds":
        """The seconds of a run that has ended, of its stored rows."""
        latency_us = np.nan_to_num(rows["latency_us"].to_numpy().astype(float))  # null where a client has none
        ends_us = rows["start_us"].to_numpy() + latency_us
        made = cls(is_open=is_open)
        for batch in rows.take(np.argsort(ends_us, kind="stable")).to_batches(ROWS_AT_ONCE):
            made.add(batch)
        return made

    def note_in_flight(self, number: int) -> None:
        """Note the requests in flight after the rows that were added last."""
        second = max(self._open, default=self._last_closed + 1)
        self._open.setdefault(second, _Open()).in_flight = number

    def note_pool(self, at_second: int, in_use: int, waiting: int) -> None:
        """Note the pool use in a second of the run's clock, which begins before the first request."""
        if self._begin_us is None:
            return
        middle_us = at_second * US_PER_S + US_PER_S // 2
        second = (middle_us - self._begin_us) // US_PER_S
        if second > self._last_closed:
            self._open.setdefault(second, _Open()).pool = (in_use, waiting)

    def _close_until(self, last: int) -> None:
        """Compute the percentiles of seconds for which no row will come, and forget their times."""
        for second in range(max(self._last_closed + 1, last + 1 - MAX_SECONDS), last + 1):
            self._closed.append(self._open.pop(second, _Open()).finished(second))
            self._last_closed = second

    def seconds(self, number: int = MAX_SECONDS) -> list[Second]:
        """The last seconds, as far as they are known; requests in flight stay as they were until the next count."""
        newest = max(self._open, default=self._last_closed)
        first_open = max(self._last_closed + 1, newest + 1 - number)
        entries = ((second, self._open.get(second, _Open())) for second in range(first_open, newest + 1))
        known = [*self._closed, *(entry.finished(second) for second, entry in entries)][-number:]
        in_flight, result = None, []
        for second in known:
            in_flight = second.in_flight if second.in_flight is not None else in_flight
            result.append(second._replace(in_flight=in_flight))
        return result

    @property
    def begin_ms(self) -> float:
        """The instant of the first request on the run's clock; 0 before there is one."""
        return (self._begin_us or 0) / US_PER_MS

    @property
    def elapsed_s(self) -> int:
        """Seconds from the first request to the newest row."""
        return max(self._open, default=self._last_closed) + 1

    @property
    def load_s(self) -> float:
        """Seconds of the load so far, which begins when the users have started."""
        if self._begin_us is None or self._load_begin_us is None:
            return 0.0
        return max(0.0, self.elapsed_s - (self._load_begin_us - self._begin_us) / US_PER_S)


def _filled(column: pa.Array) -> np.ndarray:
    """A column of integers, -1 where it is null."""
    return column.fill_null(-1).to_numpy(zero_copy_only=False)
