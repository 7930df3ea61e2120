"""Latency: single requests, bursts of 25 and 50 users, loads that were not published, and why it grows."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import pandas as pd

from analysis import queueing
from analysis.figures.axes import duration
from analysis.findings import published_report
from analysis.metrics import arm_estimates, arm_metrics, cpu_metrics
from analysis.stats.confidence import MIN_BLOCKS, Estimate
from workbench.arms import (
    BASELINE,
    BURST_10_MIX,
    BURST_50,
    BURST_50_MIX,
    BURST_50_SHARED_JAR,
    SINGLE,
    SUSTAINED_100,
    SUSTAINED_100_WRITE,
    TUNED,
)
from workbench.endpoints import NAMES, PUBLISHED
from workbench.recording import Experiment

from ..markup import Html
from ..tables import Quantity, Verdict, table
from .comparison import (
    OF_SUCCESSES,
    Cell,
    Measure,
    MetricRow,
    Report,
    comparison,
    join,
    plural,
    prose,
    ratio,
    with_interval,
)

NOT_PUBLISHED = (BURST_50_SHARED_JAR, BURST_10_MIX, BURST_50_MIX, SUSTAINED_100, SUSTAINED_100_WRITE)
ROLES = {"server": "workers", "database": "PostgreSQL", "store": "Valkey", "generator": "load generator"}
RATIO, ERROR = "reproduced / published", "prediction error"


def individual(report: Report) -> Html:
    """Single requests: published, reproduced and tuned, against the published threshold."""
    published_ms = published_report.load("individual").set_index("endpoint")["mean_ms"]
    threshold_ms = published_report.latency_threshold_ms()
    reproduced, tuned = (arm_metrics.latency(report.experiment, name, SINGLE) for name in (BASELINE, TUNED))
    rows = [
        {
            "endpoint": endpoint,
            "published mean (ms)": published_ms.get(endpoint),
            "reproduced (ms)": reproduced["mean_ms"].get(endpoint),
            RATIO: ratio(reproduced["mean_ms"].get(endpoint), published_ms.get(endpoint)),
            "tuned (ms)": tuned["mean_ms"].get(endpoint),
            "reproduced median (ms)": reproduced["median_ms"].get(endpoint),
            "reproduced range (ms)": _range(reproduced, endpoint),
            "reproduced failures": arm_metrics.failures(report.experiment, BASELINE, SINGLE, endpoint),
            "tuned failures": arm_metrics.failures(report.experiment, TUNED, SINGLE, endpoint),
            f"under {threshold_ms:.0f} ms": _under(threshold_ms, reproduced["mean_ms"].get(endpoint)),
        }
        for endpoint in PUBLISHED
    ]
    note = (
        f"{OF_SUCCESSES} Closed load, one user, 30 requests each after one pass of warm-up, one run each, no interval. "
        "The published "
        "run has no value for login."
    )
    return table(pd.DataFrame(rows), "Single requests", note=note, formats={RATIO: "{:.2f}"})


def _under(threshold_ms: float, mean_ms: float | None) -> Verdict:
    if mean_ms is None or pd.isna(mean_ms):
        return Verdict.NOT_MEASURED
    return Verdict.PASS if mean_ms < threshold_ms else Verdict.FAIL


def _range(latency: pd.DataFrame, endpoint: str) -> str | None:
    if latency.empty or latency.loc[endpoint, ["min_ms", "max_ms"]].isna().any():
        return None
    return f"{latency['min_ms'][endpoint]:.0f}–{latency['max_ms'][endpoint]:.0f}"


def burst(report: Report, users: int) -> Html:
    """One burst: totals, latencies by endpoint with the error of the queueing prediction, and CPU."""
    scenario, experiment = f"burst-{users}", report.experiment
    published_ms = published_report.load("load").query("users == @users").set_index("endpoint")["mean_ms"]
    predicted_ms = queueing.predict_burst(experiment, users)
    rows = [
        _latency_row(experiment, scenario, endpoint, published_ms.get(endpoint), predicted_ms.get(endpoint))
        for endpoint in PUBLISHED
    ]
    means = table(
        pd.DataFrame(rows, dtype=object),
        f"{users} users at once: mean latency by endpoint",
        note=f"{OF_SUCCESSES} Closed load, {users} users at once, one pass. {_interval_note(experiment, scenario)}",
        formats={RATIO: "{:.2f}", ERROR: "{:+.1%}"},
    )
    return join(_totals(report, users), means, _cpu(experiment, scenario))


def _latency_row(
    experiment: Experiment, scenario: str, endpoint: str, published_ms: float | None, predicted_ms: float | None
) -> dict:
    reproduced, tuned = (
        arm_estimates.latency(experiment, deployment, scenario, endpoint) for deployment in (BASELINE, TUNED)
    )
    reproduced_ms = None if reproduced is None else reproduced.value
    return {
        "endpoint": endpoint,
        "published mean (ms)": published_ms,
        "reproduced (ms)": with_interval(reproduced, "{:,.0f}"),
        RATIO: ratio(reproduced_ms, published_ms),
        "predicted by the queue (ms)": Quantity.optional(predicted_ms, "{:,.0f}"),
        ERROR: _error(predicted_ms, reproduced_ms),
        "tuned (ms)": with_interval(tuned, "{:,.0f}"),
        "reproduced failures": arm_metrics.failures(experiment, BASELINE, scenario, endpoint),
        "tuned failures": arm_metrics.failures(experiment, TUNED, scenario, endpoint),
    }


def _error(predicted: float | None, measured: float | None) -> float | None:
    """Relative error of a prediction; None unless both values are known."""
    return None if predicted is None or measured is None else predicted / measured - 1


def _totals(report: Report, users: int) -> Html:
    experiment, scenario = report.experiment, f"burst-{users}"
    published = dict(published_report.load("totals").set_index("users").loc[users])

    def measured(estimate: Callable[[Experiment, str, str], Estimate | None], form: str) -> Measure:
        return lambda deployment: with_interval(estimate(experiment, deployment, scenario), form)

    success = measured(arm_estimates.success_ratio, "{:.1%}")
    throughput = measured(arm_estimates.throughput_rps, "{:.1f}")
    metrics = [
        MetricRow("successful responses", published["success_ratio"], success, "{:.1%}"),
        MetricRow("failures", None, partial(arm_metrics.failures, experiment, scenario=scenario)),
        MetricRow("duration (s)", published["duration_s"], measured(arm_estimates.duration_s, "{:.2f}"), "{:.2f}"),
        MetricRow("throughput (requests/s)", published["throughput_rps"], throughput, "{:.1f}"),
        *(
            MetricRow(f"{endpoint}, p95 (ms)", None, measured(partial(_p95_ms, endpoint), "{:,.0f}"), "{:,.0f}")
            for endpoint in PUBLISHED
        ),
    ]
    return comparison(f"{users} users at once: totals", metrics, note=_interval_note(experiment, scenario))


def _p95_ms(endpoint: str, experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    return arm_estimates.latency(experiment, deployment, scenario, endpoint, "p95_ms")


AT_LEAST_NOTE = (
    "At least: the interval is too narrow, because few requests lie beyond the percentile in a block, the tail is "
    "heavy, or the blocks differ much."
)


def _interval_note(experiment: Experiment, scenario: str) -> str:
    blocks = [experiment.blocks(deployment, scenario) for deployment in (BASELINE, TUNED)]
    least, most = min(blocks), max(blocks)
    if most < MIN_BLOCKS:
        return f"No interval: {plural(least, 'block')}, and an interval takes at least {MIN_BLOCKS}."
    note = f"In brackets the 95 % interval, from {most} blocks; of latencies by sectioning."
    without = "" if least >= MIN_BLOCKS else f" Without an interval: {plural(least, 'block')}."
    return f"{note}{without} {AT_LEAST_NOTE}"


def _cpu(experiment: Experiment, scenario: str) -> Html:
    """The duration of the burst over its CPU lower bound, and the CPU time of each role."""

    def lower_bound_s(deployment: str) -> Cell:
        return cpu_metrics.cpu_lower_bound_s(experiment, deployment, scenario)

    def floor_ratio(deployment: str) -> Cell:
        return ratio(arm_metrics.duration_s(experiment, deployment, scenario), lower_bound_s(deployment))

    def cpu_s(role: str) -> Measure:
        def measure(deployment: str) -> Cell:
            cpu_ms = [cpu_metrics.cpu_ms(run, role) for run in experiment.find(deployment, scenario)]
            return pd.Series(cpu_ms, dtype=float).median() / 1000

        return measure

    metrics = [
        MetricRow("CPU lower bound of its hashes and queries (s)", None, lower_bound_s, "{:.2f}"),
        MetricRow("duration / CPU lower bound", None, floor_ratio, "{:.2f}"),
        *(MetricRow(f"CPU, {processes} (s)", None, cpu_s(role), "{:.2f}") for role, processes in ROLES.items()),
    ]
    note = (
        "The CPU lower bound counts each hash and each query with its unloaded time, and all cores with nothing else. "
        "CPU time runs from the last reading before the load to the first after it; the load generator counts its own."
    )
    return comparison(f"{scenario}: CPU time", metrics, note=note)


def other_loads(report: Report) -> Html:
    """Loads that the published report does not have: mixed search terms, and users with think time."""
    experiment = report.experiment
    metrics = [
        metric
        for scenario in NOT_PUBLISHED
        if any(experiment.find(deployment, scenario) for deployment in (BASELINE, TUNED))
        for metric in _load_metrics(experiment, scenario)
    ]
    if not metrics:
        return prose("This experiment ran none of them.")
    text = (
        "The published search term BAG matches at once: the first fifty bags with a name end the search. A term that "
        "matches few bags, or none, reads the whole table without a trigram index; the mix has such terms. Shared-jar "
        "is the load of the published script: one account and one cookie jar for all users, and any 200 or 302 counts "
        "as success."
    )
    note = f"{OF_SUCCESSES} Closed load. In brackets the 95 % interval, where {MIN_BLOCKS} blocks or more give one. "
    note += AT_LEAST_NOTE
    return join(prose(text), comparison("Loads that were not published", metrics, note=note))


def _load_metrics(experiment: Experiment, scenario: str) -> Iterable[MetricRow]:
    def success(deployment: str) -> Cell:
        return with_interval(arm_estimates.success_ratio(experiment, deployment, scenario), "{:.1%}")

    def latency(endpoint: str, column: str) -> Measure:
        def measure(deployment: str) -> Cell:
            return with_interval(arm_estimates.latency(experiment, deployment, scenario, endpoint, column), "{:,.1f}")

        return measure

    yield MetricRow(f"{scenario}: successful responses", None, success, "{:.1%}")
    yield MetricRow(f"{scenario}: failures", None, partial(arm_metrics.failures, experiment, scenario=scenario))
    for endpoint in NAMES if scenario.endswith("-write") else PUBLISHED:
        yield MetricRow(f"{scenario}: {endpoint}, mean (ms)", None, latency(endpoint, "mean_ms"))
        yield MetricRow(f"{scenario}: {endpoint}, p95 (ms)", None, latency(endpoint, "p95_ms"))


def explanation(report: Report) -> Html:
    """The reason why latency grows with the number of users, in a sentence with its numbers."""
    split = cpu_metrics.time_split(report.experiment, BASELINE, BURST_50)
    split = split[split["statistic"] == "mean"]
    if split.empty:
        return prose("The burst of 50 users was not measured on as-measured.")
    parts_ms = split.groupby("part")["mean_ms"].sum(min_count=1)
    if parts_ms.isna().any():
        missing = ", ".join(parts_ms.index[parts_ms.isna()])
        return prose(f"There is no explanation of the growth: {missing} was not measured in these runs.")
    queue = parts_ms["queue"] / parts_ms.sum()
    text = f"In as-measured {queue:.1%} of the time of a request is spent waiting for a worker."
    predicted_ms = queueing.predict_burst(report.experiment, 50)
    return prose(text + _queue_sentence(report.experiment, predicted_ms) if predicted_ms else text)


def _queue_sentence(experiment: Experiment, predicted_ms: Mapping[str, float]) -> str:
    service_ms = queueing.service_ms(experiment)
    means_ms = arm_metrics.latency(experiment, BASELINE, BURST_50)["mean_ms"]
    largest_error = max(abs(predicted_ms[endpoint] / means_ms[endpoint] - 1) for endpoint in PUBLISHED)
    return (
        f" The three requests of a user take its one worker {sum(service_ms.values()):.0f} ms when unloaded, so 50 "
        f"users take it {duration(predicted_ms['duration'])}. A replay of that one queue from single-request times "
        f"predicts every measured mean within {largest_error:.0%}."
    )
