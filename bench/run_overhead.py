"""Time that a run takes beside its load, stage by stage.

Runs on the production data, as in an experiment: one server, generators that are forked, and a database that the server
begins to clone when the load before is over.
"""

import statistics
from collections.abc import Sequence

from workbench.arms import BASELINE, BURST_50, TUNED

from .run_sequence import MeasuredRun, Step, run_sequence

RUNS = 9
MAX_BESIDE_S = 1.2


def main() -> None:
    """Print the median seconds of each stage of a run, and what a run takes beside its load."""
    for deployment in (TUNED, BASELINE):
        # The first one builds the template, and the next one finds no database that was cloned beforehand.
        _print(deployment, list(run_sequence([Step(deployment)] * (RUNS + 2)))[2:])


def _print(deployment: str, measured: Sequence[MeasuredRun]) -> None:
    beside_s = [run.beside_s for run in measured]
    print(f"{BURST_50} on {deployment}, medians of {len(measured)} runs:")
    print(f"  load {statistics.median(run.load_s for run in measured):.2f} s, ", end="")
    print(f"beside it {statistics.median(beside_s):.2f} s (at most {MAX_BESIDE_S:g}; {_range(beside_s)})")
    for stage in measured[-1].stages_s:
        print(f"  {stage:<12} {statistics.median(run.stages_s[stage] for run in measured):.3f} s")
    sealed_s = [run.load_s + run.beside_s - sum(run.stages_s.values()) for run in measured]
    print(f"  {'record':<12} {statistics.median(sealed_s):.3f} s")


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"
