"""What recording a request costs the load generator."""

import statistics
import tempfile
import time
from pathlib import Path

from loadgen.compaction import compact
from loadgen.generator.recorder import Recorder

ROWS, REPEATS = 20_000, 5
TIMING = (
    'queue;dur=0.812, app;dur=0.903, pool;dur=0.000, db;dur=0.000;desc="0", hash;dur=0.000, '
    'cache;dur=0.040;desc="hit", session;dur=0.390, trips;desc="0", worker;desc="1"'
)


def main() -> None:
    """Print CPU a row, the longest flush, and bytes a row on disk."""
    costs_us, sizes, longest_ms = [], [], []
    for repeat in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            costs_us.append(_record(Path(folder), longest_ms, repeat))
            sizes.append((Path(folder) / "requests.parquet").stat().st_size / ROWS)
    print(f"recorder, {REPEATS} repeats of {ROWS:,} rows:")
    spread = f"range {min(costs_us):.1f}–{max(costs_us):.1f}"
    print(f"  CPU a row        median {statistics.median(costs_us):.1f} µs ({spread})")
    print(f"  longest add      median {statistics.median(longest_ms):.1f} ms (a flush of a whole batch)")
    print(f"  on disk a row    median {statistics.median(sizes):.1f} bytes")


def _record(folder, longest_ms, repeat):
    recorder = Recorder(folder, lambda *row: row, on_failure=print)
    begun_s, longest_s = time.process_time(), 0.0
    for number in range(ROWS):
        at_s = time.perf_counter()
        start_us, latency_us = number * 997, 1000 + (number * 7919 + repeat) % 5000
        recorder.add(
            (number % 100, number // 100, "dashboard", True, start_us, start_us, latency_us, 200, None, 1500, TIMING)
        )
        longest_s = max(longest_s, time.perf_counter() - at_s)
    spent_s = time.process_time() - begun_s
    longest_ms.append(longest_s * 1000)
    recorder.close()
    compact(folder)
    return spent_s / ROWS * 1e6
