"""Metrics of an arm with their intervals: duration, throughput, latency, and the share of successful requests.

Latencies are of the successful responses. One that reaches into dropped arrivals is infinity, without an interval.
Each is None for an arm without a usable run. Two runs of an arm in one block count as their geometric mean.
"""

import numpy as np
import pandas as pd

from workbench import aggregates
from workbench.recording import Experiment, arm

from ..stats.confidence import Estimate, log_mean_ci, proportion_ci


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
    return _sectioned(arm(experiment.by_run, deployment, scenario), f"{prefix}reads_p95_ms", pooled[f"{prefix}p95_ms"])


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
