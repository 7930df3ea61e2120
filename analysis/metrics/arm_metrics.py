"""The figures of an experiment: one number or one small table an arm, from the rows of its runs.

An arm with several blocks gives what `estimates` has, less the interval. An arm without a usable run gives None, or
nothing.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.recording import Experiment, Run, arm

from ..stats.confidence import Estimate
from . import arm_estimates

ENDPOINTS = ("login", "dashboard", "search")
WRITES = ("scan",)
LATENCY = ("mean_ms", "median_ms", "p95_ms", "min_ms", "max_ms", "requests")
OUTCOMES = ("hit", "stale", "miss", "none")


def makespan_s(run: Run) -> float:
    """Seconds from the first send to the last answer of the measured requests."""
    return float(run.totals["makespan_s"])


def duration_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The makespan of an arm's runs: the geometric mean over the blocks."""
    return _value(arm_estimates.duration_s(experiment, deployment, scenario))


def twice(experiment: Experiment) -> pd.DataFrame:
    """Rows (deployment, scenario, block, ratio): where an arm ran twice in a block, the second makespan to the first.

    Nothing differs between the two but what an experiment cannot hold still.
    """
    pairs = experiment.by_run.pivot_table("makespan_s", ["deployment", "scenario", "block"], "replicate")
    if not {False, True} <= set(pairs.columns):
        return pd.DataFrame(columns=["deployment", "scenario", "block", "ratio"])
    return (pairs[True] / pairs[False]).dropna().rename("ratio").reset_index()


