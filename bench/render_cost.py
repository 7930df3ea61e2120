"""Time that the page of the newest experiment takes: `make render`, as a whole and in CPU time.

Each build is a process of its own that writes into an empty folder.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from workbench.errors import RecordingError
from workbench.paths import REPOSITORY, runs_directory
from workbench.recording import newest_experiment

REPEATS = 5
MAX_RENDER_S = 8.0  # wall time, on an idle machine with two cores


class Render(NamedTuple):
    """Wall time and CPU time (user and system, of all processes) of one build, in seconds."""

    wall_s: float
    cpu_s: float


def main() -> None:
    """Print the medians of wall time and CPU time, after one build that warms the caches of files."""
    try:
        experiment = newest_experiment(runs_directory())
    except RecordingError as error:
        print(f"render: {error}")
        return
    with tempfile.TemporaryDirectory() as folder:
        renders = [build(experiment, Path(folder) / str(number) / "html") for number in range(REPEATS + 1)][1:]
    walls_s = [each.wall_s for each in renders]
    print(f"render of {experiment.name}, medians of {REPEATS}:")
    print(f"  wall {median(walls_s):.1f} s (at most {MAX_RENDER_S:g}; {min(walls_s):.1f} to {max(walls_s):.1f})")
    print(f"  CPU  {median(each.cpu_s for each in renders):.1f} s")


def build(experiment: Path, html: Path) -> Render:
    """Build the page of an experiment. Raises `CalledProcessError` where that fails."""
    command = [sys.executable, "-m", "reports", "build", f"--experiment={experiment}", f"--output={html}"]
    before, start_s = os.times(), time.perf_counter()
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)
    wall_s, after = time.perf_counter() - start_s, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Render(wall_s, cpu_s)
