"""Claims with verdicts: the published checklist and our objectives, each judged from an experiment's runs."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from . import measures, published
from .recording import Experiment

THRESHOLD_MS = 300.0
LEAST_SPEEDUP = 8.0
BASE, OURS = "as-measured", "tuned"
PRE_PING = "SELECT $1"


@dataclass(frozen=True)
class Finding:
    """One claim. `effect` is the figure that decided it; `interval` stays empty below four blocks."""

    id: str
    kind: str  # checklist (a published claim) | objective (ours; a failed one fails the gate)
    claim: str
    verdict: str
    evidence: str
    effect: float | None
    n: int
    runs: tuple[str, ...]
    command: str
    interval: tuple[float, float] | None = None
    level: float | None = None


@dataclass(frozen=True)
class Judgement:
    """What the evidence says: a verdict, the sentence, the figure behind it, and the arm that it comes from."""

    passed: bool | None
    evidence: str
    effect: float | None = None
    deployment: str = BASE
    scenario: str = ""


def judge(experiment: Experiment) -> list[Finding]:
    """All findings of an experiment: the checklist in its published order, then the objectives."""
    claims = published.load("checklist").itertuples()
    findings = [_finding(experiment, row.id, "checklist", row.claim, CHECKS[row.id](experiment)) for row in claims]
    for name, claim, check in OBJECTIVES:
        findings.append(_finding(experiment, name, "objective", claim, check(experiment)))
    return findings


def write(findings: list[Finding], experiment: Experiment, path: Path) -> None:
    """Write `findings.json`: the one file of which the page, the summary and the JUnit report are views."""
    content = {"experiment": experiment.name, "findings": [asdict(finding) for finding in findings]}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    half.replace(path)


def read(path: Path) -> tuple[str, list[Finding]]:
    """The experiment's id and the findings of a `findings.json`."""
    content = json.loads(path.read_text())
    return content["experiment"], [Finding(**finding) for finding in content["findings"]]


def speedup(experiment: Experiment, scenario: str = "burst-50") -> float | None:
    """How many times faster `tuned` finishes a scenario than `as-measured`; None if either was not measured."""
    slow, fast = (measures.duration_s(experiment, name, scenario) for name in (BASE, OURS))
    return None if slow is None or fast is None else slow / fast


def _finding(experiment, name, kind, claim, judgement):
    runs = experiment.find(judgement.deployment, judgement.scenario) if judgement.passed is not None else []
    verdict = "not measured" if judgement.passed is None else "pass" if judgement.passed else "fail"
    command = f"python -m loadgen run --deployment {judgement.deployment} --scenario {judgement.scenario}"
    return Finding(
        id=name,
        kind=kind,
        claim=claim,
        verdict=verdict,
        evidence=judgement.evidence,
        effect=judgement.effect,
        n=len(runs),
        runs=tuple(run.name for run in runs),
        command=command if runs else "",
    )


def _pool_in_use(experiment):
    runs = [run for run in experiment.find(BASE, "burst-50") if not run.database.empty]
    if not runs:
        return Judgement(None, "the database's own counts were not available")
    asked = sum(int((run.requests["db_calls"] > 0).sum()) for run in runs)
    sessions = sum(int(measures.database_total(run, "database", "sessions")) for run in runs)
    pings = sum(int(measures.database_total(run, "statement", "calls", PRE_PING)) for run in runs)
    text = (
        f"{asked} requests used the database over {sessions} connection{'s' if sessions != 1 else ''} "
        f"in {len(runs)} run{'s' if len(runs) != 1 else ''}; the server saw {pings} pre-pings"
    )
    reused = 0 < sessions < asked
    return Judgement(reused and pings > 0, text, asked / sessions if sessions else None, BASE, "burst-50")


def _local_profile(experiment):
    runs = experiment.find(BASE, "burst-50")
    most = max((measures.most_connections(run) or 0 for run in runs), default=0)
    if not most:
        return Judgement(None, "the server's connections were not read")
    settings = runs[0].record["deployment"]["settings"]
    total = settings["pool_size"] + settings["pool_max_overflow"]
    text = f"of the pool's {total} connections the server never saw more than {most} at once: one sync worker needs one"
    return Judgement(most > 1, text, float(most), BASE, "burst-50")


