"""How long the lab takes to answer: the first plot of a million-row run, a brush, and the sliders of a what-if panel.

The sliders are those of the newest recorded experiment.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from lab.what_if_panel import WhatIfPanel
from workbench.arms import TUNED
from workbench.errors import RecordingError
from workbench.paths import REPOSITORY, runs_directory
from workbench.recording import newest_experiment, open_experiment

from . import drawn_experiment

RUN_ROWS, REPEATS = 1_000_000, 5
MAX_S = {"first_plot": 3.0, "brush": 1.0, "second_brush": 1.0, "p95": 0.3, "capacity": 5.0}
MOVES: tuple[dict[str, float], ...] = (
    {"workers": 4},
    {"workers": 1},
    {"round_trip_ms": 5.0},
    {"pool_size": 1},
    {"users": 400},
)


def main() -> None:
    """Print the medians, and the longest of the repeats, with what each may take at most."""
    print(f"the lab, runs of {RUN_ROWS:,} rows in {drawn_experiment.BLOCKS} blocks ({REPEATS} new kernels):")
    _print(_of_a_large_run())
    try:
        experiment = newest_experiment(runs_directory())
    except RecordingError as error:
        print(f"sliders: {error}")
        return
    print(f"sliders of {TUNED} in {experiment.name} ({len(MOVES)} moves):")
    _print(_of_sliders(experiment))


def _print(taken: dict[str, list[float]]) -> None:
    for name, seconds in taken.items():
        print(f"  {name:<13} {median(seconds):.2f} s (longest {max(seconds):.2f} s; at most {MAX_S[name]:g} s)")


def _of_a_large_run() -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / drawn_experiment.NAME
        drawn_experiment.create(directory, drawn_experiment.rows_of_runs(RUN_ROWS))
        return _by_name(_views(directory) for _ in range(REPEATS))


def _views(directory: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.lab_views", str(directory)]
    return json.loads(subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout)


def _of_sliders(directory: Path) -> dict[str, list[float]]:
    experiment = open_experiment(directory)
    return _by_name(_moved(WhatIfPanel(experiment, TUNED), move) for move in MOVES)


def _moved(panel: WhatIfPanel, move: dict[str, float]) -> dict[str, float]:
    """The seconds until a moved slider has a p95, and until the capacity is the new one."""
    panel.settle()
    start_s = time.perf_counter()
    panel.sliders.move(**move)
    p95_s = time.perf_counter() - start_s
    panel.settle(until_capacity=True)
    return {"p95": p95_s, "capacity": time.perf_counter() - start_s}


def _by_name(each: Iterator[dict[str, float]]) -> dict[str, list[float]]:
    taken = list(each)
    return {name: [seconds[name] for seconds in taken] for name in taken[0]}
