"""The published infrastructure, point by point: what was declared, and what the runs saw of it."""

from analysis.findings import checklist
from analysis.metrics import arm_metrics, published_report

from ..tables import Html
from .comparison import Line, Report, comparison, connections_allowed, first_run, join, prose, ratio, settings_of


def pool(report: Report) -> Html:
    """The pool as declared, and what the database server saw of it under 50 users at once."""
    profiles = published_report.load("pool").set_index("profile")
    local, rds = profiles.loc["local"], profiles.loc["rds"]

    def setting(name):
        return lambda deployment: settings_of(report, deployment).get(name)

    def pre_pings(run):
        return arm_metrics.statement_calls(run, checklist.PRE_PING)

    lines = [
        Line("pool size of a worker", int(local["pool_size"]), setting("pool_size")),
        Line("overflow of a worker", int(local["pool_max_overflow"]), setting("pool_max_overflow")),
        Line("connections allowed, all workers", int(local["total"]), lambda name: connections_allowed(report, name)),
        Line("recycle (s)", int(local["recycle_s"]), setting("pool_recycle_s")),
        Line("keepalives idle (s)", int(local["keepalives_idle_s"]), setting("keepalives_idle_s")),
        Line("most connections that the server saw", None, _seen(report, arm_metrics.most_connections)),
        Line("connections that the pools made", None, _pool(report, "creates")),
        Line("pre-pings that the server saw", None, _seen(report, pre_pings)),
        Line("requests with a query", None, _seen(report, _asked)),
        Line("most callers without a connection yet", None, _pool(report, "most_pending")),
        Line("mean wait for a connection (ms)", None, _pool(report, "wait_ns", "acquires"), "{:.2f}"),
        Line("longest wait for a connection (ms)", None, _pool(report, "longest_wait_ns"), "{:.2f}"),
        Line("mean time to open a connection (ms)", None, _pool(report, "create_ns", "creates"), "{:.2f}"),
        Line("mean time that one is held (ms)", None, _pool(report, "use_ns", "uses"), "{:.2f}"),
        Line(
            "timeouts, dead and recycled connections",
            None,
            _pool(report, "timeouts", also=("ping_failures", "recycles")),
        ),
    ]
    text = (
        "A worker that serves one request at a time uses one connection, however large its pool is. The last lines "
        "are of 50 users at once, the health check included: what the database server saw, and what the pools did."
    )
    scenarios = ", ".join(dict.fromkeys(run.scenario for run in report.experiment.of(checklist.ON_RDS)))
    where = f"was run here under {scenarios} and is not in this table" if scenarios else "was not run here"
    note = (
        f"The published profile for AWS RDS ({rds['pool_size']} + {rds['pool_max_overflow']} connections, recycle "
        f"{rds['recycle_s']} s, keepalives idle {rds['keepalives_idle_s']} s) {where}."
    )
    return join(prose(text), comparison("The pool, declared and in use", lines, note=note))


def schema(report: Report) -> Html:
    """The rows that the runs started from, counted in each run's own database before its load."""

    def rows(name):
        def measure(deployment):
            run = first_run(report, deployment, "burst-50")
            return None if run is None else run.record["dataset"]["counts"].get(name)

        return measure

    counted = [run.record["dataset"] for run in report.experiment.runs if "counts" in run.record["dataset"]]
    if not counted:
        return prose("No run came as far as its data.")
    data = counted[0]
    lines = [Line(name, None, rows(name)) for name in data["counts"]]
    note = "Counted before the load of burst-50. The published report gives no sizes."
    return comparison(f"Rows by table, scale {data['scale']}", lines, note=note, of="table")


def _pool(report, field, per=None, also=()):
    """A figure of the pools in the first burst-50 run: a counter or, by another counter, a mean; `_ns` become ms."""

    def measured(deployment):
        run = first_run(report, deployment, "burst-50")
        totals = None if run is None else arm_metrics.pool_totals(run)
        if totals is None:
            return None
        figure = float(totals[[field, *also]].sum()) / (1e6 if field.endswith("_ns") else 1)
        return figure if per is None else ratio(figure, float(totals[per]))

    return measured


def _asked(run):
    return None if run.lacks("db_calls") else int(run.totals["queried"])


def _seen(report, measure):
    """A figure of the first burst-50 run of a deployment, None without one."""

    def measured(deployment):
        run = first_run(report, deployment, "burst-50")
        return None if run is None or run.database.empty else measure(run)

    return measured
