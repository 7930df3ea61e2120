"""Whole deployments side by side: all of them, the published advice, and tuned with one optimisation left out."""

import pandas as pd

from analysis.metrics import arm_estimates, arm_metrics, cpu_metrics
from workbench import endpoints
from workbench.aggregates import SPLIT
from workbench.arms import ADVISED, BASELINE, BURST_50, GEVENT_BLOCKING, TUNED, WITH, WITHOUT
from workbench.display import seconds_text
from workbench.recording import Experiment

from ..markup import Html
from ..tables import Quantity, table
from .comparison import (
    OF_SUCCESSES,
    Report,
    burst_seconds,
    connections_allowed,
    first_run,
    join,
    main_first,
    percent,
    prose,
    settings_of,
    three_digits,
)
from .names import set_up

COMPARED_WITH_ADVICE = (BASELINE, ADVISED, GEVENT_BLOCKING, TUNED)
TUNED_WITHOUT = f"{TUNED}{WITHOUT}"
TUNED_VARIANTS = (f"{TUNED}{WITH}", TUNED_WITHOUT)


def bursts_by_deployment(report: Report) -> Html:
    """Latency of every deployment under 50 users at once; empty where none was."""
    experiment = report.experiment
    names = main_first(run.deployment for run in experiment.runs if run.scenario == BURST_50)
    rows = [_burst_row(experiment, name) for name in names if experiment.find(name, BURST_50)]
    if not rows:
        return Html("")
    note = (
        f"{OF_SUCCESSES} Closed load, one pass; duration from the first send to the last response, over all blocks. "
        "The effects of one set-up in the place of another are in: What each change is worth."
    )
    return table(pd.DataFrame(rows, dtype=object), "Latency by set-up, 50 users at once", note=note)


def _burst_row(experiment: Experiment, deployment: str) -> dict:
    latency = arm_metrics.latency(experiment, deployment, BURST_50)
    return {
        "set-up": set_up(deployment),
        **{
            f"{endpoint}, {name} (ms)": three_digits(latency[f"{name}_ms"].get(endpoint))
            for endpoint in endpoints.PUBLISHED
            for name in ("mean", "p95")
        },
        "duration (s)": burst_seconds(arm_estimates.duration_s(experiment, deployment, BURST_50)),
        "failures": arm_metrics.failures(experiment, deployment, BURST_50),
        "runs": len(experiment.find(deployment, BURST_50)),
    }


def advice(report: Report) -> Html:
    """The published advice for production, measured beside the other deployments; empty where it was not run."""
    rows = {name: row for name in COMPARED_WITH_ADVICE if (row := _advice_row(report, name))}
    if not rows.keys() - {BASELINE, TUNED}:
        return Html("")
    settings = settings_of(report, ADVISED) or settings_of(report, GEVENT_BLOCKING)
    text = (
        f"The advice for production is {settings['workers']} gevent workers with the pool for AWS RDS in each, and "
        "Redis for sessions. It hashes passwords on the event loop, as the advice does not say otherwise; its database "
        f"is {settings['round_trip_ms']:g} ms away."
    )
    text += _blocking_and_cooperative(report)
    note = f"{OF_SUCCESSES} Closed load, 50 users at once, one pass; over all blocks."
    measured = table(pd.DataFrame([*rows.values()], dtype=object), "The advice for production, measured", note=note)
    return join(prose(text), measured)


def _blocking_and_cooperative(report: Report) -> str:
    """The duration of both kinds of waiting under this load, and the shares of their busiest workers."""
    cooperative, blocking = (first_run(report, name, BURST_50) for name in (ADVISED, GEVENT_BLOCKING))
    cooperative_s, blocking_s = (
        arm_metrics.duration_s(report.experiment, name, BURST_50) for name in (ADVISED, GEVENT_BLOCKING)
    )
    if cooperative is None or blocking is None or cooperative_s is None or blocking_s is None:
        return ""
    return (
        " With a blocking driver a worker serves no other request while one of its requests waits for a query. At this "
        f"load it took {seconds_text(cooperative_s)} with cooperative waiting and {seconds_text(blocking_s)} without. "
        "The busiest worker answered "
        f"{arm_metrics.worker_shares(cooperative).max():.0%} of the requests with cooperative waiting, and "
        f"{arm_metrics.worker_shares(blocking).max():.0%} without."
    )


def _advice_row(report: Report, deployment: str) -> dict | None:
    experiment = report.experiment
    if not experiment.find(deployment, BURST_50):
        return None
    memory_mib = report.measured(f"memory_mib-{BURST_50}-{deployment}")
    return {
        "set-up": set_up(deployment),
        "50 users at once (s)": burst_seconds(arm_estimates.duration_s(experiment, deployment, BURST_50)),
        "reads p95 (ms)": Quantity.optional(arm_metrics.reads_p95_ms(experiment, deployment, BURST_50), "{:,.0f}"),
        "successful responses": percent(arm_metrics.success_ratio(experiment, deployment, BURST_50)),
        "failures": arm_metrics.failures(experiment, deployment, BURST_50),
        "connections allowed": connections_allowed(report, deployment),
        "peak connections": report.measured(f"connections-{BURST_50}-{deployment}"),
        "peak memory (MiB, PSS)": Quantity.optional(memory_mib, "{:,.0f}"),
    }


def variants_split(report: Report) -> Html:
    """The split of the time in tuned, and in its variants with something added or left out; empty without any."""
    experiment = report.experiment
    names = sorted({run.deployment for run in experiment.runs if run.deployment.startswith(TUNED_VARIANTS)})
    splits = {name: cpu_metrics.time_split(experiment, name, BURST_50) for name in (TUNED, *names)}
    means_ms = {name: _means_ms(split) for name, split in splits.items() if not split.empty}
    if not means_ms.keys() - {TUNED}:
        return Html("")
    rows = [
        {
            "endpoint, set-up": f"{endpoint}, {set_up(name)}",
            **_split_row(split, endpoint),
            "failures": arm_metrics.failures(experiment, name, BURST_50, endpoint),
        }
        for endpoint in endpoints.PUBLISHED
        for name, split in means_ms.items()
        if endpoint in split.index
    ]
    note = (
        "Closed load, 50 users at once, one pass; means over the successful responses. Rest is the time in the "
        "application that is in no part, residual what is neither queue nor application. A part that was not measured "
        "is a dash."
    )
    caption = "Where the time went in tuned and its variants (mean, ms)"
    return table(pd.DataFrame(rows, dtype=object), caption, note=note)


def _means_ms(split: pd.DataFrame) -> pd.DataFrame:
    """A row for each endpoint, a column for each part."""
    return split[split["statistic"] == "mean"].pivot(index="endpoint", columns="part", values="mean_ms")


def _split_row(means_ms: pd.DataFrame, endpoint: str) -> dict:
    parts_ms = {part: means_ms[part].get(endpoint) if part in means_ms else None for part in SPLIT}
    latency_ms = pd.Series(parts_ms, dtype=float).sum(skipna=False)
    return {part: three_digits(mean_ms) for part, mean_ms in parts_ms.items()} | {"latency": three_digits(latency_ms)}
