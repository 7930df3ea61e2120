"""Charts that are made from the runs themselves: the timeline, growth, percentiles, and parts of the time."""

from collections.abc import Callable, Sequence

import pandas as pd

from analysis import queueing
from analysis.figures import latency, time_split, timelines
from analysis.findings import published_report
from analysis.metrics import arm_metrics, cpu_metrics
from workbench import endpoints
from workbench.arms import BASELINE, BURST_50, CLAIMED, MAIN_DEPLOYMENTS, TUNED
from workbench.recording import Run

from ..markup import Html
from ..svg import inline
from .comparison import Report, parts_are_apart

COMPARED = (BASELINE, CLAIMED, TUNED)
MEASURED_USERS = (25, 50)
PREDICTED_USERS = (1, 10, 25, 50)


def percentiles(report: Report) -> Html:
    """The percentile curve of the successful responses of a burst of 50."""
    curves = [
        arm_metrics.percentile_curve(report.experiment, deployment, BURST_50).assign(series=deployment)
        for deployment in COMPARED
    ]
    points = _concat(curves, ["series", "nines", "latency_ms"])
    if points.empty:
        return Html("")
    return inline(
        lambda: latency.percentile_curves(points),
        "percentiles",
        "Latency percentiles, 50 users at once",
        "One curve for each set-up, over the successful responses. The axis is stretched towards the tail.",
    )


def where_time_goes(report: Report) -> Html:
    """Mean parts of a request's time, over the successful responses and over their tail."""
    splits = [
        cpu_metrics.time_split(report.experiment, deployment, BURST_50).assign(series=deployment)
        for deployment in MAIN_DEPLOYMENTS
        if all(map(parts_are_apart, report.experiment.find(deployment, BURST_50)))
    ]
    parts = _concat(splits, ["series", "endpoint", "statistic", "part", "mean_ms"]).dropna(subset=["mean_ms"])
    if parts.empty:
        return Html("")
    return inline(
        lambda: time_split.time_split(parts),
        "time-split",
        "Where the time went, 50 users at once",
        "Mean of all successful responses, and of those between the 90th and the 99th percentile of latency. Loop is "
        "the wait for the event loop of a gevent worker while it computes for other requests.",
    )


def timeline(report: Report) -> Html:
    """Each request of one burst from its send to its response."""
    columns = ["series", "endpoint", "start_ms", "latency_ms", "user", "ok"]
    requests = _first_burst(report, lambda run: run.measured, columns)
    if requests.empty:
        return Html("")
    return inline(
        lambda: timelines.timeline(requests),
        "timeline",
        "Every request of one burst, from send to response",
        "A staircase is a queue: each user waits for all earlier users.",
        is_half=True,
    )


def growth(report: Report) -> Html:
    """Mean latency against the number of users: published, measured (successful responses), predicted by one queue."""
    rows = [*_measured_means(report), *_predicted_means(report)]
    if not rows:
        return Html("")
    return inline(
        lambda: latency.burst_growth(pd.DataFrame([*_published_means(), *rows])),
        "growth",
        "Mean latency against users at once",
        "The line is one first-come-first-served queue, replayed from measured single-request times.",
    )


def _published_means() -> list[dict]:
    load = published_report.load("load").groupby("users")["mean_ms"].mean()
    return [_mean(users, "published", "published", load[users]) for users in MEASURED_USERS]


def _measured_means(report: Report) -> list[dict]:
    means_ms = {
        (users, deployment): arm_metrics.mean_ms(report.experiment, deployment, f"burst-{users}")
        for users in MEASURED_USERS
        for deployment in (BASELINE, TUNED)
    }
    return [_mean(*arm, "measured", mean_ms) for arm, mean_ms in means_ms.items() if mean_ms is not None]


def _predicted_means(report: Report) -> list[dict]:
    predictions = {users: queueing.predict_burst(report.experiment, users) for users in PREDICTED_USERS}
    return [
        _mean(
            users,
            BASELINE,
            "predicted",
            sum(predicted[name] for name in endpoints.PUBLISHED) / len(endpoints.PUBLISHED),
        )
        for users, predicted in predictions.items()
        if predicted
    ]


def _mean(users: int, series: str, kind: str, mean_ms: float) -> dict:
    return {"users": users, "series": series, "kind": kind, "mean_ms": mean_ms}


def _first_burst(report: Report, frame_of: Callable[[Run], pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """The frames of the first burst-50 run of as-measured and of tuned."""
    frames = [
        frame_of(run).assign(series=deployment)
        for deployment in (BASELINE, TUNED)
        for run in report.experiment.find(deployment, BURST_50)[:1]
    ]
    return _concat(frames, columns)


def _concat(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    rows = [frame[[*columns]] for frame in frames if not frame.empty]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*columns])
