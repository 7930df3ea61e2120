"""The published infrastructure, point by point: as declared, and as the runs show it."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from analysis.findings import checklist, pooling, published_report
from analysis.metrics import arm_estimates, arm_metrics, pooler_metrics
from workbench.arms import BURST_50, ON_RDS
from workbench.recording import Run

from ..markup import Html
from ..numerals import PUBLISHED, SETTING, marked
from ..tables import Quantity, Verdict, table
from .comparison import (
    OF_SUCCESSES,
    Cell,
    Measure,
    MetricRow,
    Report,
    burst_seconds,
    comparison,
    connections_allowed,
    first_run,
    join,
    prose,
    ratio,
    settings_of,
    three_digits,
)
from .names import in_labels, load, set_up


def pool(report: Report) -> Html:
    """The pool as declared, and as the database server observed it under 50 users at once."""
    text = (
        "A worker that serves one request at a time uses one connection, however large its pool is. From the peak of "
        "connections on, the lines are of the first run of 50 users at once, health check included."
    )
    metrics = [*_declared_pool(report), *_observed_pool(report)]
    in_use = comparison("The pool, declared and in use", metrics, note=_rds_note(report))
    return join(prose(text), in_use, _beside_pgbouncer(report))


def _beside_pgbouncer(report: Report) -> Html:
    """The pools beside PgBouncer, a set-up a row, and what the published words about it come to."""
    names = [name for pair in pooling.PAIRS.items() if all(map(_ran, [report] * 2, pair)) for name in pair]
    note = (
        f"{OF_SUCCESSES} 50 users at once, over all blocks. PgBouncer runs beside the application, in transaction "
        "mode; the wait for one of its connections is a mean over its transactions, of the first run."
    )
    measured = table(pd.DataFrame([_pooler_row(report, name) for name in names], dtype=object), "Pools and PgBouncer",
                     note=note)  # fmt: skip
    ids = (pooling.CLAIM, *map(pooling.change_id, pooling.PAIRS))
    rows = [
        {
            "claim": marked(in_labels(finding.claim), PUBLISHED if finding.id == pooling.CLAIM else SETTING),
            "measured": marked(in_labels(finding.evidence), finding.id),
            "verdict": Verdict(finding.verdict),
        }
        for finding in map(report.finding, ids)
        if finding
    ]
    return join(measured, table(pd.DataFrame(rows, dtype=object), "What PgBouncer changes"))


def _ran(report: Report, deployment: str) -> bool:
    return bool(report.experiment.find(deployment, BURST_50))


def _pooler_row(report: Report, deployment: str) -> dict:
    experiment, run = report.experiment, report.experiment.find(deployment, BURST_50)[0]
    latency = pooler_metrics.latency(experiment, deployment, BURST_50)
    return {
        "set-up": set_up(deployment),
        "peak connections at the server": pooler_metrics.largest_peak_connections(experiment, deployment, BURST_50),
        "median (ms)": three_digits(latency and latency.median_ms),
        "p95 (ms)": three_digits(latency and latency.p95_ms),
        "duration (s)": burst_seconds(arm_estimates.duration_s(experiment, deployment, BURST_50)),
        "wait in PgBouncer (ms)": Quantity.optional(pooler_metrics.wait_ms(run), "{:,.2f}"),
        "CPU of PgBouncer per request (ms)": Quantity.optional(
            pooler_metrics.pooler_cpu_ms_per_request(run), "{:,.2f}"
        ),
        "failures": arm_metrics.failures(experiment, deployment, BURST_50),
    }


def _published_pool(profile: str) -> dict[str, Any]:
    """The settings of a published pool profile."""
    return dict(published_report.load("pool").set_index("profile").loc[profile])


def _declared_pool(report: Report) -> list[MetricRow]:
    local = _published_pool("local")

    def setting(name: str) -> Measure:
        return lambda deployment: settings_of(report, deployment).get(name)

    def allowed(deployment: str) -> Cell:
        return connections_allowed(report, deployment)

    return [
        MetricRow("pool size of a worker", int(local["pool_size"]), setting("pool_size")),
        MetricRow("overflow of a worker", int(local["pool_max_overflow"]), setting("pool_max_overflow")),
        MetricRow("connections allowed, all workers", int(local["total"]), allowed),
        MetricRow("recycle (s)", int(local["recycle_s"]), setting("pool_recycle_s")),
        MetricRow("keepalives idle (s)", int(local["keepalives_idle_s"]), setting("keepalives_idle_s")),
    ]


def _observed_pool(report: Report) -> list[MetricRow]:
    def pre_pings(run: Run) -> float:
        return arm_metrics.statement_calls(run, checklist.PRE_PING)

    ended = _pool_metric(report, "timeouts", also=("ping_failures", "recycles"))
    return [
        MetricRow("peak connections, by the server", None, _server_metric(report, arm_metrics.peak_connections)),
        MetricRow("connections opened by the pools", None, _pool_metric(report, "creates")),
        MetricRow("pre-pings, by the server", None, _server_metric(report, pre_pings)),
        MetricRow("requests with a query", None, _server_metric(report, _queried)),
        MetricRow("largest number of waiting callers", None, _pool_metric(report, "most_pending")),
        MetricRow("mean wait for a connection (ms)", None, _pool_metric(report, "wait_ns", "acquires"), "{:.2f}"),
        MetricRow("longest wait for a connection (ms)", None, _pool_metric(report, "longest_wait_ns"), "{:.2f}"),
        MetricRow("mean time to open a connection (ms)", None, _pool_metric(report, "create_ns", "creates"), "{:.2f}"),
        MetricRow("mean connection hold time (ms)", None, _pool_metric(report, "use_ns", "uses"), "{:.2f}"),
        MetricRow("timeouts, dead and recycled connections", None, ended),
    ]


def _rds_note(report: Report) -> str:
    rds = _published_pool("rds")
    scenarios = ", ".join(dict.fromkeys(load(run.scenario) for run in report.experiment.runs_of(ON_RDS)))
    where = f"was run here under another load ({scenarios}), not in this table" if scenarios else "was not run here"
    return (
        f"The published profile for AWS RDS ({rds['pool_size']} + {rds['pool_max_overflow']} connections, recycle "
        f"{rds['recycle_s']} s, keepalives idle {rds['keepalives_idle_s']} s) {where}."
    )


def schema(report: Report) -> Html:
    """The number of rows by table, counted in each run's own database before its load; empty without a count."""

    def rows_of(name: str) -> Measure:
        def measure(deployment: str) -> Cell:
            run = first_run(report, deployment, BURST_50)
            return None if run is None else run.record["dataset"]["counts"].get(name)

        return measure

    counted = [run.record["dataset"] for run in report.experiment.runs if "counts" in run.record["dataset"]]
    if not counted:
        return Html("")
    dataset = counted[0]
    metrics = [MetricRow(name, None, rows_of(name)) for name in dataset["counts"]]
    note = "Counted before the load of 50 users at once. The published report gives no sizes."
    return comparison(f"Rows by table, scale {dataset['scale']}", metrics, note=note, heading="table")


def _pool_metric(report: Report, counter: str, per: str | None = None, also: Sequence[str] = ()) -> Measure:
    """A metric of the pools in the first burst-50 run: the sum of counters, or their mean `per` another counter.

    Counters in `_ns` become ms.
    """

    def measure(deployment: str) -> Cell:
        run = first_run(report, deployment, BURST_50)
        totals = None if run is None else arm_metrics.pool_totals(run)
        if totals is None:
            return None
        value = float(totals[[counter, *also]].sum()) / (1e6 if counter.endswith("_ns") else 1)
        return value if per is None else ratio(value, float(totals[per]))

    return measure


def _queried(run: Run) -> int | None:
    return None if run.totals is None or run.defect_of("db_calls") else int(run.totals["queried"])


def _server_metric(report: Report, metric: Callable[[Run], Cell]) -> Measure:
    """A metric of the first burst-50 run of a deployment; None without a run whose database was read."""

    def measure(deployment: str) -> Cell:
        run = first_run(report, deployment, BURST_50)
        return None if run is None or run.database.empty else metric(run)

    return measure
