"""The OpenMetrics families of a run: its requests, latencies and the parts of their time, by endpoint."""

import math
from collections.abc import Iterator

import pandas as pd
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from workbench.aggregates import SPLIT
from workbench.recording import Run
from workbench.text_cleaning import Target, cleaned

from ..metrics import arm_metrics, run_metrics
from .distinct_names import distinct_names

LABELS = ("experiment", "run", "deployment", "scenario")
BOUNDS_S = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
PERCENTILES = {"median_ms": "50", "p95_ms": "95", "p99_ms": "99", "max_ms": "100"}
RESPONSE_PERCENTILES = {"response_p95_ms": "95", "response_max_ms": "100"}


class _Families:
    """The families of one run, all with its labels and its instant."""

    def __init__(self, run: Run, instant_s: float | None):
        self._run = run
        self._instant_s = instant_s
        self._labels = [run.record.get("experiment", ""), cleaned(run.name, Target.LINE), run.deployment, run.scenario]
        self._table = run_metrics.latency_by_endpoint(run).dropna(subset=["endpoint"])
        self._names = distinct_names(self._table["endpoint"])

    def info(self) -> Metric:
        record = self._run.record
        family = InfoMetricFamily("workbench_run", "What was measured.", labels=LABELS)
        commit = record["environment"].get("commit") or ""
        values = {"block": str(self._run.block + 1), "status": self._run.status, "commit": commit}
        family.add_metric(self._labels, values, timestamp=self._instant_s)
        return family

    def gauge(self, name: str, unit: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, text, labels=LABELS, unit=unit)
        family.add_metric(self._labels, value, timestamp=self._instant_s)
        return family

    def requests(self) -> Metric:
        text = "Requests of the measured phase, successful by the content of their response."
        family = CounterMetricFamily("workbench_requests", text, labels=[*LABELS, "endpoint", "outcome"])
        for _, row in self._table.iterrows():
            counts = {"success": row["requests"] - row["failures"], "failure": row["failures"]}
            for outcome, number in counts.items():
                labels = [*self._labels, self._names[row["endpoint"]], outcome]
                family.add_metric(labels, int(number), timestamp=self._instant_s)
        return family

    def dropped(self) -> Metric:
        text = "Arrivals of open load that were due and never sent."
        family = CounterMetricFamily("workbench_dropped_arrivals", text, labels=[*LABELS, "phase"])
        for phase, number in self._run.dropped.items():
            family.add_metric([*self._labels, phase], number, timestamp=self._instant_s)
        return family

    def percentiles(self, name: str, text: str, columns: dict[str, str]) -> Metric:
        labels = [*LABELS, "endpoint", "percentile"]
        family = GaugeMetricFamily(name, text, labels=labels, unit="seconds")
        for _, row in self._table.iterrows():
            for column, percentile in columns.items():
                if not math.isnan(row[column]):
                    values = [*self._labels, self._names[row["endpoint"]], percentile]
                    family.add_metric(values, row[column] / 1000, timestamp=self._instant_s)
        return family

    def histogram(self) -> Metric:
        text = "Latency of the successful responses, from the actual send; counts are exact."
        family = HistogramMetricFamily("workbench_latency", text, labels=[*LABELS, "endpoint"], unit="seconds")
        for _, row in _histogram_rows(self._run).iterrows():
            buckets = [*zip(map(str, BOUNDS_S), row["counts"], strict=True), ("+Inf", row["responses"])]
            values = [*self._labels, self._names[row["endpoint"]]]
            family.add_metric(values, buckets, row["sum_s"], timestamp=self._instant_s)
        return family

    def parts(self) -> Metric:
        text = "Mean part of the latency of the successful responses whose application reported it."
        family = GaugeMetricFamily("workbench_part_mean", text, labels=[*LABELS, "endpoint", "part"], unit="seconds")
        for _, row in run_metrics.time_parts(self._run).iterrows():
            if row["part"] in SPLIT and not pd.isna(row["mean_ms"]):
                values = [*self._labels, self._names[row["endpoint"]], row["part"]]
                family.add_metric(values, row["mean_ms"] / 1000, timestamp=self._instant_s)
        return family


def run_families(run: Run, instant_s: float | None) -> Iterator[Metric]:
    """Yield the families of a run with measured requests.

    A percentile that reaches into dropped arrivals is infinite.
    """
    families = _Families(run, instant_s)
    yield families.info()
    yield families.gauge("workbench_run_valid", "", "1 for a valid run, else 0.", float(run.is_valid()))
    text = "From the first send to the last response of the measured requests."
    yield families.gauge("workbench_makespan", "seconds", text, arm_metrics.makespan_s(run))
    yield families.requests()
    if run.dropped:
        yield families.dropped()
    yield families.histogram()
    text = "Latency that this percentage of the successful responses does not exceed."
    yield families.percentiles("workbench_latency_percentile", text, PERCENTILES)
    if run.is_open:
        text = "Response time, from the intended send, that this percentage does not exceed."
        yield families.percentiles("workbench_response_time_percentile", text, RESPONSE_PERCENTILES)
    yield families.parts()


def _histogram_rows(run: Run) -> pd.DataFrame:
    """By endpoint `counts` up to each of `BOUNDS_S`, the number of `responses` and their sum `sum_s`."""
    counts = ", ".join(f"count(*) FILTER (latency_us <= {_us(bound)})" for bound in BOUNDS_S)
    return run.rows.query(
        f"SELECT endpoint, [{counts}] AS counts, count(*) AS responses, sum(latency_us)::DOUBLE / 1e6 AS sum_s "
        "FROM measured WHERE ok AND latency_us IS NOT NULL GROUP BY endpoint ORDER BY endpoint"
    )


def _us(bound_s: float) -> int:
    return round(bound_s * 1e6)
