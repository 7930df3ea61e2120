"""Predictions of bursts by simulation, from single requests, which wait for no other request."""

from collections.abc import Mapping

import pandas as pd

from workbench.arms import SINGLE
from workbench.endpoints import PUBLISHED
from workbench.recording import Experiment, Run

from ..metrics.arm_metrics import duration_s, latency
from . import preconditions
from .calibration import calibrate
from .deployment_simulation import Simulation
from .server_model import ServerModel

REPLICATIONS = 20
COLUMNS = ["metric", "predicted", "measured"]


def prediction_table(experiment: Experiment, deployment: str, users: int) -> pd.DataFrame:
    """Rows (metric, predicted, measured), in seconds, for a burst of so many users.

    Metrics are the duration, and each endpoint's mean and p95 latency. The prediction is the mean over `REPLICATIONS`
    simulations; `measured` is NaN where the burst was not run. Empty without single requests to each endpoint, and
    where their demands are not known.
    """
    runs = experiment.find(deployment, SINGLE)
    predicted = predict_burst(runs[0], users) if runs else None
    if predicted is None:
        return pd.DataFrame(columns=COLUMNS)
    return pd.DataFrame(
        {
            "metric": predicted.index,
            "predicted": predicted.to_numpy(),
            "measured": _measured(experiment, deployment, users),
        }
    )


def predict_burst(run: Run, users: int, settings: Mapping | None = None) -> pd.Series | None:
    """The metrics of `prediction_table` of a burst, from a run of single requests.

    The deployment is that of the run, or one with these recorded `settings`. None where the run lacks requests to an
    endpoint, or their demands are not known. Raises `PredictionError` for settings beyond the model.
    """
    recorded = run.record["deployment"]["settings"]
    settings = recorded if settings is None else settings
    preconditions.check_settings(recorded, settings, None, None)
    preconditions.check_burst_settings(recorded, settings)
    demands = calibrate(run)
    if demands is None or not set(PUBLISHED) <= demands.endpoints.keys():
        return None
    demands = demands.with_longer_round_trip(settings["round_trip_ms"] - recorded["round_trip_ms"])
    server = ServerModel.from_run(run, settings)
    simulated = [Simulation(server, demands, seed).burst(users, PUBLISHED) for seed in range(REPLICATIONS)]
    return pd.DataFrame([_metrics(rows) for rows in simulated]).mean()


def _metrics(rows: pd.DataFrame) -> dict[str, float]:
    by_endpoint = rows.groupby("endpoint")["latency_ms"]
    return {
        "duration": (rows["start_ms"] + rows["latency_ms"]).max() / 1000,
        **{f"{endpoint}, mean": by_endpoint.mean()[endpoint] / 1000 for endpoint in PUBLISHED},
        **{f"{endpoint}, p95": by_endpoint.quantile(0.95)[endpoint] / 1000 for endpoint in PUBLISHED},
    }


def _measured(experiment: Experiment, deployment: str, users: int) -> list[float | None]:
    """The metrics in the order of `_metrics`."""
    table = latency(experiment, deployment, f"burst-{users}").reindex(PUBLISHED)
    duration = duration_s(experiment, deployment, f"burst-{users}")
    return [duration, *(table["mean_ms"] / 1000), *(table["p95_ms"] / 1000)]
