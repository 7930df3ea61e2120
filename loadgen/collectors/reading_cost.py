"""The time that readings take of the process that takes them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class ReadingCost:
    """The CPU time of all readings in ms, their number, and the duration of the longest in ms."""

    def __init__(self) -> None:
        self.cpu_ms = self.longest_ms = 0.0
        self.readings = 0

    @contextmanager
    def measured(self, readings: int = 1) -> Iterator[None]:
        """Add the time of the block, as that of so many readings."""
        start_s, start_cpu_s = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            self.cpu_ms += 1000 * (time.thread_time() - start_cpu_s)
            self.longest_ms = max(self.longest_ms, 1000 * (time.perf_counter() - start_s))
            self.readings += readings

    def record(self) -> dict[str, float]:
        """The values as the record of a run has them."""
        return {"cpu_ms": self.cpu_ms, "readings": self.readings, "longest_ms": self.longest_ms}
