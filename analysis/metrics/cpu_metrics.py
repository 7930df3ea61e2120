"""What requests cost: where their time goes, what of it is work, and the least time that this work takes."""

import pandas as pd

from workbench.aggregates import SPLIT as PARTS
from workbench.recording import Experiment, Run, arm

from .arm_metrics import ENDPOINTS, makespan_s

SYSTEM = ("server", "database", "store")
WORK = ("hash", "db")
WORK_COLUMNS = ("hash_us", "db_us", "db_calls")
WORK_OF = {"server": "hash", "database": "db", "store": None, "generator": None}  # with the part of WORK that is theirs


def time_split(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """Rows (endpoint, statistic, part, mean_ms): where the time of an arm's requests went.

    Statistic `mean` is over all requests, `p90–p99` over those whose latency lies in that band of their endpoint and
    run. In both the parts add up to the mean latency.
    """
    tables = {"mean": experiment.by_endpoint, "p90–p99": experiment.tail}
    splits = [_means(arm(table, deployment, scenario)).assign(statistic=name) for name, table in tables.items()]
    return pd.concat(splits)[["endpoint", "statistic", "part", "mean_ms"]]


def _means(runs):
    """Of all requests of the runs, from the means of each run."""
    columns = {f"{part}_ms": part for part in PARTS}
    sums = runs[list(columns)].multiply(runs["requests"], axis=0).groupby(runs["endpoint"]).sum(min_count=1)
    means = sums.div(runs.groupby("endpoint")["requests"].sum(), axis=0).rename(columns=columns)
    return means.stack().rename_axis(["endpoint", "part"]).rename("mean_ms").reset_index()


def work_alone_ms(experiment: Experiment, deployment: str) -> pd.DataFrame:
    """By endpoint: the medians `hash` and `db` (ms) of single requests that hash, or ask the database, at all.

    Empty if they were not run. Nobody else is there, so a hash is the time of one core; so is a query, unless
    PostgreSQL computes it by several processes: then it counts for less than it takes.
    """
    medians = ", ".join(f"median({part}_ms) AS {part}" for part in WORK)
    return experiment.rows.query(
        f"SELECT endpoint, {medians} FROM requests WHERE deployment = ? AND scenario = 'single' "
        "AND (db_calls > 0 OR hash_ms > 0) GROUP BY endpoint ORDER BY endpoint",
        [deployment],
    ).set_index("endpoint")


def floor_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """The least seconds in which this machine's cores can do the hashes and queries of a run of the arm.

    Each request that hashed or asked counts with what that takes alone; all cores do nothing else, and none waits.
    None where the arm or its single requests were not run.
    """
    alone_ms = work_alone_ms(experiment, deployment)
    runs = experiment.find(deployment, scenario)
    floors = [sum(_work_s(experiment, run, alone_ms).values()) / _cores(run) for run in runs]
    return float(pd.Series(floors).median()) if floors and not alone_ms.empty else None


def _work_s(experiment, run, alone_ms):
    """By part of the work, the seconds that a run's requests would take for it one after the other."""
    of = experiment.by_endpoint
    of = of[(of["run"] == run.name) & of["endpoint"].isin(ENDPOINTS)]
    did = {"hash": of["hashed"], "db": of["queried"]}
    return {part: float((did[part] * of["endpoint"].map(alone_ms[part])).sum()) / 1000 for part in WORK}


def _cores(run: Run):
    return run.record["environment"]["cpu_count"]


def beside_work_s(experiment: Experiment, deployment: str, scenario: str) -> dict[str, float]:
    """By role, the CPU time (s) of a run of the arm that was neither hash nor query; without roles nobody read.

    The workers' is less their hashes, PostgreSQL's less its queries, both as long as they take alone. Empty where
    the arm or its single requests were not run.
    """
    alone_ms = work_alone_ms(experiment, deployment)
    if alone_ms.empty:
        return {}
    beside = [_beside_work_s(experiment, run, alone_ms) for run in experiment.find(deployment, scenario)]
    return pd.DataFrame(beside, columns=list(WORK_OF), dtype=float).median().dropna().to_dict()


def _beside_work_s(experiment, run, alone_ms):
    work_s = _work_s(experiment, run, alone_ms)
    spent_ms = {role: cpu_ms(run, role) for role in WORK_OF}
    return {
        role: max(spent / 1000 - work_s.get(WORK_OF[role], 0.0), 0.0)
        for role, spent in spent_ms.items()
        if spent is not None
    }


def without_generator_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """An estimate of what a run of the arm would take if its load came from another machine.

    The generator's CPU time is taken off as if it had been spread over all cores. None where it was not counted.
    """
    runs = experiment.find(deployment, scenario)
    spent_ms = [cpu_ms(run, "generator") for run in runs]
    if not runs or None in spent_ms:
        return None
    left = [makespan_s(run) - spent / 1000 / _cores(run) for run, spent in zip(runs, spent_ms, strict=True)]
    return float(pd.Series(left).median())


def cpu_ms(run: Run, role: str) -> float | None:
    """CPU time (ms) that a role's processes spent on the load, warm-up included.

    From the last reading before the load to the first after it, None without both; the generator counts its own.
    """
    if role == "generator":
        return run.record.get("generator", {}).get("cpu_ms")
    if run.totals is None:
        return None
    readings = run.process[run.process["role"] == role]
    before = readings[readings["at_us"] <= 1000 * run.totals["first_ms"]]
    after = readings[readings["at_us"] >= 1000 * run.totals["last_ms"]]
    if before.empty or after.empty:
        return None
    return float((after["cpu_us"].iloc[0] - before["cpu_us"].iloc[-1]) / 1000)


def cpu_ms_per_request(run: Run, role: str = "server") -> float | None:
    """`cpu_ms` for a request."""
    spent_ms = cpu_ms(run, role)
    return None if spent_ms is None else spent_ms / run.totals["sent"]


def system_cpu_ms_per_request(run: Run) -> float | None:
    """CPU time (ms) of workers, PostgreSQL and store together for a request.

    None where that of the workers, or of a role that was there, was not read; and for single requests, as what warms
    up before them is other requests, and CPU is known of both together only.
    """
    if run.record["scenario"]["kind"] == "single":
        return None
    spent_ms = {role: cpu_ms(run, role) for role in SYSTEM}
    there = {"server", *run.process["role"].unique()} & set(SYSTEM)
    if any(spent_ms[role] is None for role in there):
        return None
    return sum(spent_ms[role] for role in there) / run.totals["sent"]
