"""Every recorded experiment in one table: its headline figures against commit and time."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from workbench.errors import RecordingError
from workbench.recording import Experiment, open_experiment

from .capacity import bracket
from .findings import evidence
from .findings.evidence import BASE, OURS
from .metrics import arm_metrics
from .stats.confidence import Estimate

SCENARIO, SUSTAINED = "burst-50", "sustained-100"


def history(directory: Path) -> tuple[pd.DataFrame, list[str]]:
    """A row for each experiment in the folder, by machine and then by time, and what is wrong with those without one.

    Figures of different machines do not compare: the `machine` says which rows belong together. `faster` is how many
    times faster `tuned` finishes 50 users at once than `as-measured`, with its interval where there are blocks enough;
    what `tuned` holds is the bracket of its search.
    """
    rows, wrong = [], []
    for path in sorted(directory.glob("*/experiment.json")):
        try:
            rows.append(_row(open_experiment(path.parent)))
        except RecordingError as error:
            wrong.append(str(error))
    frame = pd.DataFrame(rows)
    return (frame if frame.empty else frame.sort_values(["machine", "began"], ignore_index=True)), wrong


def _row(experiment: Experiment) -> dict:
    made = experiment.record["environment"]
    headline = {name: "-" if figure is None else figure for name, figure in _headline(experiment)}
    return {
        "machine": machine(made),
        "began": min((run.record.get("started", "") for run in experiment.runs), default="")[:16],
        "experiment": experiment.name,
        "commit": (made.get("commit") or "unknown")[:10] + ("+" if made.get("dirty") else ""),
        "profile": experiment.record["profile"],
        "scale": experiment.record["scale"],
        "status": "complete" if experiment.is_complete() else "incomplete",
        "runs": len(experiment.runs),
        "valid": len(experiment.usable),
        **headline,
    }


def machine(made: dict) -> str:
    """What a figure depends on most: processor, cores and memory."""
    return f"{made['cpu_model']}, {made['cpu_count']} cores, {made['memory_bytes'] / 2**30:.0f} GiB"


def _headline(experiment) -> Iterator[tuple[str, object]]:
    yield "as-measured s", arm_metrics.duration_s(experiment, BASE, SCENARIO)
    yield "tuned s", arm_metrics.duration_s(experiment, OURS, SCENARIO)
    yield "faster", _faster(evidence.speedup(experiment, SCENARIO))
    yield "sustained reads p95 ms", arm_metrics.reads_p95_ms(experiment, OURS, SUSTAINED)
    yield "holds requests/s", _held(experiment, "open")
    yield "holds users", _held(experiment, "sustained")


def _held(experiment, family):
    """The bracket of ours, where its capacity was searched for."""
    for found in bracket.found(experiment):
        if (found.deployment, found.family) == (OURS, family) and found.probes:
            ends = (found.bracket.certified, found.bracket.refuted)
            return "–".join("?" if end is None else f"{end:.0f}" for end in ends)
    return None


def _faster(speedup: Estimate | None) -> str | None:
    if speedup is None:
        return None
    interval = f" ({speedup.low:.1f}–{speedup.high:.1f})" if speedup.interval else ""
    return f"{speedup.value:.1f}{interval}"
