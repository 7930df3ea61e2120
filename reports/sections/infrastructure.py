"""The published infrastructure, point by point: as declared, and as the runs show it."""

from collections.abc import Callable, Sequence
from typing import Any

from analysis.findings import checklist, published_report
from analysis.metrics import arm_metrics
from workbench.arms import BURST_50, ON_RDS
from workbench.recording import Run

from ..markup import Html
from .comparison import (
    Cell,
    Measure,
    MetricRow,
    Report,
    comparison,
    connections_allowed,
    first_run,
    join,
    prose,
    ratio,
    settings_of,
)
from .names import load


def pool(report: Report) -> Html:
    """The pool as declared, and as the database server observed it under 50 users at once."""
    text = (
        "A worker that serves one request at a time uses one connection, however large its pool is. From the peak of "
        "connections on, the lines are of the first run of 50 users at once, health check included."
    )
    metrics = [*_declared_pool(report), *_observed_pool(report)]
    return join(prose(text), comparison("The pool, declared and in use", metrics, note=_rds_note(report)))


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
    """The number of rows by table, counted in each run's own database before its load."""

    def rows_of(name: str) -> Measure:
        def measure(deployment: str) -> Cell:
            run = first_run(report, deployment, BURST_50)
            return None if run is None else run.record["dataset"]["counts"].get(name)

        return measure

    counted = [run.record["dataset"] for run in report.experiment.runs if "counts" in run.record["dataset"]]
    if not counted:
        return prose("No run reached the point at which its rows are counted.")
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
