"""Metrics of an arm with their intervals: duration, throughput, latency, and the share of successful requests.

Latencies are of the successful responses. One that reaches into dropped arrivals is infinity, without an interval.
Each is None for an arm without a usable run. Two runs of an arm in one block count as their geometric mean.
"""

import math

import numpy as np
import pandas as pd

from workbench import aggregates
from workbench.endpoints import READS
from workbench.recording import Experiment, arm

from ..stats.confidence import Estimate, log_mean_ci, proportion_ci, sectioning_ci

TAIL_QUANTILES = {"p95_ms": 0.95, "p99_ms": 0.99}  # the percentiles whose intervals need rows beyond them
SENSITIVE = ("mean_ms", *TAIL_QUANTILES)  # the statistics that a heavy tail decides
RESPONSE = "response_"  # before a statistic: of the response time


def duration_s(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """Return the geometric mean over the blocks of the makespan: seconds from the first send to the last response."""
    return _geometric_mean(arm(experiment.by_run, deployment, scenario), "makespan_s")


def throughput_rps(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """Return the successful requests per second of makespan; without an interval where a run has none."""
    runs = arm(experiment.by_run, deployment, scenario)
    runs = runs.assign(throughput_rps=runs["successful"] / runs["makespan_s"])
    if (runs["successful"] == 0).any():
        return Estimate(float(runs["throughput_rps"].mean()), runs["block"].nunique())
    return _geometric_mean(runs, "throughput_rps")


def requests(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """Return the geometric mean over the blocks of the number of measured requests."""
    return _geometric_mean(arm(experiment.by_run, deployment, scenario), "requests")


def success_ratio(
    experiment: Experiment, deployment: str, scenario: str, endpoint: str | None = None
) -> Estimate | None:
    """Return the share of the measured requests, all or those to one endpoint, that were successful by content.

    The requests that were omitted with dropped arrivals count as not successful.
    """
    if endpoint is None:
        runs = arm(experiment.by_run, deployment, scenario)
    else:
        runs = _to_endpoint(experiment.by_endpoint, deployment, scenario, endpoint)
    counts = runs.groupby("block")[["successful", "requests", "omitted"]].sum()
    return None if runs.empty else proportion_ci(counts["successful"], counts["requests"] + counts["omitted"])


def reads_p95_ms(experiment: Experiment, deployment: str, scenario: str, prefix: str = "") -> Estimate | None:
    """Return the 95th percentile of the latency (ms) of all reads, by sectioning.

    With the `prefix` `response_` it is that of the response time.
    """
    pooled = _to_endpoint(experiment.by_arm, deployment, scenario, aggregates.READS)
    runs = arm(experiment.by_run, deployment, scenario)
    reads = experiment.by_endpoint[experiment.by_endpoint["endpoint"].isin(READS)].groupby("run")["successful"].sum()
    runs = runs.assign(successful=runs["run"].map(reads))
    return _sensitive(runs, f"{prefix}reads_p95_ms", pooled, "p95_ms", prefix)


def longest_of_all_ms(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the longest response time (ms) of all requests, failed ones included; infinity with dropped arrivals."""
    runs = arm(experiment.by_run, deployment, scenario)
    return None if runs.empty else float(runs["all_max_ms"].max())


def latency(
    experiment: Experiment, deployment: str, scenario: str, endpoint: str, statistic: str = "mean_ms"
) -> Estimate | None:
    """Return one statistic of an endpoint's latency, by sectioning.

    `statistic` is `mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms` or `max_ms`; with `response_` before it (all but
    `min_ms`) it is that of the response time.
    """
    pooled = _to_endpoint(experiment.by_arm, deployment, scenario, endpoint)
    runs = _to_endpoint(experiment.by_endpoint, deployment, scenario, endpoint)
    prefix = RESPONSE if statistic.startswith(RESPONSE) else ""
    if (name := statistic.removeprefix(RESPONSE)) in SENSITIVE:
        return _sensitive(runs, statistic, pooled, name, prefix)
    return _sectioned(runs, statistic, pooled[statistic])


def _to_endpoint(frame: pd.DataFrame, deployment: str, scenario: str, endpoint: str) -> pd.DataFrame:
    rows = arm(frame, deployment, scenario)
    return rows[rows["endpoint"] == endpoint]


def _geometric_mean(runs: pd.DataFrame, column: str) -> Estimate | None:
    by_block = _by_block(runs, column)
    return _estimate(by_block, None) if len(by_block) else None


def _sectioned(runs: pd.DataFrame, column: str, pooled: pd.Series) -> Estimate | None:
    """Estimate around the value of all blocks together, the only one in `pooled`."""
    by_block = _by_block(runs, column)
    return _estimate(by_block, float(pooled.iloc[0])) if len(by_block) else None


def _sensitive(runs: pd.DataFrame, column: str, pooled: pd.DataFrame, statistic: str, prefix: str) -> Estimate | None:
    """Estimate one of `SENSITIVE` around that of all blocks together, of latency or with the prefix of response time.

    `runs` has `successful` responses; `pooled` has the statistic, p95 and p99 in its only row.
    """
    estimate = _sectioned(runs, column, pooled[f"{prefix}{statistic}"])
    if estimate is None or estimate.interval is None:
        return estimate
    p95_ms, p99_ms = (float(pooled[f"{prefix}{name}"].iloc[0]) for name in TAIL_QUANTILES)
    rows = runs.groupby("block")["successful"].sum().min()
    rows_beyond = float(rows * (1 - TAIL_QUANTILES[statistic])) if statistic in TAIL_QUANTILES else math.inf
    return sectioning_ci(_by_block(runs, column), estimate.value, rows_beyond, p99_ms / p95_ms)


def _estimate(by_block: np.ndarray, pooled: float | None) -> Estimate:
    """Estimate from the values of the blocks; without an interval where one is 0 or infinity."""
    if (by_block > 0).all() and np.isfinite([*by_block, 1.0 if pooled is None else pooled]).all():
        return log_mean_ci(by_block, pooled)
    return Estimate(float(by_block.mean()) if pooled is None else pooled, len(by_block))


def _by_block(runs: pd.DataFrame, column: str) -> np.ndarray:
    """Geometric means of a column over the runs of each block; unmeasured values are left out."""
    values = runs[["block", column]].dropna()
    with np.errstate(divide="ignore"):
        logs = pd.Series(np.log(values[column].astype(float)))
    return np.exp(logs.groupby(values["block"]).mean().to_numpy())
