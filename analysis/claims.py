"""What is claimed, and how each claim is judged from an experiment's runs: the published checklist, our objectives."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from . import measures, published
from .recording import Experiment, Run
from .stream import request_name

THRESHOLD_MS = float(published.load("individual")["threshold_ms"].max())
LEAST_SPEEDUP = 8.0
BASE, OURS = "as-measured", "tuned"
SUMMARY_MS, SEARCH_MS = 2.0, 20.0
BY_SUMMARY, BY_SEPARATE = "as-measured-with-summary", "as-measured-with-separate"
BY_TRIGRAM = "as-measured-with-trigram"
ON_RDS, OVER_BUDGET = "as-measured-on-rds", "as-advised-at-default"
PRE_PING = "SELECT $1"


@dataclass(frozen=True)
class Judgement:
    """What the evidence says: a verdict, the sentence, the figure behind it, and the runs that it comes from."""

    passed: bool | None
    evidence: str
    effect: float | None = None
    runs: tuple[Run, ...] = ()


def speedup(experiment: Experiment, scenario: str = "burst-50") -> float | None:
    """How many times faster `tuned` finishes a scenario than `as-measured`; None if either was not measured."""
    slow, fast = (measures.duration_s(experiment, name, scenario) for name in (BASE, OURS))
    return None if slow is None or fast is None else slow / fast


def _not_run(deployment, scenario):
    return Judgement(None, f"no valid run of {scenario} on {deployment}")


def _pool_in_use(experiment):
    runs = [run for run in experiment.find(BASE, "burst-50") if not run.database.empty]
    if not runs:
        return _not_run(BASE, "burst-50")
    asked = sum(int((run.requests["db_calls"] > 0).sum()) for run in runs)
    sessions = sum(int(measures.database_total(run, "database", "sessions")) for run in runs)
    pings = sum(int(measures.statement_calls(run, PRE_PING)) for run in runs)
    text = (
        f"{asked} requests used the database over {_counted(sessions, 'connection')} in {_counted(len(runs), 'run')}; "
        f"the server saw {_counted(pings, 'pre-ping')}"
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
    stated = published.load("pool").set_index("profile").loc["rds"]
    text = (
        f"under an RDS host name the application found the profile {profile['name']} by {profile['found_by']} and "
        f"its pool allowed {limit} connections (published {stated['total']}); no role rds_superuser confirmed it here"
    )
    found = profile["name"] == "rds" and profile["found_by"] == "host name" and limit == stated["total"]
    return Judgement(bool(found), text, float(limit), (run,))


def _local_profile(experiment):
    runs = experiment.find(BASE, "burst-50")
    most = max((measures.most_connections(run) or 0 for run in runs), default=0)
    if not most:
        return _not_run(BASE, "burst-50")
    settings = runs[0].record["deployment"]["settings"]
    total = settings["pool_size"] + settings["pool_max_overflow"]
    text = f"of the pool's {total} connections the server never saw more than {most} at once: one sync worker needs one"
    return Judgement(most > 1, text, float(most), tuple(runs))


def _fast_alone(endpoint: str, deployment: str = BASE) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        table = measures.latency(experiment, deployment, "single")
        if table.empty:
            return _not_run(deployment, "single")
        mean_ms = float(table.loc[endpoint, "mean_ms"])
        text = f"mean {mean_ms:.1f} ms alone, threshold {THRESHOLD_MS:.0f} ms"
        return Judgement(mean_ms < THRESHOLD_MS, text, mean_ms, tuple(experiment.find(deployment, "single")))

    return check


def _schema_matches(experiment):
    runs = experiment.find(BASE, "burst-50")
    if not runs:
        return _not_run(BASE, "burst-50")
    answers = pd.concat([run.measured for run in runs])
    broken = int((answers["status"] >= 500).sum())
    degraded = sum(len(_degraded(run)) for run in runs)
    text = f"{broken} of {len(answers)} answers were server errors, and {degraded} lacked a table or a column"
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


def _all_successful(deployment: str, *scenarios: str) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        runs = [run for scenario in scenarios for run in experiment.find(deployment, scenario)]
        if not runs:
            return _not_run(deployment, " or ".join(scenarios))
        answers = pd.concat([run.measured for run in runs])
        wrong = int((~answers["ok"]).sum())
        ratio = 1 - wrong / len(answers)
        measured = ", ".join(dict.fromkeys(run.scenario for run in runs))
        text = f"{len(answers) - wrong} of {len(answers)} answers were right by content ({measured})"
        return Judgement(wrong == 0, text, ratio, tuple(runs))

    return check


def _sessions_work(experiment):
    rows = experiment.measured(BASE, "burst-50")
    if rows.empty:
        return _not_run(BASE, "burst-50")
    reads = rows[rows["endpoint"] != "login"]
    good = bool(reads["ok"].all() and (reads["session_ms"] > 0).all())
    mean_ms = float(reads["session_ms"].mean())
    text = f"{int(reads['ok'].sum())} of {len(reads)} reads were served to their session, {mean_ms:.2f} ms each for it"
    return Judgement(good, text, mean_ms, tuple(experiment.find(BASE, "burst-50")))


def caches_in_force(experiment: Experiment) -> Judgement:
    """Whether the caches that the published report declares answered anything."""
    outcomes = measures.cache_outcomes(experiment, BASE, "burst-50")
    if outcomes.empty:
        return _not_run(BASE, "burst-50")
    hits = int(outcomes.get("hit", 0))
    claimed = int(measures.cache_outcomes(experiment, "as-claimed", "burst-50").get("hit", 0))
    text = f"{hits} cache hits at 50 users in what was measured; {claimed} where the caches are in force"
    return Judgement(hits > 0, text, float(hits), tuple(experiment.find(BASE, "burst-50")))


def _fast_burst(experiment):
    ratio = speedup(experiment)
    if ratio is None:
        return Judgement(None, "burst-50 was not run on both deployments")
    text = f"from the first send to the last answer {ratio:.1f} times faster than as-measured"
    runs = (*experiment.find(BASE, "burst-50"), *experiment.find(OURS, "burst-50"))
    return Judgement(ratio >= LEAST_SPEEDUP, text, ratio, runs)


def _refused_over_budget(experiment):
    runs = experiment.find(OVER_BUDGET, "start")
    if not runs:
        return _not_run(OVER_BUDGET, "start")
    outcome = runs[0].record["outcome"]
    refused = not outcome["started"] and "over the connection budget" in outcome["said"]
    text = outcome["said"] or "it started"
    return Judgement(refused, text, None, tuple(runs))


def _nothing_lost(experiment):
    runs = [run for run in experiment.find(OURS, "sustained-100-write") if run.record.get("writes")]
    if not runs:
        return _not_run(OURS, "sustained-100-write")
    writes = pd.DataFrame([run.record["writes"] for run in runs]).sum()
    text = (
        f"of {writes['acknowledged']} acknowledged scans {writes['lost']} are not in the database, and "
        f"{writes['doubled']} of {writes['stored']} are there twice"
    )
    return Judgement(bool(writes["lost"] + writes["doubled"] == 0), text, float(writes["lost"]), tuple(runs))


def _summary_answers(experiment):
    median_ms = _dashboard_db_ms(experiment, BY_SUMMARY)
    if median_ms is None:
        return _not_run(BY_SUMMARY, "reads")
    text = f"median {median_ms:.2f} ms in the database for both statements of the dashboard"
    for deployment, how in ((BASE, "by one aggregated statement"), (BY_SEPARATE, "by separate ones")):
        if (other_ms := _dashboard_db_ms(experiment, deployment)) is not None:
            text += f"; {other_ms:.1f} ms {how}"
    return Judgement(median_ms < SUMMARY_MS, text, median_ms, tuple(experiment.find(BY_SUMMARY, "reads")))


def _dashboard_db_ms(experiment, deployment):
    rows = experiment.measured(deployment, "reads")
    return None if rows.empty else float(rows.loc[rows["endpoint"] == "dashboard", "db_ms"].median())


def _search_answers(experiment):
    rows = experiment.measured(BY_TRIGRAM, "reads")
    if rows.empty:
        return _not_run(BY_TRIGRAM, "reads")
    latency_ms = rows.loc[rows["endpoint"] == "search", "latency_ms"]
    p95_ms = float(latency_ms.quantile(0.95))
    text = f"p95 {p95_ms:.1f} ms of {len(latency_ms)} searches from the mix, longest {latency_ms.max():.1f} ms"
    return Judgement(p95_ms < SEARCH_MS, text, p95_ms, tuple(experiment.find(BY_TRIGRAM, "reads")))


def _counted(number, what):
    return f"{number} {what}{'s' if number != 1 else ''}"


CHECKS: dict[str, Callable[[Experiment], Judgement]] = {
    "connection-pool-optimizer": _pool_in_use,
    "aws-rds-auto-detection": _rds_found,
    "local-database-optimization": _local_profile,
    "dashboard-stats-optimized": _fast_alone("dashboard"),
    "bag-search-optimized": _fast_alone("search"),
    "schema-mismatches-fixed": _schema_matches,
    "transaction-error-handling": _errors_are_handled,
    "success-rate-under-load": _all_successful(BASE, "burst-25", "burst-50"),
    "session-management-configured": _sessions_work,
    "error-logging-and-monitoring": _errors_are_logged,
}
OBJECTIVES = (
    ("tuned-burst", f"burst-50 on tuned at least {LEAST_SPEEDUP:.0f} times faster than on as-measured", _fast_burst),
    ("tuned-success", "no failed request in burst-50 on tuned", _all_successful(OURS, "burst-50")),
    ("tuned-nothing-lost", "every acknowledged scan is stored once on tuned", _nothing_lost),
    ("summary-answers", f"statistics by summary under {SUMMARY_MS:.0f} ms in the database", _summary_answers),
    ("trigram-search", f"mixed searches under {SEARCH_MS:.0f} ms at p95 with trigram indexes", _search_answers),
    (
        "budget-refusal",
        "the advised pools are refused at PostgreSQL's default of 100 connections",
        _refused_over_budget,
    ),
    *(
        (
            f"tuned-{endpoint}-alone",
            f"{endpoint} alone under {THRESHOLD_MS:.0f} ms on tuned",
            _fast_alone(endpoint, OURS),
        )
        for endpoint in measures.ENDPOINTS
    ),
)
