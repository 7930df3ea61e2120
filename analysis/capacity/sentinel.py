"""The sentinel of a capacity search: one load that is repeated between the blocks, to see whether the machine changed.

Something else on the machine makes every load seem too large while it is there. The duration of the sentinel shows it:
it depends on the machine alone, as its deployment and its load stay the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from workbench.recording import Experiment, Run

MAX_CHANGE = 1.35  # ratio to the median of all sentinels, in either direction
MIN_SENTINELS = 3  # for a median


@dataclass(frozen=True)
class Sentinel:
    """One run of the sentinel.

    block: the block that it follows; the run before the first block has the number before that
    duration_s: its makespan; None where the run is not valid, or a request failed
    ended_s: the end of the run, seconds since 1970 (UTC)
    """

    block: int
    duration_s: float | None
    ended_s: float = 0.0

    @classmethod
    def from_run(cls, run: Run) -> "Sentinel":
        """The sentinel that a complete run is; only one at position 0 comes before its block."""
        block = run.block - (run.record.get("position") == 0)
        totals = run.totals
        is_usable = run.record["valid"] and totals is not None and totals["requests"] == totals["successful"]
        return cls(block, float(totals["makespan_s"]) if is_usable and totals is not None else None, ended_s(run))


def void_blocks(sentinels: Sequence[Sentinel]) -> frozenset[int]:
    """Return the blocks of which the sentinel before or the one after has changed.

    A sentinel has changed where its duration is not within `MAX_CHANGE` of the median of all, or was not measured.
    """
    durations_s = [sentinel.duration_s for sentinel in sentinels if sentinel.duration_s]
    if len(durations_s) < MIN_SENTINELS:
        return frozenset()
    usual_s = median(durations_s)
    changed = [sentinel.block for sentinel in sentinels if _has_changed(sentinel.duration_s, usual_s)]
    return frozenset(block for before in changed for block in (before, before + 1))


def _has_changed(duration_s: float | None, usual_s: float) -> bool:
    return not duration_s or abs(math.log(duration_s / usual_s)) > math.log(MAX_CHANGE)


def sentinels_of(experiment: Experiment) -> list[Sentinel]:
    """The sentinels of an experiment in their order; none where its profile has none."""
    arm = experiment.record.get("sentinel") or {}
    names = {probe["run"] for probe in experiment.record.get("probes") or []}
    runs = [run for run in experiment.runs if run.name in names and run.is_final]
    return [
        Sentinel.from_run(run)
        for run in runs
        if (run.deployment, run.scenario) == (arm.get("deployment"), arm.get("scenario"))
    ]


def ended_s(run: Run) -> float:
    """The end of a run in seconds since 1970 (UTC); 0 where its record has none."""
    try:
        return datetime.fromisoformat(run.record["ended"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0
