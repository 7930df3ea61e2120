"""Metrics of an arm or a run: one number or one small table, from the rows and readings of the runs.

Latencies are of the successful responses. Metrics of an arm are the values of `arm_estimates` without their intervals.
An arm without a usable run gives None, or an empty table.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench import aggregates, endpoints
from workbench.omitted_requests import observed_quantiles
from workbench.recording import Experiment, Run, arm
from workbench.request_frames import WORKERS

from ..stats.confidence import Estimate
from . import arm_estimates

LATENCY_COLUMNS = ("mean_ms", "median_ms", "p95_ms", "min_ms", "max_ms", "requests", "failures")
CACHE_OUTCOMES = ("hit", "stale", "miss", "none")
MIN_SUCCESS = 0.5  # share of the responses below which their time says nothing of a deployment


def measured_totals(run: Run) -> pd.Series:
    """Return the totals of a run's measured requests. Raises ValueError for a run without any."""
    if run.totals is None:
        raise ValueError(f"{run.name} has no measured requests")
    return run.totals


def makespan_s(run: Run) -> float:
    """Return the seconds from the first send to the last response of the measured requests."""
    return float(measured_totals(run)["makespan_s"])


def duration_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the makespan (s) of an arm's runs: the geometric mean over the blocks."""
    return _value(arm_estimates.duration_s(experiment, deployment, scenario))


def replicate_ratios(experiment: Experiment) -> pd.DataFrame:
    """Return rows (deployment, scenario, block, ratio): the makespan of an A/A replicate over that of its pair.

    Whatever differs between the two is noise.
    """
    pairs = experiment.by_run.pivot_table("makespan_s", ["deployment", "scenario", "block"], "replicate")
    if not {False, True} <= set(pairs.columns):
        return pd.DataFrame(columns=["deployment", "scenario", "block", "ratio"])
    return (pairs[True] / pairs[False]).dropna().rename("ratio").reset_index()


