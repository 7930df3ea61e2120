"""Predictions of closed loads by mean-value analysis, from the service demands under the fewest users."""

from typing import NamedTuple

import pandas as pd

from workbench.recording import Experiment, Run

from .calibration import calibrate
from .mva import Station, solve
from .service_demands import ServiceDemand

FAMILY = "sustained-"


class _Measured(NamedTuple):
    """A run that measured anything, and its totals."""

    run: Run
    totals: pd.Series

    @property
    def users(self) -> int:
        return self.run.record["scenario"]["users"]


def prediction_table(experiment: Experiment, deployment: str) -> pd.DataFrame:
    """A row for each number of users under which the deployment was measured, the fewest first.

    Of several runs under a number it is the first.

    Columns: `users`, `from_users` (of the run that gave the demands), throughput (`predicted_rps`, `measured_rps`) and
    mean latency (`predicted_ms`; `measured_ms` of the successful responses), and `failures`. Empty with fewer than two
    numbers of users, and where the demands are not known.
    """
    runs = _runs(experiment, deployment)
    stations = _stations(runs[0]) if len(runs) > 1 else None
    if stations is None:
        return pd.DataFrame()
    think_ms = 1000 * sum(runs[0].run.record["scenario"]["think_s"]) / 2
    return pd.DataFrame([_row(run, runs[0], stations, think_ms) for run in runs])


def _runs(experiment: Experiment, deployment: str) -> list[_Measured]:
    """The first run for each number of users, the fewest first."""
    runs = [
        _Measured(run, run.totals)
        for run in experiment.runs_of(deployment)
        if _is_of_reads(run) and run.totals is not None
    ]
    by_users = {run.users: run for run in reversed(runs)}
    return [by_users[users] for users in sorted(by_users)]


def _is_of_reads(run: Run) -> bool:
    """True for `sustained-<users>`: other scenarios mix requests in another way, and have other demands."""
    return run.scenario.startswith(FAMILY) and run.scenario.removeprefix(FAMILY).isdigit()


def _stations(measured: _Measured) -> list[Station] | None:
    """The workers, where each answers one request at a time, else the cores; and a delay for the other time."""
    run, totals = measured
    settings = run.record["deployment"]["settings"]
    if settings["server"] == "sync":
        return _worker_stations(totals, settings["workers"])
    demands = calibrate(run)
    if demands is None:
        return None
    shares = run.record["scenario"]["shares"]
    cores = Station("cores", demands.cpu_ms(shares), run.record["environment"]["cpu_count"])
    return [cores, Station("delay", demands.mean_ms(ServiceDemand.waiting_ms, shares), None)]


def _worker_stations(totals: pd.Series, workers: int) -> list[Station] | None:
    application_ms, queue_ms = (float(totals[name] / totals["requests"]) for name in ("application_ms", "queue_ms"))
    if not 0 <= application_ms + queue_ms <= totals["all_mean_ms"]:
        return None
    # The queue is the wait for a worker: the model computes it.
    delay_ms = float(totals["all_mean_ms"]) - application_ms - queue_ms
    return [Station("workers", application_ms, workers), Station("delay", delay_ms, None)]


def _row(run: _Measured, fewest: _Measured, stations: list[Station], think_ms: float) -> dict[str, float]:
    means = solve(stations, run.users, think_ms)
    return {
        "users": run.users,
        "from_users": fewest.users,
        "predicted_rps": means.throughput_rps,
        "measured_rps": float(run.totals["successful"] / run.totals["makespan_s"]),
        "predicted_ms": means.response_ms,
        "measured_ms": float(run.totals["mean_ms"]),
        "failures": float(run.totals["failures"]),
    }
