"""Whole deployments side by side: all of them, the published advice, and tuned with one optimisation left out."""

import pandas as pd

from analysis.metrics import arm_metrics, cpu_metrics
from workbench import endpoints
from workbench.aggregates import SPLIT
from workbench.arms import ADVISED, BASELINE, BURST_50, GEVENT_BLOCKING, TUNED, WITH, WITHOUT
from workbench.recording import Experiment

from ..markup import Html
from ..tables import Quantity, table
from .comparison import (
    OF_SUCCESSES,
    Report,
    connections_allowed,
    first_run,
    join,
    main_first,
    percent,
    plural,
    prose,
    settings_of,
)

COMPARED_WITH_ADVICE = (BASELINE, ADVISED, GEVENT_BLOCKING, TUNED)
TUNED_WITHOUT = f"{TUNED}{WITHOUT}"
TUNED_VARIANTS = (f"{TUNED}{WITH}", TUNED_WITHOUT)


def bursts_by_deployment(report: Report) -> Html:
    """Latency of every deployment under 50 users at once."""
    experiment = report.experiment
    names = main_first(run.deployment for run in experiment.runs if run.scenario == BURST_50)
    rows = [_burst_row(experiment, name) for name in names if experiment.find(name, BURST_50)]
    if not rows:
        return prose("No burst of 50 was run.")
    note = (
        f"{OF_SUCCESSES} Closed load, one pass; duration from the first send to the last response, over all blocks. "
        "The effects of one deployment in the place of another have their intervals below."
    )
    return table(pd.DataFrame(rows, dtype=object), "Latency by deployment, 50 users at once", note=note)


def _burst_row(experiment: Experiment, deployment: str) -> dict:
    latency = arm_metrics.latency(experiment, deployment, BURST_50)
    return {
        "deployment": deployment,
        **{
            f"{endpoint}, {name} (ms)": _three_digits(latency[f"{name}_ms"].get(endpoint))
            for endpoint in endpoints.PUBLISHED
            for name in ("mean", "p95")
        },
        "duration (s)": Quantity.optional(arm_metrics.duration_s(experiment, deployment, BURST_50), "{:.2f}"),
        "failures": arm_metrics.failures(experiment, deployment, BURST_50),
        "runs": len(experiment.find(deployment, BURST_50)),
    }


def _three_digits(value: float | None) -> Quantity | None:
    """A number with three digits, for columns that hold tenths and thousands."""
    size = 0.0 if value is None else abs(value)
    return Quantity.optional(value, "{:,.0f}" if size >= 100 else "{:,.1f}" if size >= 10 else "{:,.2f}")


def advice(report: Report) -> Html:
    """The published advice for production, measured beside the other deployments."""
    rows = [row for name in COMPARED_WITH_ADVICE if (row := _advice_row(report, name))]
    if not any(row["deployment"] not in (BASELINE, TUNED) for row in rows):
        return prose("The advice for production was not run.")
    settings = settings_of(report, ADVISED) or settings_of(report, GEVENT_BLOCKING)
    text = (
        f"The advice for production is {settings['workers']} gevent workers with the pool for AWS RDS in each, and "
        "Redis for sessions. gevent-blocking is the same without cooperative waits in psycopg2: while one request of a "
        "worker waits for its query, the worker serves no other. Both hash passwords on the loop, as the advice does "
        f"not say otherwise; their database is {settings['round_trip_ms']:g} ms away."
    )
    text += _blocking_and_cooperative(report)
    note = f"{OF_SUCCESSES} Closed load, 50 users at once, one pass; over all blocks."
    return join(prose(text), table(pd.DataFrame(rows, dtype=object), "The advice for production, measured", note=note))


def _blocking_and_cooperative(report: Report) -> str:
    """The duration of both kinds of waiting under this load, and the shares of their busiest workers."""
    cooperative, blocking = (first_run(report, name, BURST_50) for name in (ADVISED, GEVENT_BLOCKING))
    if cooperative is None or blocking is None:
        return ""
    cooperative_s, blocking_s = (
        arm_metrics.duration_s(report.experiment, name, BURST_50) for name in (ADVISED, GEVENT_BLOCKING)
    )
    return (
        f" At this load it took {cooperative_s:.2f} s with cooperative "
        f"waiting and {blocking_s:.2f} s without. Of as-advised the busiest worker answered "
        f"{arm_metrics.worker_shares(cooperative).max():.0%} of the requests, of gevent-blocking "
        f"{arm_metrics.worker_shares(blocking).max():.0%}."
    )


