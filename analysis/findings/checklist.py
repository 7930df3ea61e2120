"""The published checklist: one check for each of its lines, evaluated on the runs of an experiment."""

import math
from collections.abc import Iterator

import pandas as pd

from workbench.arms import BASELINE, BURST_25, BURST_50, ON_RDS, SINGLE
from workbench.endpoints import DASHBOARD, LOGIN, SEARCH
from workbench.recording import Experiment, Run
from workbench.request_schema import MEASURE, request_name

from ..metrics import arm_metrics
from . import monitoring, published_report
from .finding import Claim, Finding
from .missing_table import degraded_lines, runs_without
from .statement import Check, Statement
from .wording import counted

KIND = "checklist"
PRE_PING = "SELECT $1"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each line of the published checklist, in its order."""
    for statement in statements():
        yield statement.evaluate(experiment)


def statements() -> Iterator[Statement]:
    """Every line of the published checklist."""
    for line in published_report.rows("checklist"):
        yield Statement(KIND, line.id, line.claim, CHECKS[line.id])


def _pool_is_used(claim: Claim) -> Finding:
    """Connections are reused, and each is checked by a pre-ping before it is reused."""
    runs = [run for run in claim.experiment.find(BASELINE, BURST_50) if not run.database.empty]
    if not runs:
        return claim.not_run(BASELINE, BURST_50)
    requests = sum(int(arm_metrics.measured_totals(run)["queried"]) for run in runs)
    connections = sum(int(arm_metrics.database_total(run, "database", "sessions")) for run in runs)
    pings = sum(int(arm_metrics.statement_calls(run, PRE_PING)) for run in runs)
    text = (
        f"connections are reused and checked: {requests:,} requests used the database over "
        f"{counted(connections, 'connection')} in {counted(len(runs), 'run')}; the server counted "
        f"{counted(pings, 'pre-ping')}"
    )
    is_reused = 0 < connections < requests
    is_checked = pings >= requests - connections  # a new connection is used without a pre-ping
    effect = requests / connections if connections else None
    return claim.pass_if(is_reused and is_checked, text, runs, effect=effect, columns=["db_calls"])


def _rds_is_detected(claim: Claim) -> Finding:
    """An RDS host name selects the published RDS pool."""
    runs = [run for run in claim.experiment.runs_of(ON_RDS) if not run.pool.empty]
    if not runs:
        return claim.not_measured(f"no valid run of {ON_RDS} in which the pool was read")
    run = runs[0]
    profile, limit = run.record["health"]["pool_profile"], int(run.pool["limit"].max())
    published = next(row.total for row in published_report.rows("pool") if row.profile == "rds")
    text = (
        f"with an RDS host name the application chose the pool profile {profile['name']} by {profile['found_by']}, and "
        f"its pool allowed {limit} connections (published: {published}); no role rds_superuser confirmed it here"
    )
    is_detected = profile["name"] == "rds" and profile["found_by"] == "host name" and limit == published
    return claim.pass_if(bool(is_detected), text, [run], effect=float(limit))


def _local_pool_is_needed(claim: Claim) -> Finding:
    """More than one connection of the local pool is in use at once."""
    runs = claim.experiment.find(BASELINE, BURST_50)
    peak = max((arm_metrics.peak_connections(run) or 0 for run in runs), default=0)
    if not peak:
        return claim.not_run(BASELINE, BURST_50)
    settings = runs[0].record["deployment"]["settings"]
    allowed = settings["pool_size"] + settings["pool_max_overflow"]
    capacity = settings["workers"] * (settings["threads"] if settings["server"] == "gthread" else 1)
    text = f"of the pool's {allowed} connections the server never saw more than {peak} at once"
    if settings["server"] != "gevent":
        text += f": the workers serve {counted(capacity, 'request')} at a time"
    return claim.pass_if(peak > 1, text, runs, effect=float(peak))


def _schema_matches(claim: Claim) -> Finding:
    """No response is a server error, and none lacks a table or a column."""
    runs = claim.experiment.find(BASELINE, BURST_50)
    if not runs:
        return claim.not_run(BASELINE, BURST_50)
    errors, responses = (
        sum(int(arm_metrics.measured_totals(run)[name]) for run in runs) for name in ("server_errors", "requests")
    )
    degraded = sum(len(degraded_lines(run)) for run in runs)
    text = f"{errors:,} of {responses:,} responses were server errors, and {degraded} lacked a table or a column"
    return claim.pass_if(errors + degraded == 0, text, runs, effect=float(errors + degraded), columns=["status"])


def _errors_are_handled(claim: Claim) -> Finding:
    """All requests succeed although a statement fails in each dashboard request."""
    runs = runs_without(claim.experiment)
    if not runs:
        return claim.not_measured("no run in which a statement failed")
    requests = pd.concat([run.measured for run in runs])
    failed = int((requests["endpoint"] == DASHBOARD.name).sum())
    text = (
        f"without the table bill a statement failed in {failed} requests; {int(requests['ok'].sum())} of "
        f"{len(requests)} responses were successful, the next ones on the same connection included"
    )
    return claim.pass_if(bool(requests["ok"].all()), text, runs, effect=float(failed))


def _errors_are_logged(claim: Claim) -> Finding:
    """Each failed statement leaves a log line with the id of its request, and the monitor counts each request.

    Without a run of the monitor, the pool has to be read while statements fail.
    """
    runs = runs_without(claim.experiment)
    if not runs:
        return claim.not_measured("no run in which a statement failed and its log line was searched for")
    unreadable = [defect for run in runs for defect in run.defects if defect.problem.startswith("pool.parquet")]
    if unreadable:
        return claim.not_measured(str(unreadable[0]), runs)
    counts = [_logged_failures(run) for run in runs]
    failed, logged = (sum(column) for column in zip(*counts, strict=True))
    readings = sum(len(run.pool) for run in runs)
    text = (
        f"of {failed} requests in which a statement failed {logged} have a log line with the id of the request; the "
        f"pool was read {readings} times meanwhile"
    )
    condition = logged == failed > 0 and readings > 0
    if monitored := monitoring.runs_with_monitor(claim.experiment):
        text = f"{text}; {monitoring.counted_requests(monitored)}"
        condition = condition and monitoring.is_complete(monitored)
    return claim.pass_if(condition, text, [*runs, *monitored], effect=float(logged), columns=["user", "sequence"])


def _logged_failures(run: Run) -> tuple[int, int]:
    """The number of dashboard requests, and how many of them have a log line with their id."""
    rows = run.requests[run.requests["endpoint"] == DASHBOARD.name]
    names = {request_name(user, sequence) for user, sequence in zip(rows["user"], rows["sequence"], strict=True)}
    return len(names), len(names & {line.get("request_id") for line in degraded_lines(run)})


def _sessions_work(claim: Claim) -> Finding:
    """Each read gets the session of its user, and no unexpired session is evicted."""
    runs = claim.experiment.find(BASELINE, BURST_50)
    if not runs:
        return claim.not_run(BASELINE, BURST_50)
    rows = claim.experiment.rows.only(deployment=BASELINE, scenario=BURST_50)
    reads = rows.answer(
        "SELECT sum(number) AS sent, coalesce(sum(number) FILTER (ok), 0) AS successful, sum(with_session) AS loaded, "
        "sum(session_sum) / sum(session_number) / 1000 AS mean_ms FROM cells "
        f"WHERE phase = '{MEASURE}' AND endpoint <> '{LOGIN.name}'",
        cells=rows.cells,
    ).iloc[0]
    settings = runs[0].record["deployment"]["settings"]
    evicted = sum(arm_metrics.counter(run, "session_evictions") or 0 for run in runs)
    mean_ms = float(reads["mean_ms"])
    text = (
        f"{reads['successful']:,.0f} of {reads['sent']:,.0f} reads got the session of their user, in {mean_ms:.2f} ms "
        f"on average; {settings['sessions']} storage, at most {settings['session_threshold']} sessions with a lifetime "
        f"of {settings['session_lifetime_s']} s, {counted(evicted, 'unexpired session')} evicted"
    )
    condition = bool(reads["successful"] == reads["loaded"] == reads["sent"] and not evicted)
    return claim.pass_if(condition, text, runs, effect=mean_ms, columns=["session_us"])


def _fast_when_unloaded(endpoint: str) -> Check:
    """Single requests to the endpoint take less than the published threshold on average."""

    def check(claim: Claim) -> Finding:
        latency = arm_metrics.latency(claim.experiment, BASELINE, SINGLE)
        if latency.empty:
            return claim.not_run(BASELINE, SINGLE)
        mean_ms, threshold_ms = float(latency["mean_ms"][endpoint]), published_report.latency_threshold_ms()
        text = f"mean {mean_ms:.1f} ms in single requests, against the published threshold of {threshold_ms:.0f} ms"
        runs = claim.experiment.find(BASELINE, SINGLE)
        if math.isnan(mean_ms):
            return claim.pass_if(False, "no single request was successful", runs, bound=threshold_ms)
        return claim.pass_if(mean_ms < threshold_ms, text, runs, effect=mean_ms, bound=threshold_ms)

    return check


def _bursts_succeed(claim: Claim) -> Finding:
    """All responses to the published bursts are successful."""
    runs = [run for scenario in (BURST_25, BURST_50) for run in claim.experiment.find(BASELINE, scenario)]
    if not runs:
        return claim.not_run(BASELINE, BURST_25, BURST_50)
    successful, responses = (
        sum(int(arm_metrics.measured_totals(run)[name]) for run in runs) for name in ("successful", "requests")
    )
    scenarios = ", ".join(dict.fromkeys(run.scenario for run in runs))
    text = f"{successful:,} of {responses:,} responses were successful by their content ({scenarios})"
    return claim.pass_if(successful == responses, text, runs, effect=successful / responses)


CHECKS: dict[str, Check] = {
    "connection-pool-optimizer": _pool_is_used,
    "aws-rds-auto-detection": _rds_is_detected,
    "local-database-optimization": _local_pool_is_needed,
    "dashboard-stats-optimized": _fast_when_unloaded(DASHBOARD.name),
    "bag-search-optimized": _fast_when_unloaded(SEARCH.name),
    "schema-mismatches-fixed": _schema_matches,
    "transaction-error-handling": _errors_are_handled,
    "success-rate-under-load": _bursts_succeed,
    "session-management-configured": _sessions_work,
    "error-logging-and-monitoring": _errors_are_logged,
}
