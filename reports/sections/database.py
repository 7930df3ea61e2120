"""The database route: reads with one thing changed, and the round trips of a request."""

import pandas as pd

from analysis.metrics import arm_metrics
from workbench import endpoints
from workbench.arms import BASELINE, READS, SINGLE, SUSTAINED_100_WRITE, WITH
from workbench.recording import Experiment

from ..markup import Html
from ..tables import Quantity, table
from .comparison import OF_SUCCESSES, Report, join, plural, prose
from .names import arm, change


def database_route(report: Report) -> Html:
    """Latency of single reads on as-measured with one thing changed, and the round trips of a request.

    Empty where single reads were not run.
    """
    experiment = report.experiment
    deployments = _ran(experiment, READS)
    if not deployments:
        return Html("")
    blocks = min(experiment.blocks(deployment, READS) for deployment in deployments)
    first_baseline = sorted(deployments, key=lambda name: (name != BASELINE, name))
    rows = [_read_row(experiment, deployment) for deployment in first_baseline]
    note = f"{OF_SUCCESSES} Closed load, one user, medians of 10 requests in each of {plural(blocks, 'block')}."
    medians = table(pd.DataFrame(rows, dtype=object), "The published set-up with one thing changed", note=note)
    return join(medians, _round_trips(experiment))


def _ran(experiment: Experiment, scenario: str) -> list[str]:
    """The deployments that ran under a scenario, in their order."""
    return list(dict.fromkeys(run.deployment for run in experiment.runs if run.scenario == scenario))


def _read_row(experiment: Experiment, deployment: str) -> dict:
    medians_ms = arm_metrics.latency(experiment, deployment, READS)["median_ms"]
    changed = deployment.removeprefix(f"{BASELINE}{WITH}").replace("-", " ")
    return {
        "change": "nothing" if deployment == BASELINE else change(changed),
        **{f"{name} (ms)": Quantity.optional(medians_ms.get(name), "{:.1f}") for name in endpoints.READS},
        "failures": arm_metrics.failures(experiment, deployment, READS),
    }


def _round_trips(experiment: Experiment) -> Html:
    """Statements and round trips of a request, by endpoint and arm."""
    arms = [
        (name, scenario) for scenario in (SINGLE, READS, SUSTAINED_100_WRITE) for name in _ran(experiment, scenario)
    ]
    rows = [row for each in arms if (row := _round_trip_row(experiment, *each))]
    text = (
        "A read costs the pre-ping, BEGIN, its statements and ROLLBACK; a write ends with COMMIT instead. Each of them "
        "waits for an answer of the database. Opening a connection is not counted. A deployment without a pool pays "
        "for it on every request."
    )
    note = "Means over the successful responses. A response from a cache costs none."
    caption = "Round trips of a request, and its statements"
    return join(prose(text), table(pd.DataFrame(rows, dtype=object), caption, note=note))


def _round_trip_row(experiment: Experiment, deployment: str, scenario: str) -> dict:
    """Round trips and statements by endpoint of one arm; empty where nothing was measured."""
    trips = arm_metrics.round_trips(experiment, deployment, scenario)
    if trips.empty:
        return {}
    row: dict[str, object] = {"set-up; load": arm(deployment, scenario)}
    for endpoint in endpoints.NAMES:
        for column, name in (("round_trips", "round trips"), ("statements", "statements")):
            row[f"{endpoint}: {name}"] = Quantity.optional(trips[column].get(endpoint), "{:.1f}")
    return row
