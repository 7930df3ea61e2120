"""What more users with think time would meet, by mean-value analysis from what requests need under the fewest."""

import pandas as pd

from workbench.recording import Experiment, Run

from . import service_demands
from .mva import Station, solve
from .service_demands import Holding

FAMILY = "sustained-"


def predicted(experiment: Experiment, deployment: str) -> pd.DataFrame:
    """A row for each number of users under which the deployment was measured, the fewest first; of several runs the
    first.

    Columns: `users`, `from_users` (those whose run gave the demands), predicted and measured throughput
    (`predicted_rps`, `measured_rps`) and mean latency of a request (`predicted_ms`, `measured_ms`). Empty without two
    of them, or where the demands cannot be told.
    """
    plain = [run for run in experiment.of(deployment) if run.scenario.startswith(FAMILY) and _is_plain(run)]
    by_users = {run.record["scenario"]["users"]: run for run in reversed(plain) if run.totals is not None}
    runs = [by_users[users] for users in sorted(by_users)]
    stations = _stations(runs[0]) if len(runs) > 1 else None
    if stations is None:
        return pd.DataFrame()
    think_ms = 1000 * sum(runs[0].record["scenario"]["think_s"]) / 2
    return pd.DataFrame([_row(run, runs[0], stations, think_ms) for run in runs])


def _is_plain(run):
    """Whether it is reads by users of one kind: the demands of another mix are others."""
    return run.scenario.removeprefix(FAMILY).isdigit()


def _stations(run: Run) -> list[Station] | None:
    """Workers that answer one request at a time are a station by themselves; else the cores are, and the rest of a
    request's time is one that everybody has at once."""
    settings, totals = run.record["deployment"]["settings"], run.totals
    if settings["server"] == "sync":
        held_ms, queue_ms = (float(totals[name] / totals["requests"]) for name in ("application_ms", "queue_ms"))
        if not 0 <= held_ms + queue_ms <= totals["mean_ms"]:
            return None
        # Who waits for a worker does so at its station.
        beside_ms = float(totals["mean_ms"]) - held_ms - queue_ms
        return [Station("workers", held_ms, settings["workers"]), Station("beside", beside_ms, None)]
    held = service_demands.of(run)
    if held is None:
        return None
    shares = run.record["scenario"]["shares"]
    cores = Station("cores", held.cpu_ms(shares), run.record["environment"]["cpu_count"])
    return [cores, Station("beside", held.mean_ms(_passing_ms, shares), None)]


def _passing_ms(held: Holding) -> float:
    """Time in which nobody computes."""
    return held.delay_ms + held.away_ms


def _row(run, fewest, stations, think_ms):
    users = run.record["scenario"]["users"]
    means = solve(stations, users, think_ms)
    return {
        "users": users,
        "from_users": fewest.record["scenario"]["users"],
        "predicted_rps": means.throughput_rps,
        "measured_rps": float(run.totals["successful"] / run.totals["makespan_s"]),
        "predicted_ms": means.response_ms,
        "measured_ms": float(run.totals["mean_ms"]),
    }
