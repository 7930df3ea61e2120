"""Whole deployments side by side: the published advice as it is measured, and ours with one thing taken away."""

import pandas as pd

from analysis.metrics import arm_metrics, cpu_metrics
from analysis.metrics.arm_metrics import ENDPOINTS
from analysis.metrics.cpu_metrics import PARTS
from workbench.aggregates import READS

from ..tables import Html, Quantity, table
from .comparison import (
    BASE,
    OURS,
    Report,
    connections_allowed,
    first_run,
    join,
    main_first,
    percent,
    prose,
    settings_of,
)

BURST = "burst-50"
ADVICE = (BASE, "as-advised", "gevent-blocking", OURS)
WITHOUT = "tuned-without-"
VARIANTS = ("tuned-with-", WITHOUT)


def bursts(report: Report) -> Html:
    """Every deployment under 50 users at once."""
    experiment = report.experiment
    names = main_first(run.deployment for run in experiment.runs if run.scenario == BURST)
    rows = [_burst_row(experiment, name) for name in names if experiment.find(name, BURST)]
    if not rows:
        return prose("No burst of 50 was run.")
    note = (
        "Closed load, one pass; duration from the first send to the last answer, over all blocks; what changes between "
        "two of them has its interval below."
    )
    return table(pd.DataFrame(rows, dtype=object), "Latency by deployment, 50 users at once", note=note)


def _burst_row(experiment, deployment):
    latency = arm_metrics.latency(experiment, deployment, BURST)
    return {
        "deployment": deployment,
        **{
            f"{endpoint}, {name} (ms)": _short(latency[f"{name}_ms"].get(endpoint))
            for endpoint in ENDPOINTS
            for name in ("mean", "p95")
        },
        "duration (s)": Quantity.of(arm_metrics.duration_s(experiment, deployment, BURST), "{:.2f}"),
        "runs": len(experiment.find(deployment, BURST)),
    }


def _short(value):
    """With three digits, as in one column stand tenths and thousands."""
    size = 0.0 if value is None else abs(value)
    return Quantity.of(value, "{:,.0f}" if size >= 100 else "{:,.1f}" if size >= 10 else "{:,.2f}")


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
    note = "Closed load, 50 users at once, one pass; over all blocks."
    return join(prose(text), table(pd.DataFrame(rows, dtype=object), "The advice for production, measured", note=note))


def _blocking_against_cooperative(report):
    """How long both took at this load, and how the workers shared the requests."""
    runs = {name: first_run(report, name, BURST) for name in ("as-advised", "gevent-blocking")}
    if None in runs.values():
        return ""
    cooperative_s, blocking_s = (arm_metrics.duration_s(report.experiment, name, BURST) for name in runs)
    busiest = {name: arm_metrics.worker_shares(run).max() for name, run in runs.items()}
    return (
        f" At this load it took {cooperative_s:.2f} s with cooperative "
        f"waiting and {blocking_s:.2f} s without. Of as-advised the busiest worker answered "
        f"{busiest['as-advised']:.0%} of the requests, of gevent-blocking {busiest['gevent-blocking']:.0%}."
    )


def _advice_row(report, deployment):
    run = first_run(report, deployment, BURST)
    if run is None:
        return None
    memory = arm_metrics.peak_memory_bytes(run)
    experiment = report.experiment
    return {
        "deployment": deployment,
        "50 users at once (s)": Quantity.of(arm_metrics.duration_s(experiment, deployment, BURST), "{:.2f}"),
        "reads p95 (ms)": Quantity.of(arm_metrics.reads_p95_ms(experiment, deployment, BURST), "{:,.0f}"),
        "right answers": percent(arm_metrics.success_ratio(experiment, deployment, BURST)),
        "connections allowed": connections_allowed(report, deployment),
        "most the server saw": arm_metrics.most_connections(run),
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
    note = f"Closed load, 50 users at once, one pass; over {over}."
    return table(pd.DataFrame(rows, dtype=object), "Tuned with one thing taken away", note=note)


def _without_row(experiment, deployment):
    taken_s = arm_metrics.duration_s(experiment, deployment, BURST)
    latency = arm_metrics.latency(experiment, deployment, BURST)["mean_ms"]
    return {
        "taken away": deployment.removeprefix(WITHOUT).replace("-", " ") if deployment != OURS else "nothing",
        "50 users at once (s)": Quantity.of(taken_s, "{:.2f}"),
        "login, mean (ms)": Quantity.of(latency.get("login"), "{:,.0f}"),
        **{f"{endpoint}, mean (ms)": Quantity.of(latency.get(endpoint), "{:,.1f}") for endpoint in READS},
        "reads p95 (ms)": Quantity.of(arm_metrics.reads_p95_ms(experiment, deployment, BURST), "{:,.1f}"),
        "right answers": percent(arm_metrics.success_ratio(experiment, deployment, BURST)),
    }


def variants_split(report: Report) -> Html:
    """Where the time went in tuned, and where something was added to it or taken away."""
    experiment = report.experiment
    names = sorted({run.deployment for run in experiment.runs if run.deployment.startswith(VARIANTS)})
    splits = {name: cpu_metrics.time_split(experiment, name, BURST) for name in (OURS, *names)}
    means = {name: _means(split) for name, split in splits.items() if not split.empty}
    if not means.keys() - {OURS}:
        return prose("No variant of tuned was run under 50 users at once.")
    rows = [
        {"endpoint, deployment": f"{endpoint}, {name}", **_split_row(split.loc[endpoint])}
        for endpoint in ENDPOINTS
        for name, split in means.items()
        if endpoint in split.index
    ]
    note = (
        "Closed load, 50 users at once, one pass; means over all requests. Rest is the time in the application that "
        "no part has, residual what is neither queue nor application; a part that nobody measured is a dash."
    )
    return table(
        pd.DataFrame(rows, dtype=object), "Where the time went in tuned and its variants (mean, ms)", note=note
    )


def _means(split):
    """A row for each endpoint, a column for each part."""
    return split[split["statistic"] == "mean"].pivot(index="endpoint", columns="part", values="mean_ms")


def _split_row(means_ms):
    whole_ms = means_ms.reindex(PARTS).sum(skipna=False)
    return {part: _short(means_ms.get(part)) for part in PARTS} | {"latency": _short(whole_ms)}
