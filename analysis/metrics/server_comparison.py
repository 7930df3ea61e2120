"""Servers of one set-up side by side: tuned, and what differs from it in the server alone, under 50 users at once."""

from statistics import median

import pandas as pd

from workbench.arms import BURST_50, TUNED
from workbench.recording import Experiment

from . import arm_metrics, cpu_metrics

OF_THE_SERVER = ("server", "threads", "worker_connections")  # settings that may differ
COLUMNS = ("server", "cpu_ms", "duration_s", "reads_p95_ms", "memory_mib", "busiest_worker", "runs")


def compared_servers(experiment: Experiment) -> pd.DataFrame:
    """Return `COLUMNS` by deployment, tuned first; empty unless tuned and another server were measured.

    `cpu_ms` is the CPU time of the workers a request, the median over the runs; `memory_mib` their largest
    proportional set size, `busiest_worker` the largest share of a run's requests that one worker answered. None where
    it was not read.
    """
    names = _deployments(experiment)
    rows = {name: _row(experiment, name) for name in names} if len(names) > 1 else {}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS), dtype=object)


def _deployments(experiment: Experiment) -> list[str]:
    """Tuned, and the deployments whose recorded settings differ from its own in those of the server only."""
    settings = {run.deployment: _settings(run.record) for run in experiment.usable if run.scenario == BURST_50}
    if TUNED not in settings:
        return []
    same = [name for name, values in settings.items() if name != TUNED and values == settings[TUNED]]
    return [TUNED, *sorted(same)]


def _settings(record: dict) -> dict:
    """The settings that servers have in common; the database's URL names a run."""
    settings = record["deployment"].get("settings") or {}
    return {name: value for name, value in settings.items() if name not in (*OF_THE_SERVER, "database_url")}


def _row(experiment: Experiment, deployment: str) -> list:
    runs = experiment.find(deployment, BURST_50)
    used_ms = [used for run in runs if (used := cpu_metrics.cpu_ms_per_request(run)) is not None]
    sizes = [size for run in runs if (size := arm_metrics.peak_memory_bytes(run)) is not None]
    return [
        runs[0].record["deployment"]["settings"]["server"],
        median(used_ms) if used_ms else None,
        arm_metrics.duration_s(experiment, deployment, BURST_50),
        arm_metrics.reads_p95_ms(experiment, deployment, BURST_50),
        max(sizes) / 2**20 if sizes else None,
        arm_metrics.busiest_worker_share(experiment, deployment, BURST_50),
        len(runs),
    ]