def _advice_row(report: Report, deployment: str) -> dict | None:
    run = first_run(report, deployment, BURST_50)
    if run is None:
        return None
    memory_bytes = arm_metrics.peak_memory_bytes(run)
    experiment = report.experiment
    return {
        "deployment": deployment,
        "50 users at once (s)": Quantity.optional(arm_metrics.duration_s(experiment, deployment, BURST_50), "{:.2f}"),
        "reads p95 (ms)": Quantity.optional(arm_metrics.reads_p95_ms(experiment, deployment, BURST_50), "{:,.0f}"),
        "successful responses": percent(arm_metrics.success_ratio(experiment, deployment, BURST_50)),
        "failures": arm_metrics.failures(experiment, deployment, BURST_50),
        "connections allowed": connections_allowed(report, deployment),
        "peak connections": arm_metrics.peak_connections(run),
        "peak memory (MiB, PSS)": Quantity.optional(memory_bytes and memory_bytes / 2**20, "{:,.0f}"),
    }


def leave_one_out(report: Report) -> Html:
    """Tuned with one optimisation left out, for each of them, under 50 users at once."""
    experiment = report.experiment
    names = sorted({run.deployment for run in experiment.runs if run.deployment.startswith(TUNED_WITHOUT)})
    names = [name for name in names if experiment.find(name, BURST_50)]
    if not names or not experiment.find(TUNED, BURST_50):
        return prose("This experiment did not run tuned with one optimisation left out.")
    blocks = min(experiment.blocks(name, BURST_50) for name in (TUNED, *names))
    rows = [_left_out_row(experiment, name) for name in (TUNED, *names)]
    note = f"{OF_SUCCESSES} Closed load, 50 users at once, one pass; over {plural(blocks, 'block')}."
    return table(pd.DataFrame(rows, dtype=object), "Tuned with one optimisation left out", note=note)


def _left_out_row(experiment: Experiment, deployment: str) -> dict:
    duration_s = arm_metrics.duration_s(experiment, deployment, BURST_50)
    means_ms = arm_metrics.latency(experiment, deployment, BURST_50)["mean_ms"]
    return {
        "left out": deployment.removeprefix(TUNED_WITHOUT).replace("-", " ") if deployment != TUNED else "nothing",
        "50 users at once (s)": Quantity.optional(duration_s, "{:.2f}"),
        "login, mean (ms)": Quantity.optional(means_ms.get("login"), "{:,.0f}"),
        **{f"{name}, mean (ms)": Quantity.optional(means_ms.get(name), "{:,.1f}") for name in endpoints.READS},
        "reads p95 (ms)": Quantity.optional(arm_metrics.reads_p95_ms(experiment, deployment, BURST_50), "{:,.1f}"),
        "successful responses": percent(arm_metrics.success_ratio(experiment, deployment, BURST_50)),
        "failures": arm_metrics.failures(experiment, deployment, BURST_50),
    }


def variants_split(report: Report) -> Html:
    """The split of the time in tuned, and in its variants with something added or left out."""
    experiment = report.experiment
    names = sorted({run.deployment for run in experiment.runs if run.deployment.startswith(TUNED_VARIANTS)})
    splits = {name: cpu_metrics.time_split(experiment, name, BURST_50) for name in (TUNED, *names)}
    means_ms = {name: _means_ms(split) for name, split in splits.items() if not split.empty}
    if not means_ms.keys() - {TUNED}:
        return prose("No variant of tuned was run under 50 users at once.")
    rows = [
        {
            "endpoint, deployment": f"{endpoint}, {name}",
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
    return {part: _three_digits(mean_ms) for part, mean_ms in parts_ms.items()} | {"latency": _three_digits(latency_ms)}