def throughput_rps(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the successful requests per second of makespan."""
    return _value(arm_estimates.throughput_rps(experiment, deployment, scenario))


def success_ratio(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the share of the measured requests of the arm, dropped arrivals included, that were successful."""
    return _value(arm_estimates.success_ratio(experiment, deployment, scenario))


def mean_ms(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the mean latency (ms) of the successful responses of the arm; None without any."""
    runs = arm(experiment.by_run, deployment, scenario)
    runs = runs[runs["successful"] > 0]
    return None if runs.empty else float((runs["mean_ms"] * runs["successful"]).sum() / runs["successful"].sum())


def failures(experiment: Experiment, deployment: str, scenario: str, endpoint: str | None = None) -> str | None:
    """Return the failures of the arm, all or those of one endpoint, in a line: `3 of 150: 3 × status 500`, or `none`.

    None where nothing was measured.
    """
    rows = arm(experiment.by_arm, deployment, scenario)
    rows = rows[rows["endpoint"].isin([endpoint] if endpoint else set(rows["endpoint"]) - {aggregates.READS})]
    if rows.empty:
        return None
    failed, requests = int(rows["failures"].sum()), int(rows["requests"].sum())
    if not failed:
        return "none"
    kinds = rows["failure_kinds"].dropna()
    names = rows["endpoint"][kinds.index]
    listed = [text if endpoint else f"{name} {text}" for name, text in zip(names, kinds, strict=True)]
    return f"{failed:,} of {requests:,}: {'; '.join(listed)}"


def latency(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """Return `LATENCY_COLUMNS` by endpoint over all runs, without endpoints that were not measured."""
    pooled = arm(experiment.by_arm, deployment, scenario).set_index("endpoint")[list(LATENCY_COLUMNS)]
    others = [name for name in pooled.index if name not in (*endpoints.NAMES, aggregates.READS)]
    return pooled.reindex([*endpoints.NAMES, *others]).dropna(how="all")


def round_trips(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """Return, by endpoint, the mean `statements` and mean `round_trips` of a successful request."""
    runs = arm(experiment.by_endpoint, deployment, scenario)
    names = ["statements", "round_trips"]
    weighted = runs[names].multiply(runs["successful"], axis=0).groupby(runs["endpoint"]).sum(min_count=1)
    return weighted.div(runs.groupby("endpoint")["successful"].sum(), axis=0)


def pool_totals(run: Run) -> pd.Series | None:
    """Return the last readings of the pools of all workers: sums of counters, and of maxima the largest of any worker.

    None if the pools were not read.
    """
    if run.pool.empty:
        return None
    last = run.pool.sort_values("at_us").groupby("worker").last()
    maxima = [name for name in last.columns if name.startswith("longest_")]
    return pd.concat([last.drop(columns=maxima).sum(), last[maxima].max()])


def cache_outcomes(
    experiment: Experiment, deployment: str, scenario: str, to_endpoints: Sequence[str] = endpoints.PUBLISHED
) -> pd.Series:
    """Return the number of requests to these endpoints by cache outcome; empty without a usable run."""
    runs = arm(experiment.by_endpoint, deployment, scenario)
    if runs.empty:
        return pd.Series(dtype=int)
    return runs.loc[runs["endpoint"].isin(to_endpoints), [*CACHE_OUTCOMES]].sum()


def reads_p95_ms(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the 95th percentile of the latency (ms) of all reads."""
    return _value(arm_estimates.reads_p95_ms(experiment, deployment, scenario))


def mostly_succeeds(experiment: Experiment, deployment: str, scenario: str) -> bool:
    """True where at least half of the responses were successful; the time of failures says nothing of a set-up."""
    share = success_ratio(experiment, deployment, scenario)
    return share is not None and share >= MIN_SUCCESS


def worker_shares(run: Run) -> pd.Series:
    """Return the share of the measured requests that each worker answered, the busiest worker first."""
    counts = run.rows.query(
        "SELECT worker, count(*) AS requests FROM measured WHERE worker IS NOT NULL GROUP BY worker ORDER BY 2 DESC"
    ).set_index("worker")["requests"]
    return counts / counts.sum()


def busiest_worker_share(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the largest share of a run's measured requests that one worker answered; None where no request names one.

    It is the largest of all runs of the arm.
    """
    rows = experiment.rows.only(deployment=deployment, scenario=scenario)
    counts = rows.merged(WORKERS).to_pandas().groupby("run")["number"]
    return None if not counts.ngroups else float((counts.max() / counts.sum()).max())


def percentile_curve(experiment: Experiment, deployment: str, scenario: str, points: int = 200) -> pd.DataFrame:
    """Return rows (nines, latency_ms): the quantile `1 - 10**-nines` of the latency of all successes of the arm.

    With n requests the curve ends at 1 − 1/n, the last quantile that they support, and at the first one that reaches
    into dropped arrivals.
    """
    runs = arm(experiment.by_run, deployment, scenario)
    successful, omitted = int(runs["successful"].sum()), int(runs["omitted"].sum())
    if not successful:
        return pd.DataFrame(columns=["nines", "latency_ms"])
    nines = np.linspace(0, np.log10(successful + omitted), points)
    quantiles = observed_quantiles(1 - 10**-nines, successful, omitted)
    nines, quantiles = nines[quantiles <= 1], quantiles[quantiles <= 1]
    values = experiment.rows.latencies.where({"deployment": deployment, "scenario": scenario}).all()
    latency_ms = [values.quantile_ms(quantile) for quantile in quantiles]
    return pd.DataFrame({"nines": nines, "latency_ms": latency_ms})


def percentile(
    experiment: Experiment, deployment: str, scenario: str, column: str, quantile: float, endpoint: str
) -> float | None:
    """Return a quantile (0 to 1) in ms of a column (`db_us`, say) of the arm's successful requests to an endpoint.

    It is that of all runs together; None where there is no such request.
    """
    rows = experiment.rows.only(deployment=deployment, scenario=scenario)
    value_ms = rows.values(column).where({"endpoint": endpoint}).all().quantile_ms(quantile)
    return None if math.isnan(value_ms) else value_ms


def median(run: Run, column: str, condition: str) -> float | None:
    """Return the median of a column of a run's measured requests that meet an SQL condition; None without any."""
    return _aggregate(run, f"median({column})", condition)


def mean(run: Run, column: str, condition: str) -> float | None:
    """Return the mean of a column of a run's measured requests that meet an SQL condition; None without any."""
    return _aggregate(run, f"avg({column})", condition)


def _aggregate(run: Run, expression: str, condition: str) -> float | None:
    value = run.rows.query(f"SELECT {expression} AS value FROM measured WHERE {condition}")["value"].iloc[0]
    return None if pd.isna(value) else float(value)


def counter(run: Run, name: str) -> int | None:
    """Return the sum of a counter over the workers of a run; None in a record without it."""
    return run.record.get("counters", {}).get(name)


def database_total(run: Run, source: str, metric: str) -> float:
    """Return the sum of a database metric's deltas over a run."""
    deltas = run.database
    return float(deltas.loc[(deltas["source"] == source) & (deltas["metric"] == metric), "value"].sum())


def statement_calls(run: Run, statement: str) -> float:
    """Return how often the server executed a statement, given as pg_stat_statements shows it."""
    deltas = run.database
    is_call = (deltas["source"] == "statement") & (deltas["metric"] == "calls") & (deltas["name"] == statement)
    return float(deltas.loc[is_call, "value"].sum())


def peak_connections(run: Run) -> int | None:
    """Return the largest number of the application's server connections in one reading; None if they were not read."""
    activity = run.database[run.database["source"] == "activity"]
    return None if activity.empty else int(activity.groupby("at_us")["value"].sum().max())


def peak_memory_bytes(run: Run, role: str = "server") -> float | None:
    """Return the largest proportional set size (bytes) of a role's processes in a reading; None if it was not read."""
    sizes = run.process.loc[run.process["role"] == role, "pss_bytes"].dropna()
    return None if sizes.empty else float(sizes.max())


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value
