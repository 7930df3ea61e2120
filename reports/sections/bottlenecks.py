"""Why requests take as long as they do: what was at its limit, and what the growth is made of."""

import pandas as pd

from analysis import bottleneck
from analysis.bottleneck import Use
from analysis.findings import explanations
from analysis.queueing import burst_simulation, littles_law

from ..tables import Html, Quantity, table
from .comparison import BASE, OURS, Report, first_run, join, percent, prose


def limits(report: Report) -> Html:
    """What was at its limit, by the use of its resources: on the main deployments under 50 users at once and 100 who
    think, and under the smallest loads that a search found not to hold."""
    runs = explanations.limited(report.experiment)
    if not runs:
        return prose("No load that could show a limit was run.")
    told = [
        prose(f"{cause.runs[0].deployment} under {cause.runs[0].scenario}: {cause.sentence}.")
        for cause in explanations.limits(report.experiment)
    ]
    rows = [{"run": f"{run.deployment}, {run.scenario}"} | _row(use) for run in runs for use in bottleneck.use(run)]
    note = (
        "One run each, no interval. Waiting are requests on the average, for the CPU the share of the time in which "
        "anything waited for a core. A resource is at its limit where at least "
        f"{bottleneck.BUSY:.0%} of it was in use and, where waiting is known, {bottleneck.WAITING:g} waited; of "
        "several the innermost, as who waits there keeps busy what is around it."
    )
    return join(*told, table(pd.DataFrame(rows, dtype=object), "Use of the resources", note=note), _present(runs))


def _present(runs):
    """How many requests are where, on the average."""
    rows = []
    for run in runs:
        at = littles_law.present(run)
        if at.empty:
            continue
        row = {"run": f"{run.deployment}, {run.scenario}", "λ (requests/s)": Quantity(at["arrivals_rps"], "{:,.1f}")}
        row |= {"W (ms)": Quantity(at["latency_ms"], "{:,.1f}"), "L = λW": Quantity(at["all"], "{:,.2f}")}
        rows.append(row | {part: Quantity.of(at[part], "{:,.2f}") for part in bottleneck.SPLIT})
    note = (
        "Little's law for the whole and for each part of the way: how many requests are there on the average is how "
        "many come in a second times how long one stays. Where they heap up is where they wait."
    )
    return table(pd.DataFrame(rows, dtype=object), "Where the requests are", note=note)


def _row(use: Use) -> dict:
    waiting = "{:.0%}" if use.resource == "CPU" else "{:.1f}"
    return {
        "resource": use.resource,
        "in use": percent(use.utilisation),
        "of": use.of,
        "waiting": Quantity.of(use.waiting, waiting),
        "errors": use.errors,
    }


def growth(report: Report) -> Html:
    """What the growth of the tail from 25 to 50 users at once is made of."""
    pieces = []
    for deployment, cause in zip((BASE, OURS), explanations.growth(report.experiment), strict=True):
        pieces.append(prose(f"{cause.sentence}."))
        grown = bottleneck.growth(report.experiment, deployment, explanations.FEWER, explanations.BURST)
        if not grown.empty:
            pieces.append(_growth_table(deployment, grown))
    return join(*pieces)


def _growth_table(deployment, grown):
    rows = [
        {
            "endpoint": endpoint,
            f"{explanations.FEWER} (ms)": Quantity(row["fewer_ms"], "{:,.1f}"),
            f"{explanations.BURST} (ms)": Quantity(row["more_ms"], "{:,.1f}"),
            "requests": f"{row['fewer']:.0f}, {row['more']:.0f}",
            **{f"{part} (ms)": Quantity.of(row[part], "{:+,.1f}") for part in bottleneck.SPLIT},
        }
        for endpoint, row in grown.iterrows()
    ]
    note = (
        "Mean latency of the requests between the 90th and the 99th percentile of their endpoint, and by how much each "
        "part of it grew; what has a minus became shorter. No interval; so many requests of each load are in that band."
    )
    return table(pd.DataFrame(rows, dtype=object), f"What the growth of the tail on {deployment} is made of", note=note)


def simulated(report: Report) -> Html:
    """What a simulation says of the bursts, from single requests alone, beside what was measured."""
    rows = []
    for deployment in (BASE, OURS):
        for users in (25, 50):
            predictions = burst_simulation.predicted(report.experiment, deployment, users)
            for figure, predicted, measured in predictions.itertuples(index=False):
                error = None if pd.isna(measured) else predicted / measured - 1
                rows.append(
                    {
                        "figure": f"{deployment}, {users} users: {figure} (s)",
                        "predicted": Quantity(predicted, "{:,.3f}"),
                        "measured": Quantity.of(measured, "{:,.3f}"),
                        "error of the prediction": Quantity.of(error, "{:+.1%}"),
                    }
                )
    if not rows:
        return prose("Nothing was predicted by simulation, as single requests were not measured.")
    note = (
        "The simulation draws what each request needs from single requests, has them wait for workers, connections and "
        "turns to hash, and lets all that is computed share the cores, the load generator's part too; nothing in it "
        "was fitted to the bursts. What it leaves out, such as caches of the processor that two busy cores share, is "
        "in its error."
    )
    frame = pd.DataFrame(rows, dtype=object)
    return table(frame, "What a simulation predicts from single requests", note=note)


def waits(report: Report) -> Html:
    """What the database's sessions waited for, and the statements that took most of its time."""
    pieces = []
    for deployment in (BASE, OURS):
        run = first_run(report, deployment, explanations.BURST)
        if run is None:
            continue
        slow, sessions = bottleneck.statements(run), bottleneck.waits(run)
        if not sessions.empty:
            frame = sessions.assign(sessions=[Quantity(value, "{:.2f}") for value in sessions["sessions"]])
            caption = f"What active sessions of PostgreSQL waited for, {deployment}, {explanations.BURST}"
            pieces.append(table(frame, caption, note="Sessions on the average over all readings of one run."))
        if not slow.empty:
            formats = {"calls": "{:,.0f}", "total_ms": "{:,.1f}", "mean_ms": "{:,.3f}", "share": "{:.1%}"}
            caption = f"Statements that took most of PostgreSQL's time, {deployment}, {explanations.BURST}"
            pieces.append(table(slow, caption, formats=formats))
    return join(*pieces) if pieces else prose("The database was not read.")
