"""Servers of one set-up side by side: tuned, and what differs from it in the server alone.

An asynchronous server needs another driver, so the set-ups that differ in the driver are among them.
"""

from statistics import median

import pandas as pd

from workbench.arms import BURST_50, TUNED
from workbench.recording import Experiment

from ..capacity.bracket import Bracket, capacity_results
from . import arm_metrics, cpu_metrics

KIND = ("server", "driver")
# What follows from the kind: threads and connections mean something else to each, not each has every deadline or
# watches its workers, and only workers that get as many connections can be kept to cores.
OF_THE_SERVER = (
    *KIND, "threads", "worker_connections", "body_timeout_s", "worker_timeout_s", "deadlines", "database_timeout_s",
    "cpu_affinity", "even_connections",
)  # fmt: skip
COLUMNS = (
    "server",
    "driver",
    "cpu_ms",
    "duration_s",
    "reads_p95_ms",
    "sustained_rps",
    "memory_mib",
    "busiest_worker",
    "runs",
)


def compared_servers(experiment: Experiment) -> pd.DataFrame:
    """Return `COLUMNS` by deployment, tuned first; empty unless tuned and another server were measured.

    `sustained_rps` is the `Bracket` of open load (requests/s) that a search found. The rest is under 50 users at once:
    `cpu_ms` is the CPU time of the workers a request, the median over the runs; `memory_mib` their largest proportional
    set size, `busiest_worker` the largest share of a run's requests that one worker answered. None where it was not
    read.
    """
    names = _deployments(experiment)
    rows = {name: _row(experiment, name) for name in names} if len(names) > 1 else {}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS), dtype=object)


def _deployments(experiment: Experiment) -> list[str]:
    """Tuned, and the deployments of another kind whose recorded settings are its own but for those of the server."""
    settings = {run.deployment: _settings(run.record) for run in experiment.usable if run.scenario == BURST_50}
    if TUNED not in settings:
        return []
    kind, common = settings[TUNED]
    others = [name for name, (other, values) in settings.items() if other != kind and values == common]
    return [TUNED, *sorted(others)]


def _settings(record: dict) -> tuple[tuple, dict]:
    """The kind of a server, and the settings that servers have in common; the database's URL names a run."""
    settings = record["deployment"].get("settings") or {}
    common = {name: value for name, value in settings.items() if name not in (*OF_THE_SERVER, "database_url")}
    return tuple(settings.get(name) for name in KIND), common


def _sustained(experiment: Experiment, deployment: str) -> Bracket | None:
    results = capacity_results(experiment)
    return next(
        (result.bracket for result in results if (result.deployment, result.family) == (deployment, "open")), None
    )


def _row(experiment: Experiment, deployment: str) -> list:
    runs = experiment.find(deployment, BURST_50)
    used_ms = [used for run in runs if (used := cpu_metrics.cpu_ms_per_request(run)) is not None]
    sizes = [size for run in runs if (size := arm_metrics.peak_memory_bytes(run)) is not None]
    settings = runs[0].record["deployment"]["settings"]
    return [
        settings["server"],
        settings.get("driver"),
        median(used_ms) if used_ms else None,
        arm_metrics.duration_s(experiment, deployment, BURST_50),
        arm_metrics.reads_p95_ms(experiment, deployment, BURST_50),
        _sustained(experiment, deployment),
        max(sizes) / 2**20 if sizes else None,
        arm_metrics.busiest_worker_share(experiment, deployment, BURST_50),
        len(runs),
    ]
