"""How the load generator keeps to its schedule at 1 000 requests a second, and whether a longer run takes more memory.

All is on the same cores: the generator, and the workers that answer.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from loadgen import application, machine_lock

from . import locustfile
from .served_worker import around

RATE, DURATION_S = 1000, 60
HIGHEST_LAG_MS = 5.0
MOST_BYTES = 32


def main() -> None:
    """Print the dispatch lag, the generator's CPU and memory, and the size of a row on disk."""
    with tempfile.TemporaryDirectory() as folder, around("tuned") as settings:
        with application.serve(settings, Path(folder) / "gunicorn.log") as served:
            directory = _run(served.url, folder)
        record = json.loads((directory / "run.json").read_text())
        rows = pd.read_parquet(directory / "requests.parquet")
        readings = pd.read_parquet(directory / "process.parquet")
        stored_bytes = (directory / "requests.parquet").stat().st_size
    _print(record, rows, readings, stored_bytes / len(rows))


def _run(url, folder):
    command = [
        sys.executable, "-m", "loadgen", "run", "--target", url, "--locustfile", locustfile.__file__,
        "--scenario", f"open-{RATE}", "--duration", str(DURATION_S),
    ]  # fmt: skip
    # The machine is ours already.
    environ = {**os.environ, "TRACETRACK_DATA_DIR": folder, machine_lock.VARIABLE: f"{machine_lock.NAME}-bench"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])


def _print(record, rows, readings, row_bytes):
    lag_ms = (rows["start_us"] - rows["scheduled_us"]) / 1000
    unsent = record["generator"]["dropped"]["measure"]
    pss_mib = readings.loc[readings["role"] == "generator"].dropna(subset="pss_bytes")["pss_bytes"] / 2**20
    early, late = pss_mib.iloc[len(pss_mib) // 6], pss_mib.iloc[-2]
    print(
        f"open load of {RATE:,} requests a second for {DURATION_S} s, one process, {len(rows):,} rows, {unsent} unsent:"
    )
    p50_ms, p99_ms = lag_ms.quantile([0.5, 0.99])
    print(f"  dispatch lag     p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms (at most {HIGHEST_LAG_MS:.0f} ms)")
    print(f"  CPU a request    {1000 * record['generator']['cpu_ms'] / len(rows):.0f} µs")
    print(f"  memory (PSS)     {early:.1f} MiB after a sixth of the time, {late:.1f} MiB at its end")
    print(f"  on disk a row    {row_bytes:.1f} bytes (at most {MOST_BYTES})")
    flush_ms, flush_cpu_ms = (record["generator"][f"longest_flush_{what}"] for what in ("ms", "cpu_ms"))
    print(f"  longest flush    {flush_ms:.1f} ms (at most 5 ms), the most CPU of one {flush_cpu_ms:.1f} ms")
