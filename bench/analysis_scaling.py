"""Time and memory that the analysis of a report takes, and how they grow with the number of rows."""

import json
import math
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from workbench.paths import REPOSITORY, runs_directory

from . import drawn_experiment

ROWS = (1_000_000, 10_000_000, 100_000_000)
REPEATS = 5
PROFILE = "quick"  # of the recorded experiment that is analysed too


def main() -> None:
    """Print time and memory of all tables and charts of a report for each number of rows, and how they grow."""
    print("analysis: all tables and charts of a report, from drawn rows:")
    durations_s = [_print_drawn(rows) for rows in ROWS]
    for (fewer, shorter_s), (more, longer_s) in pairwise(zip(ROWS, durations_s, strict=True)):
        power = math.log(longer_s / shorter_s) / math.log(more / fewer)
        print(f"  from {fewer:,} to {more:,} it grows with the rows to the power {power:.2f}")
    recorded = _newest_complete(PROFILE)
    if recorded is None:
        print(f"  no complete experiment of the profile {PROFILE} is here; make report makes one")
        return
    repeats_s = [_analyse(recorded)[0] for _ in range(REPEATS)]
    print(f"  all of {recorded.name}: {median(repeats_s):.1f} s (median of {REPEATS})")


def _print_drawn(rows: int) -> float:
    """Analyse so many drawn rows; returns the duration in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / drawn_experiment.NAME
        start_s = time.perf_counter()
        drawn_experiment.create(directory, rows)
        drawing_s = time.perf_counter() - start_s
        duration_s, peak_gib = _analyse(directory)
    taken = f"{duration_s:6.1f} s, peak {peak_gib:.2f} GiB"
    print(f"  {rows:>11,} rows: {taken} (drawn in {drawing_s:.0f} s)", flush=True)
    return duration_s


def _analyse(directory: Path) -> tuple[float, float]:
    """The seconds and GiB that all tables and charts of this experiment take, in a process of their own."""
    command = [sys.executable, "-m", "bench.report_views", str(directory)]
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split()
    duration_s, peak_gib = map(float, output[-2:])
    return duration_s, peak_gib


def _newest_complete(profile: str) -> Path | None:
    """The directory of the newest complete experiment of a profile."""
    directories = [path.parent for path in runs_directory().glob("*/experiment.json")]
    records = {path: json.loads((path / "experiment.json").read_text()) for path in directories}
    complete = [path for path, r in records.items() if (r["profile"], r["status"]) == (profile, "complete")]
    return max(complete, key=lambda path: (path / "experiment.json").stat().st_mtime, default=None)
