"""Every recorded experiment in one table: its headline metrics against commit and time."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from workbench.arms import BASELINE, BURST_50, SUSTAINED_100, TUNED
from workbench.errors import RecordingError
from workbench.recording import Experiment, open_experiment

from .capacity.bracket import capacity_results
from .metrics import arm_metrics
from .speedup import speedup_estimate
from .stats.confidence import Estimate


def history(directory: Path) -> tuple[pd.DataFrame, list[str]]:
    """A row for each experiment in the folder, by machine and then by time, and a message for each that cannot be read.

    Only rows of one `machine` compare. `times faster` is the duration of 50 users at once on `as-measured` over that on
    `tuned`, with its interval from four blocks on. The sustained loads are the brackets of the capacity searches of
    `tuned`.
    """
    rows, problems = [], []
    for path in sorted(directory.glob("*/experiment.json")):
        try:
            experiment = open_experiment(path.parent)
            if changed := experiment.own_problems():
                problems.append(f"{path.parent} was changed: {changed[0]}")
            else:
                rows.append(_row(experiment))
        except RecordingError as error:
            problems.append(str(error))
    frame = pd.DataFrame(rows)
    return (frame if frame.empty else frame.sort_values(["machine", "started"], ignore_index=True)), problems


def _row(experiment: Experiment) -> dict[str, object]:
    environment = experiment.record["environment"]
    return {
        "machine": machine(environment),
        "started": min((run.record.get("started", "") for run in experiment.runs), default="")[:16],
        "experiment": experiment.name,
        "commit": (environment.get("commit") or "unknown")[:10] + ("+" if environment.get("dirty") else ""),
        "profile": experiment.record["profile"],
        "scale": experiment.record["scale"],
        "status": "complete" if experiment.is_complete() else "incomplete",
        "runs": len(experiment.runs),
        "valid": len(experiment.usable),
        **{name: "-" if value is None else value for name, value in _headline(experiment)},
    }


def machine(environment: dict) -> str:
    """Processor, cores and memory: the facts on which a metric depends most."""
    memory_gib = environment["memory_bytes"] / 2**30
    return f"{environment['cpu_model']}, {environment['cpu_count']} cores, {memory_gib:.0f} GiB"


def _headline(experiment: Experiment) -> Iterator[tuple[str, object]]:
    """The headline metrics, by the name of their column."""
    yield f"{BASELINE} s", arm_metrics.duration_s(experiment, BASELINE, BURST_50)
    yield f"{TUNED} s", arm_metrics.duration_s(experiment, TUNED, BURST_50)
    yield "times faster", _with_interval(speedup_estimate(experiment, BURST_50))
    yield "sustained reads p95 ms", arm_metrics.reads_p95_ms(experiment, TUNED, SUSTAINED_100)
    yield "sustained requests/s", _bracket(experiment, "open")
    yield "sustained users", _bracket(experiment, "sustained")


def _bracket(experiment: Experiment, family: str) -> str | None:
    """The bracket of tuned, if its capacity was searched for."""
    for result in capacity_results(experiment):
        if (result.deployment, result.family) == (TUNED, family) and result.probes:
            return str(result.bracket)
    return None


def _with_interval(speedup: Estimate | None) -> str | None:
    if speedup is None:
        return None
    interval = f" ({speedup.low:.1f}–{speedup.high:.1f})" if speedup.interval else ""
    return f"{speedup.value:.1f}{interval}"
