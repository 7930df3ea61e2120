"""Time that the history of many experiments takes: at first, once more, and with one experiment more."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench.paths import REPOSITORY

from . import drawn_experiment

EXPERIMENTS = 200
RUN_ROWS = 1_000  # of a long run; others have as many as a burst has


def main() -> None:
    """Print how long `python -m analysis history` takes on drawn experiments."""
    runs = drawn_experiment.BLOCKS * len(drawn_experiment.ARMS)
    print(f"python -m analysis history, {EXPERIMENTS} experiments of {runs} runs each:")
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "runs" / f"{drawn_experiment.NAME}-000"
        drawn_experiment.create(first, drawn_experiment.rows_of_runs(RUN_ROWS))
        for number in range(1, EXPERIMENTS):
            _copy(first, number)
        for name in ("nothing is kept yet", "all summaries are kept"):
            print(f"  {name}: {_history_s(folder):.1f} s", flush=True)
        _copy(first, EXPERIMENTS)
        print(f"  one experiment more: {_history_s(folder):.1f} s")


def _copy(first: Path, number: int) -> None:
    shutil.copytree(first, first.with_name(f"{drawn_experiment.NAME}-{number:03d}"), copy_function=os.link)


def _history_s(folder: str) -> float:
    """The wall time of the command, in seconds."""
    environ = {**os.environ, "TRACETRACK_DATA_DIR": folder}
    start_s = time.perf_counter()
    command = [sys.executable, "-m", "analysis", "history"]
    subprocess.run(command, cwd=REPOSITORY, env=environ, check=True, capture_output=True)
    return time.perf_counter() - start_s
