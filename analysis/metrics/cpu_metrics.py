"""The cost of requests: the parts of their time, the work among them, and the CPU time of the processes."""

import pandas as pd

from workbench.aggregates import SPLIT
from workbench.arms import SINGLE
from workbench.endpoints import PUBLISHED
from workbench.recording import Experiment, Run, arm

from .arm_metrics import makespan_s, measured_totals

MACHINE = "machine"  # the role of readings of all processes of the machine
SYSTEM_ROLES = ("server", "database", "store", "pooler")
WORK = ("hash", "db")  # the parts of a request's time in which the system computes for it
WORK_COLUMNS = ("hash_us", "db_us", "db_calls")
WORK_BY_ROLE = {"server": "hash", "database": "db", "store": None, "generator": None}  # the part of WORK of each role
MS_PER_S = 1000
_WORKING = "requests_us WHERE db_calls > 0 OR hash_us > 0"


def time_split(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """Return rows (endpoint, statistic, part, mean_ms): the mean time of an arm's requests in each part.

    The statistic `mean` is over the successful requests, `p90–p99` over those of them between the 90th and the 99th
    percentile of the latency of their endpoint and run. In both the parts add up to the mean latency.
    """
    endpoints = experiment.by_endpoint
    tables = {"mean": endpoints.assign(requests=endpoints["successful"]), "p90–p99": experiment.tail}
    splits = [_part_means(arm(table, deployment, scenario)).assign(statistic=name) for name, table in tables.items()]
    return pd.concat(splits)[["endpoint", "statistic", "part", "mean_ms"]]


def _part_means(runs: pd.DataFrame) -> pd.DataFrame:
    """Means over all requests of the runs, from the means of each run."""
    columns = {f"{part}_ms": part for part in SPLIT}
    sums = runs[list(columns)].multiply(runs["requests"], axis=0).groupby(runs["endpoint"]).sum(min_count=1)
    means = sums.div(runs.groupby("endpoint")["requests"].sum(), axis=0).rename(columns=columns)
    return pd.Series(means.stack(), name="mean_ms").rename_axis(["endpoint", "part"]).reset_index()


def unloaded_work_ms(experiment: Experiment, deployment: str) -> pd.DataFrame:
    """Return the medians `hash` and `db` (ms) by endpoint, of single requests that hash or use the database at all.

    Empty if no single requests were measured. No other request is there, so the time of a hash is CPU time of one core.
    So is that of a query, unless PostgreSQL computes it in several processes: then it is less than its CPU time.
    """
    rows = experiment.rows.only(deployment=deployment, scenario=SINGLE)
    values = {part: rows.values(f"{part}_us", _WORKING).by("endpoint") for part in WORK}
    medians = {
        part: {endpoint: each.quantile_ms(0.5) for endpoint, each in by_endpoint.items()}
        for part, by_endpoint in values.items()
    }
    return pd.DataFrame(medians, columns=list(WORK), dtype=float).rename_axis("endpoint")


def cpu_lower_bound_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Return the shortest time (s) in which the cores of this machine can do the hashes and queries of a run.

    Σ_e (h_e·H_e + q_e·B_e) / (1000·cores), the median over the runs of the arm:

        h_e, q_e  requests of endpoint e that hashed, that used the database
        H_e, B_e  `unloaded_work_ms` of e: of its hash, of its queries (ms)

    None where the arm or its single requests were not measured.
    """
    unloaded_ms, runs = unloaded_work_ms(experiment, deployment), experiment.find(deployment, scenario)
    if unloaded_ms.empty or not runs:
        return None
    bounds_s = [sum(_work_s(experiment, run, unloaded_ms).values()) / _cores(run) for run in runs]
    return float(pd.Series(bounds_s).median())


def _work_s(experiment: Experiment, run: Run, unloaded_ms: pd.DataFrame) -> dict[str, float]:
    """Time (s) of one core for each part of the work of a run's requests."""
    endpoints = experiment.by_endpoint
    endpoints = endpoints[(endpoints["run"] == run.name) & endpoints["endpoint"].isin(PUBLISHED)]
    requests = {"hash": endpoints["hashed"], "db": endpoints["queried"]}
    return {
        part: float((requests[part] * endpoints["endpoint"].map(unloaded_ms[part])).sum()) / MS_PER_S for part in WORK
    }


def _cores(run: Run) -> int:
    return run.record["environment"]["cpu_count"]


def other_cpu_s(experiment: Experiment, deployment: str, scenario: str) -> dict[str, float]:
    """Return, by role, the CPU time (s) of a run that was neither hash nor query: the median over the runs of the arm.

    That of the workers is without their hashes, that of PostgreSQL without its queries, both by `unloaded_work_ms`.
    Roles that were not read are left out. Empty where the arm or its single requests were not measured.
    """
    unloaded_ms = unloaded_work_ms(experiment, deployment)
    if unloaded_ms.empty:
        return {}
    other_s = [_other_cpu_s(experiment, run, unloaded_ms) for run in experiment.find(deployment, scenario)]
    medians = pd.DataFrame(other_s, columns=list(WORK_BY_ROLE), dtype=float).median().dropna()
    return {str(role): float(seconds) for role, seconds in medians.items()}


def _other_cpu_s(experiment: Experiment, run: Run, unloaded_ms: pd.DataFrame) -> dict[str, float]:
    work_s = _work_s(experiment, run, unloaded_ms)
    used_ms = {role: cpu_ms(run, role) for role in WORK_BY_ROLE}
    return {
        role: max(used / MS_PER_S - (work_s[part] if part else 0.0), 0.0)
        for role, part in WORK_BY_ROLE.items()
        if (used := used_ms[role]) is not None
    }


def makespan_without_generator_s(experiment: Experiment, deployment: str, scenario: str) -> float | None:
    """Estimate the makespan (s) of a run if its load came from another machine: the median over the runs of the arm.

    The CPU time of the load generator is taken off as if it had been spread over all cores. None where it was not
    counted.
    """
    runs = experiment.find(deployment, scenario)
    used_ms = [used for run in runs if (used := cpu_ms(run, "generator")) is not None]
    if not runs or len(used_ms) < len(runs):
        return None
    left_s = [makespan_s(run) - used / MS_PER_S / _cores(run) for run, used in zip(runs, used_ms, strict=True)]
    return float(pd.Series(left_s).median())


def cpu_ms(run: Run, role: str) -> float | None:
    """Return the CPU time (ms) that the processes of a role used for the load: warm-up and measured phase.

    It is the difference of the last reading before the load and the first after it; None without both. Requests that
    users send before their load, and after it, are not of the load. The load generator counts its own.
    """
    if role == "generator":
        return run.record.get("generator", {}).get("cpu_ms")
    if run.totals is None:
        return None
    of_role = (run.process["role"] == role).to_numpy(bool)
    at_us, cpu_us = (run.process[name].to_numpy()[of_role] for name in ("at_us", "cpu_us"))
    before = cpu_us[at_us <= 1000 * run.totals["first_ms"]]
    after = cpu_us[at_us >= 1000 * run.totals["last_ms"]]
    return float((after[0] - before[-1]) / 1000) if len(before) and len(after) else None


def cpu_ms_per_request(run: Run, role: str = "server") -> float | None:
    """Return `cpu_ms` over the number of requests that were sent, warm-up included."""
    used_ms = cpu_ms(run, role)
    return None if used_ms is None else used_ms / measured_totals(run)["sent"]


def system_cpu_ms_per_request(run: Run) -> float | None:
    """Return the CPU time (ms) of workers, PostgreSQL, store and pooler together over the number of requests.

    None where that of the workers, or of a role that the run has, was not read. None too for single requests: the
    requests of their warm-up are others, and CPU time is known of both together only.
    """
    if run.record["scenario"]["kind"] == SINGLE:
        return None
    roles = {"server", *run.process["role"].unique()} & set(SYSTEM_ROLES)
    used_ms = [used for role in SYSTEM_ROLES if role in roles and (used := cpu_ms(run, role)) is not None]
    return sum(used_ms) / measured_totals(run)["sent"] if len(used_ms) == len(roles) else None
