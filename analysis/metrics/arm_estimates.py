"""The figures of an arm with their intervals: of its duration, its latency, its throughput and its failures.

An arm without a usable run gives None. Where it ran twice in a block, the block's figure is the geometric mean of both.
"""

import numpy as np
import pandas as pd

from workbench.recording import Experiment, arm

from ..stats.confidence import Estimate, positive, proportion


def duration_s(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """Seconds from the first send to the last answer of the measured requests: the geometric mean over the blocks."""
    return _geometric(arm(experiment.by_run, deployment, scenario), "makespan_s")


def throughput_rps(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """Requests answered rightly, by second of that time; without an interval where a run has none."""
    runs = arm(experiment.by_run, deployment, scenario)
    runs = runs.assign(throughput_rps=runs["successful"] / runs["makespan_s"])
    if (runs["successful"] == 0).any():
        return Estimate(float(runs["throughput_rps"].mean()), runs["block"].nunique())
    return _geometric(runs, "throughput_rps")


def requests(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """How many requests were measured in a run: the geometric mean over the blocks."""
    return _geometric(arm(experiment.by_run, deployment, scenario), "requests")


def success_ratio(
    experiment: Experiment, deployment: str, scenario: str, endpoint: str | None = None
) -> Estimate | None:
    """The share of the measured requests, all or those to one endpoint, that were right by content."""
    runs = arm(experiment.by_run if endpoint is None else experiment.by_endpoint, deployment, scenario)
    if endpoint is not None:
        runs = runs[runs["endpoint"] == endpoint]
    counts = runs.groupby("block")[["successful", "requests"]].sum()
    return None if runs.empty else proportion(counts["successful"], counts["requests"])


def reads_p95_ms(experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    """The 95th percentile of the latency of all reads, by sectioning."""
    pooled = arm(experiment.by_arm, deployment, scenario).query("endpoint == 'reads'")
    return _pooled(arm(experiment.by_run, deployment, scenario), "reads_p95_ms", pooled["p95_ms"])


def latency(
    experiment: Experiment, deployment: str, scenario: str, endpoint: str, figure: str = "mean_ms"
) -> Estimate | None:
    """One figure of an endpoint's latency (`mean_ms`, `median_ms`, `p95_ms`, `p99_ms`, `min_ms`, `max_ms`), by
    sectioning."""
    pooled = arm(experiment.by_arm, deployment, scenario).query("endpoint == @endpoint")
    of_blocks = arm(experiment.by_endpoint, deployment, scenario).query("endpoint == @endpoint")
    return _pooled(of_blocks, figure, pooled[figure])


def _geometric(runs, column):
    by_block = _by_block(runs, column)
    return _estimate(by_block, None) if len(by_block) else None


def _pooled(runs, column, pooled: pd.Series):
    by_block = _by_block(runs, column)
    return _estimate(by_block, float(pooled.iloc[0])) if len(by_block) else None


def _estimate(by_block, pooled):
    """Without an interval where a figure is 0: there is none on the scale of logarithms."""
    if (by_block > 0).all():
        return positive(by_block, pooled)
    return Estimate(float(by_block.mean()) if pooled is None else pooled, len(by_block))


def _by_block(runs, column) -> np.ndarray:
    figures = runs[["block", column]].dropna()
    with np.errstate(divide="ignore"):
        logs = np.log(figures[column].astype(float))
    return np.exp(logs.groupby(figures["block"]).mean()).to_numpy()
