"""Latency: single requests, bursts of 25 and 50 users, and loads that were not published."""

from collections.abc import Callable, Iterable
from functools import partial

import pandas as pd

from analysis import queueing
from analysis.findings import published_report
from analysis.metrics import arm_estimates, arm_metrics, cpu_metrics
from analysis.stats.confidence import MIN_BLOCKS, Estimate
from workbench.arms import (
    ADVISED,
    BASELINE,
    BURST_10_MIX,
    BURST_50_MIX,
    BURST_50_SHARED_JAR,
    LABELS,
    SINGLE,
    SUSTAINED_100,
    SUSTAINED_100_WRITE,
    TUNED,
    WITHOUT,
)
from workbench.endpoints import NAMES, PUBLISHED, READS
from workbench.recording import Experiment

from ..markup import Html
from ..tables import Quantity, Verdict, table
from .comparison import (
    MEASURED_TO_PUBLISHED,
    OF_SUCCESSES,
    Cell,
    Measure,
    MetricRow,
    Report,
    burst_seconds,
    comparison,
    join,
    plural,
    prose,
    ratio,
    with_interval,
)
from .names import load

NOT_PUBLISHED = (BURST_50_SHARED_JAR, BURST_10_MIX, BURST_50_MIX, SUSTAINED_100, SUSTAINED_100_WRITE)
SET_UPS = (BASELINE, ADVISED, TUNED)
ROLES = {"server": "workers", "database": "PostgreSQL", "store": "Valkey", "generator": "load generator"}
RATIO, ERROR = MEASURED_TO_PUBLISHED, "prediction error"
HERE, OURS = LABELS[BASELINE], LABELS[TUNED]


def individual(report: Report) -> Html:
    """Single requests: published, on the published set-up and on tuned, against the published threshold."""
    published_ms = published_report.load("individual").set_index("endpoint")["mean_ms"]
    threshold_ms = published_report.latency_threshold_ms()
    latency = arm_metrics.latency(report.experiment, BASELINE, SINGLE)
    rows = [_single_row(report.experiment, latency, endpoint, published_ms.get(endpoint)) for endpoint in PUBLISHED]
    for row, endpoint in zip(rows, PUBLISHED, strict=True):
        row[f"under {threshold_ms:.0f} ms"] = _under(threshold_ms, latency["mean_ms"].get(endpoint))
    note = (
        f"{OF_SUCCESSES} Closed load, one user, 30 requests to each endpoint in a run, after one pass of warm-up. "
        "The published run has no value for login."
    )
    return table(pd.DataFrame(rows, dtype=object), "Single requests", note=note, formats={RATIO: "{:.2f}"})


def _single_row(experiment: Experiment, latency: pd.DataFrame, endpoint: str, published_ms: float | None) -> dict:
    here, tuned, median = (
        arm_estimates.latency(experiment, deployment, SINGLE, endpoint, statistic)
        for deployment, statistic in ((BASELINE, "mean_ms"), (TUNED, "mean_ms"), (BASELINE, "median_ms"))
    )
    return {
        "endpoint": endpoint,
        "published mean (ms)": published_ms,
        f"{HERE} (ms)": with_interval(here),
        RATIO: ratio(None if here is None else here.value, published_ms),
        f"{OURS} (ms)": with_interval(tuned),
        f"{HERE}: median (ms)": with_interval(median),
        f"{HERE}: range (ms)": _range(latency, endpoint),
        f"{HERE}: failures": arm_metrics.failures(experiment, BASELINE, SINGLE, endpoint),
        f"{OURS}: failures": arm_metrics.failures(experiment, TUNED, SINGLE, endpoint),
    }


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
        note=f"{OF_SUCCESSES} {_cached_reads(experiment, users)}",
        formats={RATIO: "{:.2f}", ERROR: "{:+.1%}"},
    )
    return join(_totals(report, users), means, _cpu(experiment, users))


def _latency_row(
    experiment: Experiment, scenario: str, endpoint: str, published_ms: float | None, predicted_ms: float | None
) -> dict:
    here, tuned = (
        arm_estimates.latency(experiment, deployment, scenario, endpoint) for deployment in (BASELINE, TUNED)
    )
    here_ms = None if here is None else here.value
    return {
        "endpoint": endpoint,
        "published mean (ms)": published_ms,
        f"{HERE} (ms)": with_interval(here),
        RATIO: ratio(here_ms, published_ms),
        "predicted by the queue (ms)": Quantity.optional(predicted_ms, "{:,.0f}"),
        ERROR: _error(predicted_ms, here_ms),
        f"{OURS} (ms)": with_interval(tuned),
        f"{HERE}: failures": arm_metrics.failures(experiment, BASELINE, scenario, endpoint),
        f"{OURS}: failures": arm_metrics.failures(experiment, TUNED, scenario, endpoint),
    }


def _error(predicted: float | None, measured: float | None) -> float | None:
    """Relative error of a prediction; None unless both values are known."""
    return None if predicted is None or measured is None else predicted / measured - 1


