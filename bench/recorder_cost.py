"""CPU time and disk space that a recorded row costs, and CPU time of a traceparent, without Locust."""

import statistics
import tempfile
import time
import timeit
from functools import partial
from pathlib import Path

from loadgen.compaction import compact
from loadgen.generator.recorder import Recorder
from workbench.endpoints import DASHBOARD
from workbench.request_schema import WRITTEN
from workbench.trace_context import run_key, traceparent

ROWS, REPEATS = 20_000, 5
TIMING = (
    'queue;dur=0.812, app;dur=0.903, pool;dur=0.000, db;dur=0.000;desc="0", hash;dur=0.000, '
    'cache;dur=0.040;desc="hit", session;dur=0.390, trips;desc="0", worker;desc="1"'
)


def main() -> None:
    """Print the CPU time a row, the longest flush, and the bytes a row on disk."""
    costs_us, sizes = [], []
    longest_ms: list[float] = []
    for repeat in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            costs_us.append(_record(Path(folder), longest_ms, repeat))
            sizes.append((Path(folder) / "requests.parquet").stat().st_size / ROWS)
    print(f"recorder, {REPEATS} repeats of {ROWS:,} rows:")
    spread = f"range {min(costs_us):.1f}–{max(costs_us):.1f}"
    print(f"  CPU a row        median {statistics.median(costs_us):.1f} µs ({spread})")
    print(f"  longest add      median {statistics.median(longest_ms):.1f} ms (a flush of a whole batch)")
    print(f"  on disk a row    median {statistics.median(sizes):.1f} bytes")
    print(f"  traceparent      median {_traceparent_us():.2f} µs a request, where TRACETRACK_TRACE=1 asks for it")


def _traceparent_us() -> float:
    """The CPU time in µs that the value of the header takes."""
    key = run_key("experiment", "run")
    send = partial(traceparent, key, 49, 1234)
    spent_s = timeit.repeat(send, timer=time.process_time, number=ROWS, repeat=REPEATS)
    return statistics.median(spent_s) / ROWS * 1e6


def _record(folder: Path, longest_ms: list[float], repeat: int) -> float:
    """Record rows; returns the CPU time of one in µs, and adds the longest call in ms to `longest_ms`."""
    rows = [_row(number, repeat) for number in range(ROWS)]
    recorder = Recorder(folder, lambda *row: row, on_failure=print)
    start_s, longest_s = time.process_time(), 0.0
    for row in rows:
        at_s = time.perf_counter()
        recorder.add(row)
        longest_s = max(longest_s, time.perf_counter() - at_s)
    spent_s = time.process_time() - start_s
    longest_ms.append(longest_s * 1000)
    recorder.close()
    compact(folder)
    return spent_s / ROWS * 1e6


def _row(number: int, repeat: int) -> tuple:
    """The values of `WRITTEN`; columns that are not known here are null."""
    start_us, latency_us = number * 997, 1000 + (number * 7919 + repeat) % 5000
    values = {
        "user": number % 100, "sequence": number // 100, "endpoint": DASHBOARD.name, "measured": True,
        "scheduled_us": start_us, "start_us": start_us, "latency_us": latency_us, "status": 200, "bytes": 1500,
        "server_timing": TIMING,
    }  # fmt: skip
    return tuple(values.get(name) for name in WRITTEN.names)