def _fast_alone(endpoint: str, deployment: str = BASE) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        table = measures.latency(experiment, deployment, "single")
        if table.empty:
            return Judgement(None, "no run of single requests")
        mean_ms = float(table.loc[endpoint, "mean_ms"])
        text = f"mean {mean_ms:.1f} ms alone, threshold {THRESHOLD_MS:.0f} ms"
        return Judgement(mean_ms < THRESHOLD_MS, text, mean_ms, deployment, "single")

    return check


def _no_server_errors(experiment):
    rows = experiment.measured(BASE, "burst-50")
    if rows.empty:
        return Judgement(None, "no run of burst-50")
    broken = int((rows["status"] >= 500).sum())
    return Judgement(
        broken == 0, f"{broken} of {len(rows)} answers were server errors", float(broken), BASE, "burst-50"
    )


def _all_successful(deployment: str) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        ratio = measures.success_ratio(experiment, deployment, "burst-50")
        if ratio is None:
            return Judgement(None, "no run of burst-50")
        text = f"{ratio:.1%} of the answers at 50 users were right by content"
        return Judgement(ratio == 1.0, text, ratio, deployment, "burst-50")

    return check


def _sessions_work(experiment):
    rows = experiment.measured(BASE, "burst-50")
    if rows.empty:
        return Judgement(None, "no run of burst-50")
    reads = rows[rows["endpoint"] != "login"]
    good = bool(reads["ok"].all() and (reads["session_ms"] > 0).all())
    mean_ms = float(reads["session_ms"].mean())
    text = f"{int(reads['ok'].sum())} of {len(reads)} reads were served to their session, {mean_ms:.2f} ms each for it"
    return Judgement(good, text, mean_ms, BASE, "burst-50")


def _not_measured(why: str) -> Callable[[Experiment], Judgement]:
    return lambda experiment: Judgement(None, why)


def caches_in_force(experiment: Experiment) -> Judgement:
    """Whether the caches that the published report declares answered anything."""
    outcomes = measures.cache_outcomes(experiment, BASE, "burst-50")
    if outcomes.empty:
        return Judgement(None, "no run of burst-50")
    hits = int(outcomes.get("hit", 0))
    claimed = int(measures.cache_outcomes(experiment, "as-claimed", "burst-50").get("hit", 0))
    text = f"{hits} cache hits at 50 users in what was measured; {claimed} where the caches are in force"
    return Judgement(hits > 0, text, float(hits), BASE, "burst-50")


def _fast_burst(experiment):
    ratio = speedup(experiment)
    if ratio is None:
        return Judgement(None, "burst-50 was not run on both deployments", None, OURS, "burst-50")
    text = f"from the first send to the last answer {ratio:.1f} times faster than as-measured"
    return Judgement(ratio >= LEAST_SPEEDUP, text, ratio, OURS, "burst-50")


CHECKS: dict[str, Callable[[Experiment], Judgement]] = {
    "connection-pool-optimizer": _pool_in_use,
    "aws-rds-auto-detection": _not_measured("no run against an RDS host name"),
    "local-database-optimization": _local_profile,
    "dashboard-stats-optimized": _fast_alone("dashboard"),
    "bag-search-optimized": _fast_alone("search"),
    "schema-mismatches-fixed": _no_server_errors,
    "transaction-error-handling": _not_measured("no run in which a statement failed"),
    "success-rate-under-load": _all_successful(BASE),
    "session-management-configured": _sessions_work,
    "error-logging-and-monitoring": _not_measured("no run in which an error was provoked and its log line looked for"),
}
OBJECTIVES = (
    ("tuned-burst", f"burst-50 on tuned at least {LEAST_SPEEDUP:.0f} times faster than on as-measured", _fast_burst),
    ("tuned-success", "no failed request in burst-50 on tuned", _all_successful(OURS)),
    *(
        (
            f"tuned-{endpoint}-alone",
            f"{endpoint} alone under {THRESHOLD_MS:.0f} ms on tuned",
            _fast_alone(endpoint, OURS),
        )
        for endpoint in measures.ENDPOINTS
    ),
)
