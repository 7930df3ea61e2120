"""The database route: the effect of each choice on it, round trips, and pools under load."""

import pandas as pd

from analysis.metrics import arm_metrics
from workbench import endpoints
from workbench.arms import BASELINE, READS, SINGLE, SUSTAINED_100_WRITE, WITH
from workbench.recording import Experiment, Run

from ..markup import Html
from ..tables import Quantity, table
from .comparison import OF_SUCCESSES, Report, first_run, join, plural, prose
from .effects import read_effects


def database_route(report: Report) -> Html:
    """The effect of each choice on the database route: as-measured with one thing changed, single reads."""
    experiment = report.experiment
    deployments = _ran(experiment, READS)
    if not deployments:
        return prose("This experiment did not run single reads.")
    blocks = min(experiment.blocks(deployment, READS) for deployment in deployments)
    first_baseline = sorted(deployments, key=lambda name: (name != BASELINE, name))
    rows = [_read_row(experiment, deployment) for deployment in first_baseline]
    note = f"{OF_SUCCESSES} Closed load, one user, medians of 10 requests in each of {plural(blocks, 'block')}."
    medians = table(pd.DataFrame(rows, dtype=object), "As-measured with one thing changed", note=note)
    return join(medians, read_effects(report), _round_trips(experiment))


def _ran(experiment: Experiment, scenario: str) -> list[str]:
    """The deployments that ran under a scenario, in their order."""
    return list(dict.fromkeys(run.deployment for run in experiment.runs if run.scenario == scenario))


def _read_row(experiment: Experiment, deployment: str) -> dict:
    medians_ms = arm_metrics.latency(experiment, deployment, READS)["median_ms"]
    change = deployment.removeprefix(f"{BASELINE}{WITH}").replace("-", " ")
    return {
        "change": "nothing" if deployment == BASELINE else change,
        **{f"{name} (ms)": Quantity.optional(medians_ms.get(name), "{:.1f}") for name in endpoints.READS},
        "failures": arm_metrics.failures(experiment, deployment, READS),
    }


def _round_trips(experiment: Experiment) -> Html:
    """Statements and round trips of a request, by endpoint and arm."""
    arms = [
        (name, scenario) for scenario in (SINGLE, READS, SUSTAINED_100_WRITE) for name in _ran(experiment, scenario)
    ]
    rows = [row for arm in arms if (row := _round_trip_row(experiment, *arm))]
    text = (
        "A read costs the pre-ping, BEGIN, its statements and ROLLBACK; a write ends with COMMIT instead. Each of them "
        "waits for an answer of the database. Opening a connection is not counted. A deployment without a pool pays "
        "for it on every request."
    )
    note = "Means over the successful responses. A response from a cache costs none."
    caption = "Round trips of a request, and its statements"
    return join(prose(text), table(pd.DataFrame(rows, dtype=object), caption, note=note))


def _round_trip_row(experiment: Experiment, deployment: str, scenario: str) -> dict:
    """The cells of one arm, such as `5.0 for 2.0` statements; empty where nothing was measured."""
    trips = arm_metrics.round_trips(experiment, deployment, scenario)
    if trips.empty:
        return {}
    row: dict[str, object] = {"deployment, load": f"{deployment}, {scenario}"}
    for endpoint in endpoints.NAMES:
        statements = trips["statements"].get(endpoint)
        suffix = "" if pd.isna(statements) else f" for {statements:.1f}"
        row[endpoint] = Quantity.optional(trips["round_trips"].get(endpoint), f"{{:.1f}}{suffix}")
    return row


def pools_under_load(report: Report) -> Html:
    """Pools of different kinds under the same load, a fifth of it writes."""
    rows = [
        _pool_row(report.experiment, run, totals)
        for deployment in _ran(report.experiment, SUSTAINED_100_WRITE)
        if (run := first_run(report, deployment, SUSTAINED_100_WRITE)) is not None
        and (totals := arm_metrics.pool_totals(run)) is not None
    ]
    if not rows:
        return prose("This experiment did not run a load with writes.")
    note = f"{OF_SUCCESSES} Closed load with think time, one run each, no interval."
    frame = pd.DataFrame(rows, dtype=object)
    return table(frame, "Pools under 100 users, a fifth of the requests scans", note=note)


def _pool_row(experiment: Experiment, run: Run, totals: pd.Series) -> dict:
    p95_ms = arm_metrics.latency(experiment, run.deployment, run.scenario)["p95_ms"]
    writes = run.record.get("writes", {})
    return {
        "deployment": run.deployment,
        "connections allowed": totals["limit"],
        "peak connections": arm_metrics.peak_connections(run),
        "opened": totals["creates"],
        "mean wait (ms)": Quantity(totals["wait_ns"] / max(1, totals["acquires"]) / 1e6, "{:.2f}"),
        "longest wait (ms)": Quantity(totals["longest_wait_ns"] / 1e6, "{:.1f}"),
        "timeouts": totals["timeouts"],
        "dashboard p95 (ms)": p95_ms.get("dashboard"),
        "scan p95 (ms)": p95_ms.get("scan"),
        "failures": arm_metrics.failures(experiment, run.deployment, run.scenario),
        "scans acknowledged": writes.get("acknowledged"),
        "scans lost": writes.get("lost"),
    }
