"""The headline metric of each arm of an experiment: the value that is followed over experiments."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench import declared_arms
from workbench.arms import BASELINE, BURST_50, START, TUNED
from workbench.declared_arms import DEPLOYMENT, KEY
from workbench.recording import Experiment, Run

from ..environment_facts import load_of_run
from ..metrics.arm_metrics import MIN_SUCCESS
from ..metrics.effect_metrics import by_block
from ..speedup import speedup_estimate
from ..stats.confidence import Estimate, log_mean_ci

MARGIN = 0.10  # a change that lies within it counts as none in the verdicts of a report


@dataclass(frozen=True)
class HeadlineMetric:
    """A metric that is followed: its column in a table by run, its name, its unit, and which value is better."""

    column: str
    name: str
    unit: str
    lower_is_better: bool = True


DURATION = HeadlineMetric("makespan_s", "duration", "s")
SPEEDUP = HeadlineMetric("", f"times faster than {BASELINE}", "", lower_is_better=False)
TAILS = {  # of the load and of its requests: whether it is open, and whether they have reads
    (False, True): HeadlineMetric("reads_p95_ms", "p95 latency of reads", "ms"),
    (False, False): HeadlineMetric("p95_ms", "p95 latency", "ms"),
    (True, True): HeadlineMetric("response_reads_p95_ms", "p95 response time of reads", "ms"),
    (True, False): HeadlineMetric("response_p95_ms", "p95 response time", "ms"),
}
METRICS = {metric.name: metric for metric in (DURATION, SPEEDUP, *TAILS.values())}


@dataclass(frozen=True)
class Code:
    """The code of an arm: its commit, None where it is not known, whether there were local changes, and its folder.

    The folder is empty for the workbench's own.
    """

    commit: str | None
    is_dirty: bool = False
    folder: str = ""


@dataclass(frozen=True)
class HeadlineValue:
    """The value of one arm under one scenario, and the code that it ran; `metric` is a name in `METRICS`."""

    arm: str
    scenario: str
    metric: str
    estimate: Estimate
    code: Code


def headline_values(experiment: Experiment) -> list[HeadlineValue]:
    """The value of each arm: the duration of a load that has an end by itself, else p95; and the times faster.

    Of open load it is p95 of the response time. Runs under faults, overloads, and the probes of a search for capacity
    have no headline metric. An arm with fewer than half successful responses, with dropped arrivals that p95 reaches,
    or without a valid run has no value.
    """
    values = [value for _, runs in _arms(experiment) if (value := _value(experiment, runs))]
    speedup = speedup_estimate(experiment)
    tuned = next((value for value in values if (value.arm, value.scenario) == (TUNED, BURST_50)), None)
    if speedup is None or tuned is None:
        return values
    return [*values, HeadlineValue(TUNED, BURST_50, SPEEDUP.name, speedup, tuned.code)]


def _arms(experiment: Experiment) -> Iterator[tuple[Any, pd.DataFrame]]:
    probes = {probe["run"] for probe in experiment.record.get("probes") or ()}
    by_run = experiment.by_run
    return iter(by_run[~by_run["run"].isin(probes)].groupby(["deployment", "scenario"]))


def _value(experiment: Experiment, runs: pd.DataFrame) -> HeadlineValue | None:
    run = next(run for run in experiment.usable if run.name == runs["run"].iloc[0])
    metric = _metric(run, runs)
    if metric is None or runs["successful"].sum() < MIN_SUCCESS * (runs["requests"] + runs["omitted"]).sum():
        return None
    values = by_block(runs, run.deployment, metric.column).to_numpy()
    if not len(values) or not (np.isfinite(values) & (values > 0)).all():
        return None
    code = code_of(experiment.record, run.deployment)
    return HeadlineValue(run.deployment, run.scenario, metric.name, log_mean_ci(values), code)


def loads(experiment: Experiment) -> dict[str, dict[str, str]]:
    """By scenario, what decides on its load, the content of a user's own locustfile included; each fact as a text."""
    users = (experiment.record.get(KEY) or {}).get("users")
    runs = {run.scenario: run for run in reversed(experiment.usable)}
    return {
        scenario: {
            name: json.dumps(value)
            for name, value in {**load_of_run(run), "content of the locustfile": users}.items()
            if value is not None
        }
        for scenario, run in runs.items()
    }


def _metric(run: Run, runs: pd.DataFrame) -> HeadlineMetric | None:
    scenario = run.record["scenario"]
    if scenario["kind"] == START or scenario.get("faults") or scenario.get("base_rps"):
        return None
    if scenario["kind"] in ("single", "burst") and not scenario.get("duration_s"):
        return DURATION
    return TAILS[run.is_open, bool(runs["reads_p95_ms"].notna().any())]


def code_of(record: Mapping[str, Any], arm: str) -> Code:
    """The code of an arm: what its source declares, or that of the workbench."""
    source = next((each.source for each in declared_arms.declared(record) if each.name == arm), None)
    if source is None or source["kind"] == DEPLOYMENT:
        return Code(record["environment"].get("commit"), bool(record["environment"].get("dirty")))
    return Code(source.get("commit"), bool(source.get("dirty")), str(source.get("folder") or ""))
