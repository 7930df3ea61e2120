"""Requests that wait for another service, beside light reads, on threads, greenlets and an event loop."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from workbench.arms import ASYNC, GEVENT, MORE_THREADS, TUNED, UPSTREAM_50, UPSTREAM_300
from workbench.endpoints import DASHBOARD, SHIPMENT
from workbench.recording import Experiment

SCENARIOS = (UPSTREAM_50, UPSTREAM_300)
DEPLOYMENTS = (TUNED, MORE_THREADS, GEVENT, ASYNC)


class UpstreamMetric(NamedTuple):
    """A metric of one endpoint: its column in `by_endpoint`.

    The load lasts as long in all runs of a scenario, so that a ratio of `successful` is one of throughput.
    """

    name: str
    text: str
    endpoint: str
    column: str


METRICS = (
    UpstreamMetric("shipment-p95", "p95 of requests that wait", SHIPMENT.name, "p95_ms"),
    UpstreamMetric("shipment-throughput", "throughput of requests that wait", SHIPMENT.name, "successful"),
    UpstreamMetric("light-p95", "p95 of light reads", DASHBOARD.name, "p95_ms"),
    UpstreamMetric("light-throughput", "throughput of light reads", DASHBOARD.name, "successful"),
)


def most_at_once(experiment: Experiment, deployment: str, scenario: str) -> int | None:
    """The largest number of requests that the service had at once, over all runs; None where it was not read."""
    counts = (run.record.get("upstream") or {} for run in experiment.find(deployment, scenario))
    return max((count["most_at_once"] for count in counts if "most_at_once" in count), default=None)


def by_deployment(experiment: Experiment, scenario: str) -> pd.DataFrame:
    """A row for each deployment that was run under the scenario, in the order of `DEPLOYMENTS`.

    For `shipment` and `dashboard` the medians over the runs of `<endpoint>_per_s` (successful responses a second of the
    measured time) and `<endpoint>_p95_ms`; `failures` of both in all runs, `most_at_once`, and the number of `runs`.
    """
    rows = {name: _row(experiment, name, scenario) for name in DEPLOYMENTS if experiment.find(name, scenario)}
    return pd.DataFrame.from_dict(rows, orient="index", dtype=object)


def _row(experiment: Experiment, deployment: str, scenario: str) -> dict[str, float | int | None]:
    runs = experiment.find(deployment, scenario)
    duration_s = runs[0].record["scenario"]["duration_s"]
    of_arm = experiment.by_endpoint
    of_arm = of_arm[(of_arm["deployment"] == deployment) & (of_arm["scenario"] == scenario)]
    row: dict[str, float | int | None] = {}
    for name in (SHIPMENT.name, DASHBOARD.name):
        of_endpoint = of_arm[of_arm["endpoint"] == name]
        row[f"{name}_per_s"] = _median(of_endpoint["successful"] / duration_s)
        row[f"{name}_p95_ms"] = _median(of_endpoint["p95_ms"])
    failures = int(of_arm["failures"].sum())
    return row | {"failures": failures, "most_at_once": most_at_once(experiment, deployment, scenario),
                  "runs": len(runs)}  # fmt: skip


def _median(values: pd.Series) -> float | None:
    """None without a value."""
    median = float(values.astype(float).median())
    return None if np.isnan(median) else median
