"""What watching a run costs: CPU time of the views, and the dispatch lag of the run with and without `--watch`.

Nothing else may run on the machine meanwhile.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console

from lab.live_run import LiveRun
from loadgen import machine_lock, record_writer
from loadgen.generator.recorder import Recorder
from loadgen.run_progress import RunProgress
from loadgen.run_spec import RunSpec
from loadgen.run_view import view
from workbench.errors import EXIT_INVALID, UserError
from workbench.request_schema import MEASURE, WRITTEN

from .interval import Ratio

REQUESTS_PER_S, SECONDS, MAX_SHARE = 1000, 30, 0.02
WARM_UP_LOOKS = 5
BLOCKS, LOAD, DEPLOYMENT, DURATION_S, WARM_UP_S = 8, "open-200", "tuned", 10, 2
TIMING = 'queue;dur=0.812, app;dur=0.903, pool;dur=0.000, db;dur=0.000;desc="0", hash;dur=0.000, session;dur=0.390'


def main() -> None:
    """Print the CPU time of each view as a share of a core, and how the dispatch lag changes with `--watch`."""
    print(f"watching {REQUESTS_PER_S:,} requests/s, a look a second (at most {MAX_SHARE:.0%} of a core):")
    for name, make in (("terminal", _terminal), ("notebook", _notebook)):
        print(f"  {name:<10} {_share_of_core(make):.2%} of a core (mean of {SECONDS} looks)")
    pairs = [list(_lags_ms(number)) for number in range(BLOCKS)]
    for place, name in enumerate(("mean", "p99")):
        ratio = Ratio.from_blocks([[(without[place], watched[place])] for without, watched in pairs])
        medians = np.median(np.array(pairs), axis=0)[:, place]
        print(f"dispatch lag, {name}, {LOAD} on {DEPLOYMENT}, {BLOCKS} pairs of runs: without {medians[0]:.2f} ms, "
              f"with --watch {medians[1]:.2f} ms, {ratio.as_change()}")  # fmt: skip


def _share_of_core(make: Callable[[Path], Callable[[], None]]) -> float:
    """The CPU time of a look, at a stream that grows by a second's rows between two looks, over one second."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        spec = RunSpec(deployment=DEPLOYMENT, scenario=LOAD, scale="small", seed=1)
        record_writer.begin(directory, spec, spec.load(), {"name": DEPLOYMENT, "settings": {}})
        recorder, look = Recorder(directory, lambda *row: row, on_failure=print, in_flight=lambda: 7), make(directory)
        spent_s = []
        for second in range(WARM_UP_LOOKS + SECONDS):
            for row in _rows(second):
                recorder.add(row)
            recorder.flush()
            start_s = time.process_time()
            look()
            spent_s.append(time.process_time() - start_s)
        recorder.close()
    return float(np.mean(spent_s[WARM_UP_LOOKS:]))


def _rows(second: int) -> Iterator[tuple]:
    for number in range(REQUESTS_PER_S):
        start_us = second * 1_000_000 + number * (1_000_000 // REQUESTS_PER_S)
        values = {"user": number % 100, "sequence": second, "endpoint": "dashboard", "phase": MEASURE, "bytes": 1500}
        values |= {"scheduled_us": start_us - 300, "start_us": start_us, "latency_us": 1000 + number * 7919 % 5000}
        values |= {"status": 200, "server_timing": TIMING}
        yield tuple(values.get(name) for name in WRITTEN.names)


def _terminal(directory: Path) -> Callable[[], None]:
    progress, console = RunProgress(directory), Console(file=Path(os.devnull).open("w"), width=100)  # noqa: SIM115

    def look() -> None:
        progress.poll()
        console.print(view(progress, console.width))

    return look


def _notebook(directory: Path) -> Callable[[], None]:
    live = LiveRun(directory)
    _ = live.widget
    return live.refresh


def _lags_ms(number: int) -> Iterator[tuple[float, float]]:
    """The mean and the p99 of the dispatch lag (ms) of a run without, and of one with `--watch`, in random order."""
    watches = [False, True] if np.random.default_rng(number).random() < 0.5 else [True, False]
    lags = {watch: _lag_ms(number, watch) for watch in watches}
    yield from (lags[False], lags[True])


def _lag_ms(seed: int, watch: bool) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "loadgen", "run", "--deployment", DEPLOYMENT, "--scenario", LOAD, "--scale",
                   "small", "--seed", str(seed), "--duration", str(DURATION_S), "--warmup", str(WARM_UP_S)]  # fmt: skip
        environ = {**os.environ, "TRACETRACK_DATA_DIR": folder, machine_lock.VARIABLE: f"{machine_lock.NAME}-bench"}
        done = subprocess.run(
            [*command, *(["--watch"] if watch else [])], env=environ, capture_output=True, text=True
        )  # fmt: skip
        if done.returncode not in (0, EXIT_INVALID):
            raise UserError(f"{LOAD} on {DEPLOYMENT} did not run: {done.stderr.strip().splitlines()[-1]}")
        rows = pq.read_table(Path(done.stdout.splitlines()[-1]) / "requests.parquet").to_pandas()
    rows = rows[rows["phase"] == MEASURE]
    lag_ms = (rows["start_us"] - rows["scheduled_us"] - rows["user_wait_us"].fillna(0)).clip(lower=0) / 1000
    return float(lag_ms.mean()), float(lag_ms.quantile(0.99))
