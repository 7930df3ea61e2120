"""The figures of the page: frames from the runs, drawn by `analysis.figures`, put inline."""

import pandas as pd

from analysis import figures, queueing
from analysis.metrics import arm_metrics, cpu_metrics, published_report

from .sections import BASE, CLAIMED, OURS, Report
from .svg import inline
from .tables import Html

DRAWN = (BASE, CLAIMED, OURS)
SPLIT = (BASE, CLAIMED, "as-advised", "gevent-blocking", OURS)


def latency_by_endpoint(report: Report, users: int = 50) -> Html:
    """Mean latency by endpoint for published, as-measured, as-claimed and tuned."""
    stated = published_report.load("load").query("users == @users")[["endpoint", "mean_ms"]].assign(series="published")
    frames = [stated]
    for deployment in DRAWN:
        table = arm_metrics.latency(report.experiment, deployment, f"burst-{users}").reset_index()
        if not table.empty:
            frames.append(table[["endpoint", "mean_ms"]].assign(series=deployment))
    return inline(
        figures.latency_bars(pd.concat(frames)),
        f"latency-{users}",
        f"Mean latency by endpoint, {users} users at once",
        "Bars on a logarithmic axis; the figures are in the table of this section.",
    )


def percentiles(report: Report) -> Html:
    """The percentile curve of all requests of a burst of 50."""
    curves = [arm_metrics.percentile_curve(report.experiment, name, "burst-50").assign(series=name) for name in DRAWN]
    return inline(
        figures.percentile_curves(_concat(curves, ["series", "nines", "latency_ms"])),
        "percentiles",
        "Latency percentiles, 50 users at once",
        "One curve a deployment over all requests; the axis is stretched towards the tail.",
    )


def where_time_goes(report: Report) -> Html:
    """Means of the parts of a request's time, over all requests and over the tail."""
    frames = [cpu_metrics.time_split(report.experiment, name, "burst-50").assign(series=name) for name in SPLIT]
    return inline(
        figures.time_split(_concat(frames, ["series", "endpoint", "statistic", "part", "mean_ms"])),
        "time-split",
        "Where the time went, 50 users at once",
        "Stacked bars: queue, pool, database, hash, cache, session, the rest of the application, and the residual; "
        "above of all requests, below of those between the 90th and the 99th percentile of latency. Under gevent a "
        "part has in it what its request waits for the loop while others use it.",
    )


def timeline(report: Report) -> Html:
    """Each request of one burst from send to answer."""
    columns = ["series", "endpoint", "start_ms", "latency_ms", "user"]
    return inline(
        figures.timeline(_of_one_burst(report, lambda run: run.measured, columns)),
        "timeline",
        "Every request of one burst, from send to answer",
        "A staircase is a queue: each user waits for all before them.",
    )


def growth(report: Report) -> Html:
    """Mean latency of all requests against the number of users: published, measured, and predicted by one queue."""
    rows = []
    for users in (25, 50):
        stated = published_report.load("load").query("users == @users")["mean_ms"].mean()
        rows.append({"users": users, "series": "published", "kind": "published", "mean_ms": stated})
        for deployment in (BASE, OURS):
            mean_ms = arm_metrics.mean_ms(report.experiment, deployment, f"burst-{users}")
            if mean_ms is not None:
                rows.append({"users": users, "series": deployment, "kind": "measured", "mean_ms": mean_ms})
    for users in (1, 10, 25, 50):
        predicted = queueing.predict_burst(report.experiment, users)
        if predicted:
            mean_ms = sum(predicted[endpoint] for endpoint in arm_metrics.ENDPOINTS) / len(arm_metrics.ENDPOINTS)
            rows.append({"users": users, "series": BASE, "kind": "predicted", "mean_ms": mean_ms})
    return inline(
        figures.burst_growth(pd.DataFrame(rows)),
        "growth",
        "Mean latency against users at once",
        "The line is one first-come-first-served queue replayed from measured single-request times.",
    )


def pool_use(report: Report) -> Html:
    """What became of the pools' connections during one burst of 50."""
    columns = ["series", "at_s", "state", "connections", "limit"]
    return inline(
        figures.pool_use(_of_one_burst(report, arm_metrics.pool_use, columns)),
        "pool-use",
        "Pool connections of all workers, 50 users at once",
        "Read twenty times a second; waiting are callers that have no connection yet.",
    )


def _of_one_burst(report, frame_of, columns):
    """The frame of the first burst-50 run of each of both deployments."""
    frames = [
        frame_of(run).assign(series=name)
        for name in (BASE, OURS)
        for run in report.experiment.find(name, "burst-50")[:1]
    ]
    return _concat(frames, columns)


def _concat(frames, columns):
    present = [frame[columns] for frame in frames if not frame.empty]
    return pd.concat(present, ignore_index=True) if present else pd.DataFrame(columns=columns)
