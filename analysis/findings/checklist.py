"""The published checklist: how each of its lines is judged from an experiment's runs."""

from collections.abc import Callable

import pandas as pd

from workbench.recording import Experiment
from workbench.request_schema import request_name

from ..metrics import arm_metrics, published_report
from .evidence import BASE, Judgement, all_successful, counted, fast_alone, not_run, told_by

ON_RDS = "as-measured-on-rds"
PRE_PING = "SELECT $1"


def _pool_in_use(experiment):
    runs = [run for run in experiment.find(BASE, "burst-50") if not run.database.empty]
    if not runs:
        return not_run(BASE, "burst-50")
    asked = sum(int(run.totals["queried"]) for run in runs)
    sessions = sum(int(arm_metrics.database_total(run, "database", "sessions")) for run in runs)
    pings = sum(int(arm_metrics.statement_calls(run, PRE_PING)) for run in runs)
    text = (
        f"{asked} requests used the database over {counted(sessions, 'connection')} in {counted(len(runs), 'run')}; "
        f"the server saw {counted(pings, 'pre-ping')}"
    )
    reused = 0 < sessions < asked
    # A connection that was just made is not asked whether it lives.
    asked_first = pings >= asked - sessions
    return Judgement(reused and asked_first, text, asked / sessions if sessions else None, tuple(runs))


def _rds_found(experiment):
    runs = [run for run in experiment.of(ON_RDS) if not run.pool.empty]
    if not runs:
        return Judgement(None, f"no valid run of {ON_RDS} in which the pool was read")
    run = runs[0]
    profile, limit = run.record["health"]["pool_profile"], int(run.pool["limit"].max())
    stated = published_report.load("pool").set_index("profile").loc["rds"]
    text = (
        f"under an RDS host name the application found the profile {profile['name']} by {profile['found_by']} and "
        f"its pool allowed {limit} connections (published {stated['total']}); no role rds_superuser confirmed it here"
    )
    found = profile["name"] == "rds" and profile["found_by"] == "host name" and limit == stated["total"]
    return Judgement(bool(found), text, float(limit), (run,))


def _local_profile(experiment):
    runs = experiment.find(BASE, "burst-50")
    most = max((arm_metrics.most_connections(run) or 0 for run in runs), default=0)
    if not most:
        return not_run(BASE, "burst-50")
    settings = runs[0].record["deployment"]["settings"]
    total = settings["pool_size"] + settings["pool_max_overflow"]
    places = settings["workers"] * (settings["threads"] if settings["server"] == "gthread" else 1)
    text = f"of the pool's {total} connections the server never saw more than {most} at once"
    if settings["server"] != "gevent":
        text += f": its workers answer {counted(places, 'request')} at a time"
    return Judgement(most > 1, text, float(most), tuple(runs))


def _schema_matches(experiment):
    runs = experiment.find(BASE, "burst-50")
    if not runs:
        return not_run(BASE, "burst-50")
    broken, answers = (sum(int(run.totals[name]) for run in runs) for name in ("server_errors", "requests"))
    degraded = sum(len(_degraded(run)) for run in runs)
    text = f"{broken} of {answers} answers were server errors, and {degraded} lacked a table or a column"
    return Judgement(broken + degraded == 0, text, float(broken + degraded), tuple(runs))


def _errors_are_handled(experiment):
    """A statement fails in each dashboard request of this scenario."""
    runs = [run for deployment in (BASE, ON_RDS) for run in experiment.find(deployment, "missing-table")]
    if not runs:
        return Judgement(None, "no run in which a statement failed")
    answers = pd.concat([run.measured for run in runs])
    failed = int((answers["endpoint"] == "dashboard").sum())
    text = (
        f"the table bill was gone: a statement failed in {failed} requests, and {int(answers['ok'].sum())} of "
        f"{len(answers)} answers were right, with those that came next on the same connection"
    )
    return Judgement(bool(answers["ok"].all()), text, float(failed), tuple(runs))


