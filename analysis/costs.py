"""What requests cost: where their time goes, what of it is work, and the least time that this work takes."""

import pandas as pd

from .measures import ENDPOINTS
from .recording import Experiment, Run

PARTS = ("queue", "pool", "db", "hash", "cache", "session", "rest", "residual")
TAIL = (0.90, 0.99)
WORK = ("hash", "db")


def time_split(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """Rows (endpoint, statistic, part, mean_ms): where the time of an arm's requests went.

    Statistic `mean` is over all requests, `p90–p99` over those whose latency lies in that band of their endpoint and
    run. In both the parts add up to the mean latency.
    """
    rows = experiment.measured(deployment, scenario)
    if rows.empty:
        return pd.DataFrame(columns=["endpoint", "statistic", "part", "mean_ms"])
    latency = rows.groupby(["block", "again", "endpoint"])["latency_ms"]
    low, high = (latency.transform("quantile", share) for share in TAIL)
    tail = rows[rows["latency_ms"].between(low, high)]
    return pd.concat([_means(rows).assign(statistic="mean"), _means(tail).assign(statistic="p90–p99")])


def _means(rows):
    columns = {f"{part}_ms": part for part in PARTS}
    means = rows.groupby("endpoint")[list(columns)].mean().rename(columns=columns)
    return means.stack().rename_axis(["endpoint", "part"]).rename("mean_ms").reset_index()


def work_alone_ms(experiment: Experiment, deployment: str) -> pd.DataFrame:
    """By endpoint: the medians `hash` and `db` (ms) of single requests that hash, or ask the database, at all.

    Empty if they were not run. Nobody else is there, so a hash is the time of one core; so is a query, unless
    PostgreSQL computes it by several processes: then it counts for less than it takes.
    """
    runs = experiment.find(deployment, "single")
    if not runs:
        return pd.DataFrame(columns=WORK)
    rows = pd.concat([run.requests for run in runs])
    asked = rows[(rows["db_calls"] > 0) | (rows["hash_ms"] > 0)]
    return asked.groupby("endpoint")[[f"{part}_ms" for part in WORK]].median().set_axis(list(WORK), axis=1)


def floor_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The least seconds in which this machine's cores can do the hashes and queries of a run of the arm.

    Each request that hashed or asked counts with what that takes alone; all cores do nothing else, and none waits.
    None where the arm or its single requests were not run.
    """
    alone_ms = work_alone_ms(experiment, deployment)
    floors = [_floor_s(run, alone_ms) for run in experiment.find(deployment, scenario)]
    return float(pd.Series(floors).median()) if floors and not alone_ms.empty else None


def _floor_s(run: Run, alone_ms):
    rows = run.measured[run.measured["endpoint"].isin(ENDPOINTS)]
    work_ms = 0.0
    for part, did in (("hash", rows["hash_ms"] > 0), ("db", rows["db_calls"] > 0)):
        work_ms += rows.loc[did, "endpoint"].map(alone_ms[part]).fillna(0.0).sum()
    return work_ms / 1000 / run.record["environment"]["cpu_count"]


def cpu_ms(run: Run, role: str) -> float | None:
    """CPU time (ms) that a role's processes spent on the load, warm-up included.

    From the last reading before the load to the first after it, None without both; the generator counts its own.
    """
    if role == "generator":
        return run.record.get("generator", {}).get("cpu_ms")
    rows = run.requests
    readings = run.process[run.process["role"] == role]
    before = readings[readings["at_us"] <= 1000 * rows["start_ms"].min()]
    after = readings[readings["at_us"] >= 1000 * (rows["start_ms"] + rows["latency_ms"]).max()]
    if before.empty or after.empty:
        return None
    return float((after["cpu_us"].iloc[0] - before["cpu_us"].iloc[-1]) / 1000)


def cpu_ms_per_request(run: Run, role: str = "server") -> float | None:
    """`cpu_ms` for a request."""
    spent_ms = cpu_ms(run, role)
    return None if spent_ms is None else spent_ms / len(run.requests)
