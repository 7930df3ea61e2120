"""Metrics of an arm with their intervals: duration, throughput, latency, and the share of successful requests.

Each is None for an arm without a usable run. Two runs of an arm in one block count as their geometric mean.
"""

import math

import numpy as np
import pandas as pd

from workbench.endpoints import READS
from workbench.recording import Experiment, arm

from ..stats.confidence import Estimate, log_mean_ci, proportion_ci, sectioning_ci

TAIL_QUANTILES = {"p95_ms": 0.95, "p99_ms": 0.99}  # the percentiles whose intervals need rows beyond them
SENSITIVE = ("mean_ms", *TAIL_QUANTILES)  # the statistics that a heavy tail decides


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
    """Return the share of the measured requests, all or those to one endpoint, that were successful by content."""
    if endpoint is None:
        runs = arm(experiment.by_run, deployment, scenario)
    else:
        runs = _to_endpoint(experiment.by_endpoint, deployment, scenario, endpoint)
    counts = runs.groupby("block")[["successful", "requests"]].sum()
    return None if runs.empty else proportion_ci(counts["successful"], counts["requests"])


def reads_p95_ms(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """Return the 95th percentile of the latency (ms) of all reads, by sectioning."""
    pooled = _to_endpoint(experiment.by_arm, deployment, scenario, "reads")
    runs = arm(experiment.by_run, deployment, scenario)
    reads = experiment.by_endpoint[experiment.by_endpoint["endpoint"].isin(READS)].groupby("run")["requests"].sum()
    return _tail(runs.assign(requests=runs["run"].map(reads)), "reads_p95_ms", pooled, "p95_ms")


def latency(
    experiment: Experiment, deployment: str, scenario: str, endpoint: str, statistic: str = "mean_ms"
) -> Estimate | None:
    """Return one statistic of an endpoint's latency, by sectioning.

    `statistic` is `mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms` or `max_ms`.
    """
    pooled = _to_endpoint(experiment.by_arm, deployment, scenario, endpoint)
    runs = _to_endpoint(experiment.by_endpoint, deployment, scenario, endpoint)
    if statistic in SENSITIVE:
        return _tail(runs, statistic, pooled, statistic)
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


def _tail(runs: pd.DataFrame, column: str, pooled: pd.DataFrame, statistic: str) -> Estimate | None:
    """Estimate one of `SENSITIVE` around that of all blocks together; `pooled` has it, p95 and p99 in its only row."""
    by_block = _by_block(runs, column)
    if not len(by_block) or not (by_block > 0).all():
        return _sectioned(runs, column, pooled[statistic])
    values, rows = pooled.iloc[0], runs.groupby("block")["requests"].sum().min()
    rows_beyond = float(rows * (1 - TAIL_QUANTILES[statistic])) if statistic in TAIL_QUANTILES else math.inf
    return sectioning_ci(by_block, float(values[statistic]), rows_beyond, values["p99_ms"] / values["p95_ms"])


def _estimate(by_block: np.ndarray, pooled: float | None) -> Estimate:
    """Estimate from the values of the blocks; without an interval where one is 0 and has no logarithm."""
    if (by_block > 0).all():
        return log_mean_ci(by_block, pooled)
    return Estimate(float(by_block.mean()) if pooled is None else pooled, len(by_block))


def _by_block(runs: pd.DataFrame, column: str) -> np.ndarray:
    """Geometric means of a column over the runs of each block; unmeasured values are left out."""
    values = runs[["block", column]].dropna()
    with np.errstate(divide="ignore"):
        logs = pd.Series(np.log(values[column].astype(float)))
    return np.exp(logs.groupby(values["block"]).mean().to_numpy())
