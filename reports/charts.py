"""Charts of the page: each makes a table from the runs, has `analysis.figures` draw it, and adds a caption.

To add a chart: a function in `analysis.figures`, one here with its name in `__all__`, and a cell in
`notebooks/03-report.ipynb`.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from analysis import queueing
from analysis.figures import latency, time_split, timelines
from analysis.findings import published_report
from analysis.metrics import arm_metrics, cpu_metrics
from workbench import endpoints
from workbench.arms import BASELINE, BURST_50, CLAIMED, MAIN_DEPLOYMENTS, TUNED
from workbench.recording import Run

from .sections import Report
from .svg import inline
from .tables import Html

__all__ = ["growth", "latency_by_endpoint", "percentiles", "pool_use", "timeline", "where_time_goes"]

COMPARED = (BASELINE, CLAIMED, TUNED)
MEASURED_USERS = (25, 50)
PREDICTED_USERS = (1, 10, 25, 50)


def latency_by_endpoint(report: Report, users: int = 50) -> Html:
    """Mean latency by endpoint for published, as-measured, as-claimed and tuned."""
    published = published_report.load("load").query("users == @users")[["endpoint", "mean_ms"]]
    frames = [published.assign(series="published")]
    for deployment in COMPARED:
        measured = arm_metrics.latency(report.experiment, deployment, f"burst-{users}").reset_index()
        if not measured.empty:
            frames.append(measured[["endpoint", "mean_ms"]].assign(series=deployment))
    return inline(
        latency.latency_bars(pd.concat(frames)),
        f"latency-{users}",
        f"Mean latency by endpoint, {users} users at once",
        "Bars on a logarithmic axis. The values are in the table of this section.",
    )


def percentiles(report: Report) -> Html:
    """The percentile curve of the successful responses of a burst of 50."""
    curves = [
        arm_metrics.percentile_curve(report.experiment, deployment, BURST_50).assign(series=deployment)
        for deployment in COMPARED
    ]
    return inline(
        latency.percentile_curves(_concat(curves, ["series", "nines", "latency_ms"])),
        "percentiles",
        "Latency percentiles, 50 users at once",
        "One curve for each deployment, over the successful responses. The axis is stretched towards the tail.",
    )


def where_time_goes(report: Report) -> Html:
    """Mean parts of a request's time, over the successful responses and over their tail."""
    splits = [
        cpu_metrics.time_split(report.experiment, deployment, BURST_50).assign(series=deployment)
        for deployment in MAIN_DEPLOYMENTS
    ]
    return inline(
        time_split.time_split(_concat(splits, ["series", "endpoint", "statistic", "part", "mean_ms"])),
        "time-split",
        "Where the time went, 50 users at once",
        "Stacked bars: queue, pool, database, hash, cache, session, the rest of the application, and the residual. "
        "Above: all successful responses. Below: those between the 90th and the 99th percentile of latency. Under "
        "gevent a part includes the time that its request waits for the loop while other requests use it.",
    )


def timeline(report: Report) -> Html:
    """Each request of one burst from its send to its response."""
    columns = ["series", "endpoint", "start_ms", "latency_ms", "user", "ok"]
    return inline(
        timelines.timeline(_first_burst(report, lambda run: run.measured, columns)),
        "timeline",
        "Every request of one burst, from send to response",
        "A staircase is a queue: each user waits for all earlier users.",
    )


def growth(report: Report) -> Html:
    """Mean latency against the number of users: published, measured (successful responses), predicted by one queue."""
    rows = [*_published_means(), *_measured_means(report), *_predicted_means(report)]
    return inline(
        latency.burst_growth(pd.DataFrame(rows)),
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


def pool_use(report: Report) -> Html:
    """Connections of the pools by state during one burst of 50."""
    columns = ["series", "at_s", "state", "connections", "limit"]
    return inline(
        timelines.pool_use(_first_burst(report, arm_metrics.pool_use, columns)),
        "pool-use",
        "Pool connections of all workers, 50 users at once",
        "Read twenty times a second. Waiting are callers without a connection.",
    )


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
