"""The figures of an experiment: one number or one small table an arm, from the rows of its runs.

An arm with several blocks gives the median over its runs. An arm without a valid run gives None, or nothing.
"""

from collections.abc import Sequence

import pandas as pd

from .recording import Experiment, Run

ENDPOINTS = ("login", "dashboard", "search")
WRITES = ("scan",)
READS = ("dashboard", "search")


def makespan_s(run: Run) -> float:
    """Seconds from the first send to the last answer of the measured requests."""
    rows = run.measured
    return float(((rows["start_ms"] + rows["latency_ms"]).max() - rows["start_ms"].min()) / 1000)


def duration_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The median makespan of an arm's runs."""
    return _median([makespan_s(run) for run in experiment.find(deployment, scenario)])


def twice(experiment: Experiment) -> pd.DataFrame:
    """Rows (deployment, scenario, block, ratio): where an arm ran twice in a block, the second makespan to the first.

    Nothing differs between the two but what an experiment cannot hold still.
    """
    spans = {(run.deployment, run.scenario, run.block, run.again): run for run in experiment.usable}
    rows = [
        (*arm, makespan_s(run) / makespan_s(spans[*arm, False]))
        for (*arm, again), run in spans.items()
        if again and (*arm, False) in spans
    ]
    return pd.DataFrame(rows, columns=["deployment", "scenario", "block", "ratio"])


def throughput_rps(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Requests answered rightly, by second of makespan."""
    return _median([run.measured["ok"].sum() / makespan_s(run) for run in experiment.find(deployment, scenario)])


def success_ratio(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The share of all measured requests of the arm that were right by content."""
    rows = experiment.measured(deployment, scenario)
    return None if rows.empty else float(rows["ok"].mean())


def latency(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """By endpoint: mean, median, p95, min and max latency in ms; empty without a valid run."""
    rows = experiment.measured(deployment, scenario)
    if rows.empty:
        return pd.DataFrame(columns=["mean_ms", "median_ms", "p95_ms", "min_ms", "max_ms", "requests"])
    grouped = rows.groupby(["block", "again", "endpoint"])["latency_ms"]
    by_run = grouped.agg(
        mean_ms="mean",
        median_ms="median",
        p95_ms=lambda x: x.quantile(0.95),
        min_ms="min",
        max_ms="max",
        requests="size",
    )
    return by_run.groupby("endpoint").median().reindex([*ENDPOINTS, *WRITES]).dropna(how="all")


def round_trips(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """By endpoint: mean statements and mean round trips of a request that was answered rightly."""
    rows = experiment.measured(deployment, scenario)
    if rows.empty:
        return pd.DataFrame(columns=["statements", "round_trips"])
    columns = {"db_calls": "statements", "db_round_trips": "round_trips"}
    return rows[rows["ok"]].groupby("endpoint")[list(columns)].mean().rename(columns=columns)


def pool_totals(run: Run) -> pd.Series | None:
    """What the pools of all workers did in a run, counters added up and maxima of any worker; None if not read."""
    if run.pool.empty:
        return None
    last = run.pool.sort_values("at_us").groupby("worker").last()
    highest = [name for name in last.columns if name.startswith("longest_")]
    return pd.concat([last.drop(columns=highest).sum(), last[highest].max()])


def pool_use(run: Run) -> pd.DataFrame:
    """Rows (at_s, state, connections, limit) over all workers; `at_s` from the first measured request."""
    if run.pool.empty or run.measured.empty:
        return pd.DataFrame(columns=["at_s", "state", "connections", "limit"])
    total = run.pool.groupby("at_us")[["checked_out", "idle", "pending", "limit"]].sum().reset_index()
    total["at_s"] = total.pop("at_us") / 1e6 - run.measured["start_ms"].min() / 1e3
    names = {"checked_out": "used", "idle": "idle", "pending": "waiting"}
    states = total.rename(columns=names).melt(["at_s", "limit"], list(names.values()), "state", "connections")
    return states[states["at_s"] >= 0]


def cache_outcomes(
    experiment: Experiment, deployment: str, scenario: str, endpoints: Sequence[str] = ENDPOINTS
) -> pd.Series:
    """Requests to these endpoints by what the cache said: hit, miss, stale, none."""
    rows = experiment.measured(deployment, scenario)
    return pd.Series(dtype=int) if rows.empty else rows.loc[rows["endpoint"].isin(endpoints), "cache"].value_counts()


def reads_p95_ms(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The 95th percentile of the latency of all reads."""
    runs = [run.measured for run in experiment.find(deployment, scenario)]
    return _median([rows.loc[rows["endpoint"].isin(READS), "latency_ms"].quantile(0.95) for rows in runs])


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


def _median(figures):
    return float(pd.Series(figures).median()) if figures else None