def _totals(report: Report, users: int) -> Html:
    experiment, scenario = report.experiment, f"burst-{users}"
    published = dict(published_report.load("totals").set_index("users").loc[users])

    def measured(estimate: Callable[[Experiment, str, str], Estimate | None], form: str) -> Measure:
        return lambda deployment: with_interval(estimate(experiment, deployment, scenario), form)

    def duration_s(deployment: str) -> Cell:
        return burst_seconds(arm_estimates.duration_s(experiment, deployment, scenario))

    success = measured(arm_estimates.success_ratio, "{:.1%}")
    throughput = measured(arm_estimates.throughput_rps, "{:.1f}")
    metrics = [
        MetricRow("successful responses", published["success_ratio"], success, "{:.1%}"),
        MetricRow("failures", None, partial(arm_metrics.failures, experiment, scenario=scenario)),
        MetricRow("duration (s)", published["duration_s"], duration_s, "{:.2f}"),
        MetricRow("throughput (requests/s)", published["throughput_rps"], throughput, "{:.1f}"),
        *(MetricRow(f"{endpoint}, p95 (ms)", None, measured(partial(_p95_ms, endpoint), "")) for endpoint in PUBLISHED),
    ]
    return comparison(f"{users} users at once: totals", metrics, note=_interval_note(experiment, scenario))


def _p95_ms(endpoint: str, experiment: Experiment, deployment: str, scenario: str) -> Estimate | None:
    return arm_estimates.latency(experiment, deployment, scenario, endpoint, "p95_ms")


def _interval_note(experiment: Experiment, scenario: str) -> str:
    blocks = [experiment.blocks(deployment, scenario) for deployment in (BASELINE, TUNED)]
    least, most = min(blocks), max(blocks)
    if most < MIN_BLOCKS:
        return f"Closed load, one pass, {plural(most, 'block')}: an interval takes {MIN_BLOCKS}."
    without = "" if least >= MIN_BLOCKS else f" Without an interval: {plural(least, 'block')}."
    return f"Closed load, one pass. In brackets the 95 % interval, from {plural(most, 'block')}.{without}"


def _cached_reads(experiment: Experiment, users: int) -> str:
    """The share of reads that tuned answers from its cache, and its dashboard without one: all users read the same."""
    scenario, uncached = f"burst-{users}", f"{TUNED}{WITHOUT}cache"
    outcomes = arm_metrics.cache_outcomes(experiment, TUNED, scenario, READS)
    if outcomes.empty or not outcomes.sum() or not arm_metrics.mostly_succeeds(experiment, TUNED, scenario):
        return ""
    text = f"All users read the same page: {outcomes.get('hit', 0) / outcomes.sum():.0%} of the reads of tuned are from"
    text += " its cache."
    mean_ms = arm_metrics.latency(experiment, uncached, scenario)["mean_ms"].get("dashboard")
    return text if pd.isna(mean_ms) else f"{text} Without caches a dashboard takes {mean_ms:.1f} ms."


def _cpu(experiment: Experiment, users: int) -> Html:
    """The duration of the burst over its CPU lower bound, and the CPU time of each role."""
    scenario = f"burst-{users}"

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
    return comparison(f"{users} users at once: CPU time", metrics, note=note)


def other_loads(report: Report) -> Html:
    """Loads that the published report does not have: mixed search terms, users with think time; empty without any."""
    experiment = report.experiment
    metrics = [
        metric
        for scenario in NOT_PUBLISHED
        if any(experiment.find(deployment, scenario) for deployment in SET_UPS)
        for metric in _load_metrics(experiment, scenario)
    ]
    if not metrics:
        return Html("")
    text = (
        "The published search term BAG matches at once: the first fifty bags with a name end the search. A term that "
        "matches few bags, or none, reads the whole table without a trigram index; mixed terms have such. One cookie "
        "jar is the load of the published script: all users share an account and a cookie jar, and any 200 or 302 "
        "counts as success."
    )
    note = f"{OF_SUCCESSES} Closed load. A value with its 95 % interval in brackets has {MIN_BLOCKS} blocks or more."
    return join(prose(text), comparison("Loads that were not published", metrics, deployments=SET_UPS, note=note))


def _load_metrics(experiment: Experiment, scenario: str) -> Iterable[MetricRow]:
    def success(deployment: str) -> Cell:
        return with_interval(arm_estimates.success_ratio(experiment, deployment, scenario), "{:.1%}")

    def latency(endpoint: str, column: str) -> Measure:
        def measure(deployment: str) -> Cell:
            return with_interval(arm_estimates.latency(experiment, deployment, scenario, endpoint, column))

        return measure

    yield MetricRow(f"{load(scenario)}: successful responses", None, success, "{:.1%}")
    yield MetricRow(f"{load(scenario)}: failures", None, partial(arm_metrics.failures, experiment, scenario=scenario))
    for endpoint in NAMES if scenario.endswith("-write") else PUBLISHED:
        yield MetricRow(f"{load(scenario)}: {endpoint}, mean (ms)", None, latency(endpoint, "mean_ms"))
        yield MetricRow(f"{load(scenario)}: {endpoint}, p95 (ms)", None, latency(endpoint, "p95_ms"))
