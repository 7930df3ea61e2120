"""The row of an experiment in the table of all experiments."""

from collections.abc import Iterator
from typing import Any

from workbench.arms import BASELINE, BURST_50, SUSTAINED_100, TUNED
from workbench.declared_arms import scale_of
from workbench.recording import Experiment

from .. import environment_facts
from ..capacity.bracket import capacity_results
from ..environment_facts import COMMIT, machine
from ..metrics import arm_estimates, arm_metrics
from ..speedup import speedup_estimate
from ..stats.confidence import Estimate

HEADLINE = (BASELINE, TUNED)  # the deployments whose duration under burst-50 is the headline of an experiment


def started(experiment: Experiment) -> str:
    """When the first of its runs started, as `2026-11-28T06:17` in UTC; empty where no run did."""
    return min((run.record.get("started") or "" for run in experiment.runs), default="")[:16]


def durations_s(experiment: Experiment) -> dict[str, Estimate]:
    """The duration (s) of 50 users at once, by deployment, on those of `HEADLINE` that were run."""
    estimates = {name: arm_estimates.duration_s(experiment, name, BURST_50) for name in HEADLINE}
    return {name: estimate for name, estimate in estimates.items() if estimate is not None}


def row_of(experiment: Experiment) -> dict[str, Any]:
    """Its machine, time, commit, size and headline metrics, by the names of their columns; a dash without a value."""
    environment = experiment.record["environment"]
    commit = environment_facts.facts_of(experiment).get(COMMIT, "unknown")
    return {
        "machine": machine(environment),
        "started": started(experiment),
        "experiment": experiment.name,
        "commit": commit + ("+" if environment.get("dirty") else ""),
        "profile": experiment.record["profile"],
        "scale": scale_of(experiment.record) or "-",
        "status": "complete" if experiment.is_complete() else "incomplete",
        "runs": len(experiment.runs),
        "valid": len(experiment.usable),
        **{name: "-" if value is None else value for name, value in _headline(experiment)},
    }


def _headline(experiment: Experiment) -> Iterator[tuple[str, object]]:
    """The headline metrics, by the name of their column."""
    for deployment in HEADLINE:
        yield f"{deployment} s", arm_metrics.duration_s(experiment, deployment, BURST_50)
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
