"""Why requests take as long as they do: saturated resources, the growth of the tail, and waits in the database."""

from collections.abc import Iterator, Sequence

import pandas as pd

from analysis import bottleneck
from analysis.findings import explanations
from analysis.metrics.resource_use import MIN_UTILISATION, MIN_WAITING, ResourceUse, resource_use
from analysis.queueing import burst_simulation, littles_law
from workbench.aggregates import SPLIT
from workbench.arms import BASELINE, BURST_25, BURST_50, TUNED
from workbench.recording import Experiment, Run
from workbench.request_schema import PARTS
from workbench.text_cleaning import Target, cleaned

from ..markup import Html
from ..tables import Quantity, table
from .comparison import Report, first_run, join, parts_are_apart, percent, prose, three_digits
from .names import arm, in_labels, load, set_up

SIMULATED_USERS = (25, 50)
MAX_STATEMENT = 160  # characters of a statement
NO_PARTS = (
    " The parts of the application are not shown where the wait for the event loop was not measured: each has it in it."
)


def saturated_resources(report: Report) -> Html:
    """The use of resources, with the saturated one of each run that is explained; empty without such a run."""
    runs = explanations.runs_near_saturation(report.experiment)
    if not runs:
        return Html("")
    findings = explanations.saturated_resources(report.experiment)
    sentences = [
        prose(f"{arm(run.deployment, run.scenario)}: {finding.evidence}.")
        for run, finding in zip(runs, findings, strict=True)
    ]
    rows = [
        {f"{report.noun}; load": arm(run.deployment, run.scenario)} | _use_row(use)
        for run in runs
        for use in resource_use(run)
    ]
    note = (
        "One run each, no interval. Waiting is the mean number of requests that waited; for the CPU it is the share of "
        f"time in which a process waited for a core. A resource is saturated where at least {MIN_UTILISATION:.0%} of "
        f"it was in use and, where waiting is known, {MIN_WAITING:g} waited. Of several saturated resources the "
        "innermost counts, because a request that waits there keeps the outer ones busy."
    )
    use = table(pd.DataFrame(rows, dtype=object), "Use of the resources", note=note)
    return join(*sentences, use, _requests_present(report, runs))


def _use_row(use: ResourceUse) -> dict:
    return {
        "resource": use.resource,
        "utilisation": percent(use.utilisation),
        "capacity": use.capacity,
        "waiting": Quantity.optional(use.waiting, "{:.0%}" if use.resource == "CPU" else "{:.1f}"),
        "errors": use.errors,
    }


def _requests_present(report: Report, runs: Sequence[Run]) -> Html:
    """The mean number of requests in each part of the way."""
    rows = [_present_row(run, f"{report.noun}; load") for run in runs]
    note = (
        "Little's law for the whole and for each part of a request's way: the mean number of requests there is the "
        "arrival rate times the mean time of one request there, failed ones included. Where requests accumulate, they "
        "wait."
        f"{'' if all(map(parts_are_apart, runs)) else NO_PARTS}"
    )
    frame = pd.DataFrame([row for row in rows if row], dtype=object)
    return table(frame, "Requests present in each part", note=note)


def _present_row(run: Run, heading: str) -> dict:
    present = littles_law.requests_present(run)
    if present.empty:
        return {}
    return {
        heading: arm(run.deployment, run.scenario),
        "λ (requests/s)": Quantity(present["arrivals_rps"], "{:,.1f}"),
        "W (ms)": Quantity(present["latency_ms"], "{:,.1f}"),
        "L = λW": Quantity(present["all"], "{:,.2f}"),
        **{part: Quantity.optional(present[part], "{:,.2f}") for part in _shown_parts(run)},
    }


def _shown_parts(run: Run) -> Sequence[str]:
    """The parts of a request's way that are known apart from each other."""
    return SPLIT if parts_are_apart(run) else [part for part in SPLIT if part not in (*PARTS, "rest")]