def throughput_rps(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Requests answered rightly, by second of makespan."""
    return _value(arm_estimates.throughput_rps(experiment, deployment, scenario))


def success_ratio(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The share of all measured requests of the arm that were right by content."""
    return _value(arm_estimates.success_ratio(experiment, deployment, scenario))


def mean_ms(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The mean latency of all measured requests of the arm."""
    runs = arm(experiment.by_run, deployment, scenario)
    return None if runs.empty else float((runs["mean_ms"] * runs["requests"]).sum() / runs["requests"].sum())


def latency(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """By endpoint: mean, median, p95, min and max latency in ms over all runs; empty without a usable run."""
    pooled = arm(experiment.by_arm, deployment, scenario).set_index("endpoint")[list(LATENCY)]
    return pooled.reindex([*ENDPOINTS, *WRITES]).dropna(how="all")


def round_trips(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """By endpoint: mean statements and mean round trips of a request that was answered rightly."""
    runs = arm(experiment.by_endpoint, deployment, scenario)
    names = ["statements", "round_trips"]
    weighted = runs[names].multiply(runs["successful"], axis=0).groupby(runs["endpoint"]).sum(min_count=1)
    return weighted.div(runs.groupby("endpoint")["successful"].sum(), axis=0)


def pool_totals(run: Run) -> pd.Series | None:
    """What the pools of all workers did in a run, counters added up and maxima of any worker; None if not read."""
    if run.pool.empty:
        return None
    last = run.pool.sort_values("at_us").groupby("worker").last()
    highest = [name for name in last.columns if name.startswith("longest_")]
    return pd.concat([last.drop(columns=highest).sum(), last[highest].max()])


def pool_use(run: Run) -> pd.DataFrame:
    """Rows (at_s, state, connections, limit) over all workers; `at_s` from the first measured request."""
    if run.pool.empty or run.totals is None:
        return pd.DataFrame(columns=["at_s", "state", "connections", "limit"])
    total = run.pool.groupby("at_us")[["checked_out", "idle", "pending", "limit"]].sum().reset_index()
    total["at_s"] = total.pop("at_us") / 1e6 - run.totals["measured_start_ms"] / 1e3
    names = {"checked_out": "used", "idle": "idle", "pending": "waiting"}
    states = total.rename(columns=names).melt(["at_s", "limit"], list(names.values()), "state", "connections")
    return states[states["at_s"] >= 0]


def cache_outcomes(
    experiment: Experiment, deployment: str, scenario: str, endpoints: Sequence[str] = ENDPOINTS
) -> pd.Series:
    """Requests to these endpoints by what the cache said: hit, miss, stale, none; empty without a usable run."""
    runs = arm(experiment.by_endpoint, deployment, scenario)
    return pd.Series(dtype=int) if runs.empty else runs.loc[runs["endpoint"].isin(endpoints), [*OUTCOMES]].sum()


def reads_p95_ms(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The 95th percentile of the latency of all reads."""
    return _value(arm_estimates.reads_p95_ms(experiment, deployment, scenario))


def worker_shares(run: Run) -> pd.Series:
    """By worker, the share of the measured requests that it answered, the busiest first."""
    counts = run.rows.query(
        "SELECT worker, count(*) AS requests FROM measured WHERE worker IS NOT NULL GROUP BY worker ORDER BY 2 DESC"
    ).set_index("worker")["requests"]
    return counts / counts.sum()


def percentile_curve(experiment: Experiment, deployment: str, scenario: str, points: int = 200) -> pd.DataFrame:
    """Rows (nines, latency_ms): latency of all requests of the arm, each `nines` the percentile `1 - 10**-nines`.

    Of n requests it ends at 1 − 1/n, the last percentile that they support.
    """
    requests = arm(experiment.by_run, deployment, scenario)["requests"].sum()
    if not requests:
        return pd.DataFrame(columns=["nines", "latency_ms"])
    nines = np.linspace(0, np.log10(requests), points)
    latency_ms = experiment.rows.query(
        f"SELECT unnest(quantile_cont(latency_ms, {(1 - 10**-nines).tolist()})) AS latency_ms FROM measured "
        "WHERE deployment = ? AND scenario = ?",
        [deployment, scenario],
    )["latency_ms"]
    return pd.DataFrame({"nines": nines, "latency_ms": latency_ms})


def percentile(
    experiment: Experiment, deployment: str, scenario: str, figure: str, share: float, endpoint: str
) -> float | None:
    """A percentile of one column (`db_ms`, say) of all measured requests of the arm to an endpoint.

    Over all runs together. None where there is no such request.
    """
    found = experiment.rows.query(
        f"SELECT quantile_cont({figure}, {share}) AS value FROM measured "
        "WHERE deployment = ? AND scenario = ? AND endpoint = ?",
        [deployment, scenario, endpoint],
    )["value"].iloc[0]
    return None if pd.isna(found) else float(found)


def median(run: Run, figure: str, of: str) -> float | None:
    """The median of one column of a run's measured requests for which the SQL condition holds."""
    return _one(run, f"median({figure})", of)


def mean(run: Run, figure: str, of: str) -> float | None:
    """Its mean."""
    return _one(run, f"avg({figure})", of)


def _one(run, what, of):
    found = run.rows.query(f"SELECT {what} AS value FROM measured WHERE {of}")["value"].iloc[0]
    return None if pd.isna(found) else float(found)


def counter(run: Run, name: str) -> int | None:
    """What the workers of a run counted under this name, all together; None in a record without it."""
    return run.record.get("counters", {}).get(name)


def database_total(run: Run, source: str, metric: str) -> float:
    """The sum of a metric's deltas over a run."""
    frame = run.database
    return float(frame.loc[(frame["source"] == source) & (frame["metric"] == metric), "value"].sum())


def statement_calls(run: Run, statement: str) -> float:
    """How often the server executed a statement, given as pg_stat_statements shows it."""
    frame = run.database
    chosen = (frame["source"] == "statement") & (frame["metric"] == "calls") & (frame["name"] == statement)
    return float(frame.loc[chosen, "value"].sum())


def most_connections(run: Run) -> int | None:
    """The largest number of the application's server connections in one reading."""
    activity = run.database[run.database["source"] == "activity"]
    return None if activity.empty else int(activity.groupby("at_us")["value"].sum().max())


def peak_memory_bytes(run: Run, role: str = "server") -> float | None:
    """The largest proportional set size of a role's processes."""
    sizes = run.process.loc[run.process["role"] == role, "pss_bytes"].dropna()
    return None if sizes.empty else float(sizes.max())


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value