def _errors_are_logged(experiment):
    runs = [run for deployment in (BASE, ON_RDS) for run in experiment.find(deployment, "missing-table")]
    if not runs:
        return Judgement(None, "no run in which an error was provoked and its log line looked for")
    if unread := next((d for run in runs for d in run.defects if d.what.startswith("pool.parquet")), None):
        return Judgement(None, str(unread), runs=tuple(runs))
    asked, found = 0, 0
    for run in runs:
        rows = run.requests[run.requests["endpoint"] == "dashboard"]
        names = {request_name(user, sequence) for user, sequence in zip(rows["user"], rows["sequence"], strict=True)}
        asked += len(names)
        found += len(names & {line.get("request_id") for line in _degraded(run)})
    readings = sum(len(run.pool) for run in runs)
    text = (
        f"of {asked} requests in which a statement failed {found} have their log line, found by the request's id; "
        f"the pool was read {readings} times meanwhile"
    )
    return Judgement(found == asked > 0 and readings > 0, text, float(found), tuple(runs))


def _degraded(run):
    return [line for line in run.log if line.get("unavailable")]


def _sessions_work(experiment):
    runs = experiment.find(BASE, "burst-50")
    if not runs:
        return not_run(BASE, "burst-50")
    reads = experiment.rows.query(
        "SELECT count(*) AS sent, count(*) FILTER (ok) AS successful, count(*) FILTER (session_ms > 0) AS queried, "
        "avg(session_ms) AS mean_ms FROM measured WHERE deployment = ? AND scenario = ? AND endpoint <> 'login'",
        [BASE, "burst-50"],
    ).iloc[0]
    settings = runs[0].record["deployment"]["settings"]
    evicted = sum(arm_metrics.counter(run, "session_evictions") or 0 for run in runs)
    good = bool(reads["successful"] == reads["queried"] == reads["sent"] and not evicted)
    mean_ms = float(reads["mean_ms"])
    text = (
        f"{reads['successful']:.0f} of {reads['sent']:.0f} reads were served to their session, {mean_ms:.2f} ms each "
        "for it; "
        f"{settings['sessions']}, at most {settings['session_threshold']} of {settings['session_lifetime_s']} s, "
        f"{counted(evicted, 'living session')} evicted"
    )
    return Judgement(good, text, mean_ms, tuple(runs))


def caches_in_force(experiment: Experiment) -> Judgement:
    """Whether the caches that the published report declares answered anything."""
    outcomes = arm_metrics.cache_outcomes(experiment, BASE, "burst-50")
    if outcomes.empty:
        return not_run(BASE, "burst-50")
    hits = int(outcomes.get("hit", 0))
    claimed = int(arm_metrics.cache_outcomes(experiment, "as-claimed", "burst-50").get("hit", 0))
    text = f"{hits} cache hits at 50 users in what was measured; {claimed} where the caches are in force"
    runs = (*experiment.find(BASE, "burst-50"), *experiment.find("as-claimed", "burst-50"))
    return told_by(Judgement(hits > 0, text, float(hits), runs), "cache")


def _resting_on(check: Callable[[Experiment], Judgement], *columns: str) -> Callable[[Experiment], Judgement]:
    """The check, which says nothing where one of these columns of the rows is missing."""
    return lambda experiment: told_by(check(experiment), *columns)


CHECKS: dict[str, Callable[[Experiment], Judgement]] = {
    "connection-pool-optimizer": _resting_on(_pool_in_use, "db_calls"),
    "aws-rds-auto-detection": _rds_found,
    "local-database-optimization": _local_profile,
    "dashboard-stats-optimized": fast_alone("dashboard"),
    "bag-search-optimized": fast_alone("search"),
    "schema-mismatches-fixed": _resting_on(_schema_matches, "status"),
    "transaction-error-handling": _errors_are_handled,
    "success-rate-under-load": all_successful(BASE, "burst-25", "burst-50"),
    "session-management-configured": _resting_on(_sessions_work, "session_us"),
    "error-logging-and-monitoring": _resting_on(_errors_are_logged, "user", "sequence"),
}
