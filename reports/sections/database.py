"""The way to the database: what each choice is worth, round trips, and pools under load."""

import pandas as pd

from analysis.metrics import arm_metrics
from analysis.metrics.arm_metrics import ENDPOINTS

from ..tables import Html, Quantity, table
from .comparison import BASE, Report, first_run, join, prose
from .effects import changed_reads


def way_to_database(report: Report) -> Html:
    """What each choice on the way to the database is worth: as-measured with one thing changed, single reads."""
    experiment = report.experiment
    arms = sorted(
        {run.deployment for run in experiment.runs if run.scenario == "reads"}, key=lambda name: (name != BASE, name)
    )
    if not arms:
        return prose("This experiment did not run single reads.")
    blocks = min(experiment.blocks(arm, "reads") for arm in arms)
    rows = []
    for arm in arms:
        latency = arm_metrics.latency(experiment, arm, "reads")["median_ms"]
        changed = arm.removeprefix(f"{BASE}-with-").replace("-", " ")
        row = {"changed": "nothing" if arm == BASE else changed}
        for endpoint in ("dashboard", "search"):
            row[f"{endpoint} (ms)"] = Quantity.of(latency.get(endpoint), "{:.1f}")
        rows.append(row)
    note = f"Closed load, one user, medians of 10 requests in each of {blocks} block{'s' if blocks != 1 else ''}."
    changed = table(pd.DataFrame(rows, dtype=object), "As-measured with one thing changed", note=note)
    return join(changed, changed_reads(report), round_trips(report))


def round_trips(report: Report) -> Html:
    """Statements and round trips of a request, by endpoint and arm."""
    experiment = report.experiment
    rows = []
    for scenario in ("single", "reads", "sustained-100-write"):
        for arm in dict.fromkeys(run.deployment for run in experiment.runs if run.scenario == scenario):
            trips = arm_metrics.round_trips(experiment, arm, scenario)
            if trips.empty:
                continue
            row = {"deployment, load": f"{arm}, {scenario}"}
            for endpoint in (*ENDPOINTS, *arm_metrics.WRITES):
                statements = trips["statements"].get(endpoint)
                told = "" if pd.isna(statements) else f" for {statements:.1f}"
                row[endpoint] = Quantity.of(trips["round_trips"].get(endpoint), f"{{:.1f}}{told}")
            rows.append(row)
    text = (
        "A read costs the pre-ping, BEGIN, its statements and ROLLBACK, a write COMMIT in its place: each waits for an "
        "answer of the database. Opening a connection is not counted; who has no pool pays it each time."
    )
    note = "Means of the requests that were answered rightly; an answer from a cache costs none."
    return join(
        prose(text),
        table(pd.DataFrame(rows, dtype=object), "Round trips of a request for how many statements", note=note),
    )


def pools_under_load(report: Report) -> Html:
    """Pools of different kinds under the same load, a fifth of it writes."""
    experiment, scenario = report.experiment, "sustained-100-write"
    rows = []
    for deployment in dict.fromkeys(run.deployment for run in experiment.runs if run.scenario == scenario):
        run = first_run(report, deployment, scenario)
        totals = None if run is None else arm_metrics.pool_totals(run)
        if totals is None:
            continue
        p95_ms, lost = arm_metrics.latency(experiment, deployment, scenario)["p95_ms"], run.record.get("writes", {})
        rows.append(
            {
                "deployment": deployment,
                "most allowed": totals["limit"],
                "most the server saw": arm_metrics.most_connections(run),
                "made": totals["creates"],
                "mean wait (ms)": Quantity(totals["wait_ns"] / max(1, totals["acquires"]) / 1e6, "{:.2f}"),
                "longest wait (ms)": Quantity(totals["longest_wait_ns"] / 1e6, "{:.1f}"),
                "timeouts": totals["timeouts"],
                "dashboard p95 (ms)": p95_ms.get("dashboard"),
                "scan p95 (ms)": p95_ms.get("scan"),
                "scans acknowledged": lost.get("acknowledged"),
                "scans lost": lost.get("lost"),
            }
        )
    if not rows:
        return prose("This experiment did not run a load with writes.")
    note = "Closed load with think time, one run each, no interval."
    frame = pd.DataFrame(rows, dtype=object)
    return table(frame, "Pools under 100 users, a fifth of the requests scans", note=note)
