"""Dispatch lag, CPU time and memory of the load generator at 1,000 requests a second, and whether the memory grows.

The generator and the workers that answer share the same cores.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from loadgen import application, machine_lock
from workbench.arms import TUNED
from workbench.errors import EXIT_INVALID, UserError

from .served_worker import RUN_TOKEN, backing_services

RATE, DURATION_S = 1000, 60
PAGE_USERS = Path(__file__).with_name("page_users.py")  # a path: importing Locust would patch this process
MAX_LAG_MS = 5.0
MAX_FLUSH_MS = 5
MAX_ROW_BYTES = 32


def main() -> None:
    """Print the dispatch lag, the generator's CPU and memory, and the size of a row on disk."""
    with tempfile.TemporaryDirectory() as folder, backing_services(TUNED) as settings:
        with application.serve(settings, Path(folder) / "gunicorn.log") as served:
            directory = _run(served.url, folder)
        record = json.loads((directory / "run.json").read_text())
        rows = pd.read_parquet(directory / "requests.parquet")
        readings = pd.read_parquet(directory / "process.parquet")
        stored_bytes = (directory / "requests.parquet").stat().st_size
    _print(record, rows, readings, stored_bytes / len(rows))


def _run(url: str, folder: str) -> Path:
    """The directory of a run against the application at this URL."""
    command = [
        sys.executable, "-m", "loadgen", "run", "--target", url, "--locustfile", str(PAGE_USERS),
        "--scenario", f"open-{RATE}", "--duration", str(DURATION_S),
    ]  # fmt: skip
    # The bench holds the machine's lock, so that the run needs one with another name.
    own = {"TRACETRACK_DATA_DIR": folder, "TRACETRACK_RUN_TOKEN": RUN_TOKEN}
    environ = {**os.environ, **own, machine_lock.VARIABLE: f"{machine_lock.NAME}-bench"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    if done.returncode not in (0, EXIT_INVALID):  # its values are printed beside their bounds
        raise UserError(f"the load did not run: {done.stderr.strip().splitlines()[-1]}")
    return Path(done.stdout.splitlines()[-1])


def _print(record: dict, rows: pd.DataFrame, readings: pd.DataFrame, row_bytes: float) -> None:
    lag_ms = (rows["start_us"] - rows["scheduled_us"]) / 1000
    dropped = record["generator"]["dropped"]["measure"]
    pss_mib = readings.loc[readings["role"] == "generator"].dropna(subset="pss_bytes")["pss_bytes"] / 2**20
    early, late = pss_mib.iloc[len(pss_mib) // 6], pss_mib.iloc[-2]
    requests = f"{len(rows):,} rows, {dropped} dropped"
    print(f"open load of {RATE:,} requests a second for {DURATION_S} s, one process, {requests}:")
    p50_ms, p99_ms = lag_ms.quantile([0.5, 0.99])
    print(f"  dispatch lag     p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms (at most {MAX_LAG_MS:.0f} ms)")
    print(f"  CPU a request    {1000 * record['generator']['cpu_ms'] / len(rows):.0f} µs")
    print(f"  memory (PSS)     {early:.1f} MiB after a sixth of the time, {late:.1f} MiB at its end")
    print(f"  on disk a row    {row_bytes:.1f} bytes (at most {MAX_ROW_BYTES})")
    flush_ms, flush_cpu_ms = (record["generator"][f"longest_flush_{unit}"] for unit in ("ms", "cpu_ms"))
    print(
        f"  longest flush    {flush_ms:.1f} ms (at most {MAX_FLUSH_MS} ms), most CPU of a flush {flush_cpu_ms:.1f} ms"
    )
