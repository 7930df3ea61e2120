"""What recording a request costs the load generator."""

import statistics
import tempfile
import time
from pathlib import Path

from loadgen.recorder import Recorder, compact

ROWS, REPEATS = 20_000, 5
ROW = {
    "user": 1, "sequence": 2, "endpoint": "dashboard", "phase": "measure", "scheduled_us": 1, "start_us": 1,
    "latency_us": 1834, "response_us": 1834, "status": 200, "ok": True, "error": None, "bytes": 1500, "queue_us": 800,
    "pool_us": 0, "db_us": 0, "db_calls": 0, "db_round_trips": 0, "hash_us": 0,
    "cache_us": 40, "cache": "hit", "session_us": 390,
    "app_us": 900, "worker": 1,
}  # fmt: skip


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
    recorder = Recorder(folder, on_failure=print)
    begun_s, longest_s = time.process_time(), 0.0
    for number in range(ROWS):
        at_s = time.perf_counter()
        varied = {"start_us": number * 997, "latency_us": 1000 + (number * 7919 + repeat) % 5000}
        recorder.add({**ROW, **varied, "user": number % 100, "sequence": number // 100})
        longest_s = max(longest_s, time.perf_counter() - at_s)
    spent_s = time.process_time() - begun_s
    longest_ms.append(longest_s * 1000)
    recorder.close()
    compact(folder)
    return spent_s / ROWS * 1e6
