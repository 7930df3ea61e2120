"""Whole deployments side by side: the published advice as it is measured, and ours with one thing taken away."""

import pandas as pd

from analysis import measures
from analysis.measures import READS

from ..tables import Html, Quantity, table
from .comparison import BASE, OURS, Report, connections_allowed, first_run, join, percent, prose, ratio, settings_of

BURST = "burst-50"
ADVICE = (BASE, "as-advised", "gevent-blocking", OURS)
WITHOUT = "tuned-without-"


def advice(report: Report) -> Html:
    """What was recommended for production, run here beside the others."""
    rows = [row for name in ADVICE if (row := _advice_row(report, name))]
    if not any(row["deployment"] not in (BASE, OURS) for row in rows):
        return prose("The advice for production was not run.")
    settings = settings_of(report, "as-advised") or settings_of(report, "gevent-blocking")
    text = (
        f"The advice for production is {settings['workers']} gevent workers with the pool for AWS RDS in each, and "
        "Redis for sessions. gevent-blocking is the same where nobody told psycopg2 to wait cooperatively: while one "
        "request of a worker waits for its query, no other is served. Both hash passwords on the loop, as nothing in "
        f"the advice says otherwise; their database is {settings['round_trip_ms']:g} ms away."
    )
    text += _blocking_against_cooperative(report)
    note = "Closed load, 50 users at once, one pass; medians over the blocks, no interval."
    return join(prose(text), table(pd.DataFrame(rows, dtype=object), "The advice for production, measured", note=note))


def _blocking_against_cooperative(report):
    """What waiting cooperatively was worth at this load, and how the workers shared the requests."""
    runs = {name: first_run(report, name, BURST) for name in ("as-advised", "gevent-blocking")}
    if None in runs.values():
        return ""
    cooperative_s, blocking_s = (measures.duration_s(report.experiment, name, BURST) for name in runs)
    busiest = {name: run.measured["worker"].value_counts(normalize=True).max() for name, run in runs.items()}
    faster = "slower" if cooperative_s > blocking_s else "faster"
    return (
        f" At this load, which is hashing and answers from the cache, waiting cooperatively made the advice {faster}: "
        f"{cooperative_s:.2f} s against {blocking_s:.2f} s. Of as-advised the busiest worker answered "
        f"{busiest['as-advised']:.0%} of the requests, of gevent-blocking {busiest['gevent-blocking']:.0%}."
    )


def _advice_row(report, deployment):
    run = first_run(report, deployment, BURST)
    if run is None:
        return None
    memory = measures.peak_memory_bytes(run)
    experiment = report.experiment
    return {
        "deployment": deployment,
        "50 users at once (s)": Quantity.of(measures.duration_s(experiment, deployment, BURST), "{:.2f}"),
        "reads p95 (ms)": Quantity.of(measures.reads_p95_ms(experiment, deployment, BURST), "{:,.0f}"),
        "right answers": percent(measures.success_ratio(experiment, deployment, BURST)),
        "connections allowed": connections_allowed(report, deployment),
        "most the server saw": measures.most_connections(run),
        "peak memory (MiB, PSS)": Quantity.of(memory and memory / 2**20, "{:,.0f}"),
    }


def taken_away(report: Report) -> Html:
    """What each optimisation is worth: ours without it, under 50 users at once."""
    experiment = report.experiment
    names = sorted({run.deployment for run in experiment.runs if run.deployment.startswith(WITHOUT)})
    names = [name for name in names if experiment.find(name, BURST)]
    if not names or not experiment.find(OURS, BURST):
        return prose("This experiment did not run ours with one thing taken away.")
    blocks = min(experiment.blocks(name, BURST) for name in (OURS, *names))
    rows = [_without_row(experiment, name) for name in (OURS, *names)]
    over = f"{blocks} block{'s' if blocks != 1 else ''}"
    note = f"Closed load, 50 users at once, one pass; medians over {over}, no interval."
    return table(pd.DataFrame(rows, dtype=object), "Tuned with one thing taken away", note=note)


def _without_row(experiment, deployment):
    taken_s = measures.duration_s(experiment, deployment, BURST)
    latency = measures.latency(experiment, deployment, BURST)["mean_ms"]
    return {
        "taken away": deployment.removeprefix(WITHOUT).replace("-", " ") if deployment != OURS else "nothing",
        "50 users at once (s)": Quantity.of(taken_s, "{:.2f}"),
        "/ tuned": Quantity.of(ratio(taken_s, measures.duration_s(experiment, OURS, BURST)), "{:.2f}"),
        "login, mean (ms)": Quantity.of(latency.get("login"), "{:,.0f}"),
        **{f"{endpoint}, mean (ms)": Quantity.of(latency.get(endpoint), "{:,.1f}") for endpoint in READS},
        "reads p95 (ms)": Quantity.of(measures.reads_p95_ms(experiment, deployment, BURST), "{:,.1f}"),
        "right answers": percent(measures.success_ratio(experiment, deployment, BURST)),
    }
