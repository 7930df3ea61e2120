"""What a simulation says of a burst from requests that were measured when nobody else was there."""

import pandas as pd

from workbench.recording import Experiment

from ..metrics.arm_metrics import ENDPOINTS, duration_s, latency
from . import service_demands
from .deployment_simulation import Simulation
from .server_model import Machine

SINGLE = "single"
REPLICATIONS = 20


def predicted(experiment: Experiment, deployment: str, users: int) -> pd.DataFrame:
    """What single requests foretell of a burst, beside what was measured: rows (figure, predicted, measured), seconds.

    Figures are the duration, and each endpoint's mean and p95 latency; the prediction is the mean over
    `REPLICATIONS` draws. `measured` is NaN where the burst was not run. Empty without single requests of each
    endpoint, and where what they need was not measured.
    """
    runs = experiment.find(deployment, SINGLE)
    held = service_demands.of(runs[0]) if runs else None
    if held is None or not set(ENDPOINTS) <= held.endpoints.keys():
        return pd.DataFrame(columns=["figure", "predicted", "measured"])
    machine = Machine.of(runs[0])
    drawn = pd.DataFrame(
        [_figures(Simulation(machine, held, seed).burst(users, ENDPOINTS)) for seed in range(REPLICATIONS)]
    ).mean()
    return pd.DataFrame(
        {"figure": drawn.index, "predicted": drawn.to_numpy(), "measured": _measured(experiment, deployment, users)}
    )


def _figures(rows):
    by_endpoint = rows.groupby("endpoint")["latency_ms"]
    return {
        "duration": (rows["start_ms"] + rows["latency_ms"]).max() / 1000,
        **{f"{endpoint}, mean": by_endpoint.mean()[endpoint] / 1000 for endpoint in ENDPOINTS},
        **{f"{endpoint}, p95": by_endpoint.quantile(0.95)[endpoint] / 1000 for endpoint in ENDPOINTS},
    }


def _measured(experiment, deployment, users):
    table = latency(experiment, deployment, f"burst-{users}").reindex(ENDPOINTS)
    duration = duration_s(experiment, deployment, f"burst-{users}")
    return [duration, *(table["mean_ms"] / 1000), *(table["p95_ms"] / 1000)]