def tail_growth(report: Report) -> Html:
    """The parts of the growth of the tail from 25 to 50 users at once; empty where no set-up was run under both."""
    pieces: list[Html] = []
    findings = list(explanations.tail_growth(report.experiment))
    if all(finding.effect is None for finding in findings):
        return Html("")
    for deployment, finding in zip((BASELINE, TUNED), findings, strict=True):
        pieces.append(prose(in_labels(f"{finding.evidence}.")))
        growth = bottleneck.tail_growth(report.experiment, deployment, BURST_25, BURST_50)
        if not growth.empty:
            pieces.append(_growth_table(deployment, growth))
    return join(*pieces)


def _growth_table(deployment: str, growth: pd.DataFrame) -> Html:
    rows = [
        {
            "endpoint": endpoint,
            f"{load(BURST_25)} (ms)": three_digits(row["fewer_ms"]),
            f"{load(BURST_50)} (ms)": three_digits(row["more_ms"]),
            "requests": f"{row['fewer']:.0f}, {row['more']:.0f}",
            **{f"{part} (ms)": _growth(row[part]) for part in SPLIT},
        }
        for endpoint, row in growth.iterrows()
    ]
    note = (
        "The tail: the requests between the 90th and the 99th percentile of their endpoint, with their number under "
        "each load. Mean latency, and the growth of each part of it. No interval."
    )
    return table(pd.DataFrame(rows, dtype=object), f"Growth of the tail on {set_up(deployment)}, by part", note=note)


def _growth(change_ms: float | None) -> Quantity | None:
    """A change of a part (ms); one that rounds to nothing has no sign."""
    if change_ms is None or pd.isna(change_ms):
        return None
    return Quantity(change_ms, "{:+,.1f}") if abs(change_ms) >= 0.05 else Quantity(0.0, "{:.1f}")


def simulated_bursts(report: Report) -> Html:
    """Bursts simulated from single requests alone, beside the measured ones; empty without single requests."""
    rows = [
        row
        for deployment in (BASELINE, TUNED)
        for users in SIMULATED_USERS
        for row in _simulated_rows(report.experiment, deployment, users)
    ]
    if not rows:
        return Html("")
    note = (
        "The simulation draws the service demands of each request from single requests. Requests wait for workers, "
        "connections and turns to hash, and all computation shares the cores, that of the load generator included. "
        "Nothing was fitted to the bursts. Effects that the simulation leaves out, such as processor caches that two "
        "busy cores share, are in its error."
    )
    return table(pd.DataFrame(rows, dtype=object), "Bursts simulated from single requests", note=note)


def _simulated_rows(experiment: Experiment, deployment: str, users: int) -> Iterator[dict]:
    predictions = burst_simulation.prediction_table(experiment, deployment, users)
    for metric, predicted, measured in predictions.itertuples(index=False):
        error = None if pd.isna(measured) else predicted / measured - 1
        yield {
            "metric (ms)": f"{set_up(deployment)}, {users} users at once: {metric}",
            "predicted": three_digits(1000 * predicted),
            "measured": three_digits(1000 * measured),
            "prediction error": Quantity.optional(error, "{:+.0%}"),
        }


def database_waits(report: Report) -> Html:
    """The waits of the database's sessions, and the statements with the most time; empty where it was not read."""
    runs = [first_run(report, deployment, BURST_50) for deployment in (BASELINE, TUNED)]
    pieces = [piece for run in runs if run is not None for piece in _database_tables(run)]
    return join(*pieces)


def _database_tables(run: Run) -> Iterator[Html]:
    sessions, statements = bottleneck.session_waits(run), bottleneck.top_statements(run)
    label = arm(run.deployment, run.scenario)
    if not sessions.empty:
        frame = sessions.assign(sessions=[Quantity(value, "{:.2f}") for value in sessions["sessions"]])
        note = "Mean number of sessions over all readings of one run."
        yield table(frame, f"Waits of active PostgreSQL sessions, {label}", note=note)
    if not statements.empty:
        formats = {"calls": "{:,.0f}", "total (ms)": "{:,.1f}", "mean (ms)": "{:,.3f}", "share": "{:.1%}"}
        texts = [cleaned(text, Target.LINE, MAX_STATEMENT) for text in statements["statement"]]
        shown = statements.assign(statement=texts).rename(columns={"total_ms": "total (ms)", "mean_ms": "mean (ms)"})
        yield table(shown, f"Statements with the most PostgreSQL time, {label}", formats=formats)
