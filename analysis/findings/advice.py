"""The published advice, evaluated: whether the runs say to follow it.

Advice about a thing that no run varies is *not measured*. To evaluate another line: a check in `CHECKS`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from workbench.arms import (
    ADVISED,
    BASELINE,
    BURST_50,
    CLAIMED,
    MISSING_TABLE,
    ON_RDS,
    READS,
    START,
    TUNED,
    WITH,
    WITHOUT,
)
from workbench.endpoints import DASHBOARD
from workbench.recording import Experiment, Run

from .. import ablation
from ..metrics import arm_metrics
from ..waterfall import LATENCY, waterfall
from . import async_advice, memory_limits, monitoring, published_report, published_resilience
from .advice_verdict import advice_verdict
from .finding import DO_NOT_FOLLOW, FOLLOW, INCONCLUSIVE, Claim, Finding
from .missing_table import degraded_lines, runs_without
from .wording import ratio_with_interval

KIND = "advice"
DURATION, DATABASE_TIME = "makespan_s", "database_ms"
MIN_SHARE = 0.10  # of the time of a request: a smaller part of it is not worth a change
Check = Callable[[Claim], Finding]


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each published recommendation and next step, in their order."""
    for table, subject in (("recommendations", "subject"), ("next_steps", "topic")):
        for number, row in enumerate(published_report.rows(table), start=1):
            text = row.recommendation if table == "recommendations" else row.step
            claim = Claim(
                experiment, KIND, f"advice-{table.replace('_', '-')}-{number}", f"{getattr(row, subject)}: {text}"
            )
            check = CHECKS.get(text)
            yield check(claim) if check else claim.not_measured("no run varies this")


def _change(
    before: str,
    after: str,
    scenario: str = BURST_50,
    metric: str = DURATION,
    *,
    verdicts: Mapping[str, str],
    text: str,
) -> Check:
    """The check whose verdict follows from that of an effect."""

    def check(claim: Claim) -> Finding:
        effect = ablation.effect_of(claim.experiment, before, after, scenario, metric)
        if effect is None:
            return claim.not_run(after if not claim.experiment.find(after, scenario) else before, scenario)
        verdict, remark = advice_verdict(effect, verdicts)
        evidence = f"{text.format(ratio=ratio_with_interval(effect))}{remark}"
        runs = [run for side in (before, after) for run in claim.experiment.find(side, scenario)]
        return claim.finding(verdict, evidence, runs, effect=effect.ratio, interval=effect.interval,
                             level=effect.level, n=effect.blocks)  # fmt: skip

    return check


def _against_tuned(claim: Claim) -> Finding:
    """Gevent workers are advised; they are compared with tuned, which takes the same load."""
    effect = ablation.duration_effect(claim.experiment, ADVISED, TUNED, BURST_50)
    if effect is None or effect.interval is None:
        return claim.not_run(ADVISED, BURST_50)
    runs = [*claim.experiment.find(ADVISED, BURST_50), *claim.experiment.find(TUNED, BURST_50)]
    if reason := ablation.more_failures_reason(claim.experiment, ADVISED, TUNED, BURST_50):
        return claim.not_measured(f"tuned is no alternative, as {reason}", runs)
    share = arm_metrics.busiest_worker_share(claim.experiment, ADVISED, BURST_50)
    answered = "" if share is None else f"; one of the workers answered {share:.0%}"
    evidence = f"tuned: × {ratio_with_interval(effect)}{answered}"
    verdict = DO_NOT_FOLLOW if effect.interval[1] < 1 else FOLLOW if effect.interval[0] > 1 else INCONCLUSIVE
    return claim.finding(verdict, evidence, runs, effect=effect.ratio, interval=effect.interval, level=effect.level,
                         n=effect.blocks)  # fmt: skip


def _pool_of_50(claim: Claim) -> Finding:
    runs = claim.experiment.find(BASELINE, BURST_50)
    peaks = [peak for run in runs if (peak := arm_metrics.peak_connections(run)) is not None]
    if not peaks:
        return claim.not_run(BASELINE, BURST_50)
    if not arm_metrics.success_ratio(claim.experiment, BASELINE, BURST_50):
        return claim.not_measured("no response was successful", runs)
    allowed = _allowed(runs[0])
    evidence = f"the server saw at most {max(peaks)} of {allowed} connections"
    verdict = DO_NOT_FOLLOW if max(peaks) < allowed / 2 else FOLLOW
    return claim.finding(verdict, evidence, runs, effect=float(max(peaks)), bound=float(allowed))


def _allowed(run: Run) -> int:
    settings = run.record["deployment"]["settings"]
    return settings["workers"] * (settings["pool_size"] + settings["pool_max_overflow"])


def _start_at_default(claim: Claim) -> Finding:
    name = f"{ADVISED}-at-default"
    runs = claim.experiment.find(name, START)
    if not runs:
        return claim.not_run(name, START)
    started = [run.record["outcome"]["started"] for run in runs]
    evidence = f"{_allowed(runs[0])} connections, PostgreSQL's default is 100: " + (
        "it starts" if all(started) else "it refuses to start"
    )
    return claim.finding(FOLLOW if all(started) else DO_NOT_FOLLOW, evidence, runs, effect=float(_allowed(runs[0])),
                         bound=100.0)  # fmt: skip


def _share_of_part(part: str, deployment: str, text: str, *, is_for: bool) -> Check:
    """The check whether a part is a share of a request's time that is worth a change."""

    def check(claim: Claim) -> Finding:
        changes = waterfall(claim.experiment, BASELINE, TUNED, BURST_50)
        runs = claim.experiment.find(deployment, BURST_50)
        if not changes:
            unknown = "the parts of the time of a request are not known of both set-ups"
            return claim.not_measured(unknown, runs) if runs else claim.not_run(deployment, BURST_50)
        whole = changes[LATENCY]
        is_before = deployment == BASELINE
        share = changes[part].before_ms / whole.before_ms if is_before else changes[part].after_ms / whole.after_ms
        verdict = FOLLOW if (share >= MIN_SHARE) == is_for else DO_NOT_FOLLOW
        return claim.finding(verdict, text.format(share=f"{share:.0%}"), runs, effect=share, bound=MIN_SHARE)

    return check


def _missing_tables(claim: Claim) -> Finding:
    """The share of dashboards that lack something without a table, and with all of them."""
    without, whole = runs_without(claim.experiment), claim.experiment.find(BASELINE, BURST_50)
    if not without:
        return claim.not_run(ON_RDS, MISSING_TABLE)
    if not whole:
        return claim.not_run(BASELINE, BURST_50)
    lacked, lacked_whole = (sum(len(degraded_lines(run)) for run in runs) for runs in (without, whole))
    total, total_whole = _dashboards(without), _dashboards(whole)
    if not (total and total_whole):
        return claim.not_measured("no dashboard was requested", [*without, *whole])
    evidence = (
        f"without the table bill {lacked} of {total} dashboards lacked a number, with all tables {lacked_whole} of "
        f"{total_whole}"
    )
    shares = lacked / total, lacked_whole / total_whole
    verdict = FOLLOW if shares[0] > shares[1] else DO_NOT_FOLLOW
    return claim.finding(verdict, evidence, [*without, *whole], effect=shares[0], bound=shares[1])


def _dashboards(runs: Sequence[Run]) -> int:
    return sum(int((run.measured["endpoint"] == DASHBOARD.name).sum()) for run in runs)


_SESSIONS = _change(
    f"{TUNED}{WITHOUT}shared-sessions", TUNED,
    verdicts={"improvement": FOLLOW, "equivalent": FOLLOW, "regression": DO_NOT_FOLLOW},
    text="sessions in Valkey, not in files: × {ratio}",
)  # fmt: skip
_DATABASE_WAIT = _share_of_part("db", TUNED, "on tuned the database is {share} of the time of a request", is_for=True)
CHECKS: Mapping[str, Check] = {
    "Standard gunicorn worker (1 worker)": _change(
        f"{TUNED}{WITHOUT}workers", TUNED, verdicts={"improvement": DO_NOT_FOLLOW, "equivalent": FOLLOW,
        "regression": FOLLOW}, text="a worker for each core: × {ratio}",
    ),
    "50 max connections": _pool_of_50,
    "Filesystem sessions": _change(
        f"{TUNED}{WITHOUT}shared-sessions", TUNED, verdicts={"improvement": DO_NOT_FOLLOW, "equivalent": DO_NOT_FOLLOW,
        "regression": FOLLOW}, text="sessions in Valkey: × {ratio}",
    ),
    "Individual endpoint optimization focus": _share_of_part(
        "queue", BASELINE, "{share} of a request's time is waiting for a worker",
        is_for=False,
    ),
    "8+ gevent workers (requires adequate memory)": _against_tuned,
    "Enable gevent workers for async-like concurrency": _against_tuned,
    "90 max connections (40 base + 50 overflow)": _start_at_default,
    "Redis for session storage (multi-process support)": _SESSIONS,
    "Set up Redis for distributed session storage": _SESSIONS,
    "High availability requirements": published_resilience.high_availability,
    "Full async integration": async_advice.full_integration(),
    "Migrate blocking queries to async_db_operations framework": async_advice.blocking_queries(_DATABASE_WAIT),
    "Implement non-blocking endpoints for heavy queries": async_advice.heavy_queries(_DATABASE_WAIT),
    'Create missing tables (bills, etc.) with proper schema': _missing_tables,
    "Deploy on AWS/GCP with sufficient memory (4GB+ recommended)": memory_limits.enough_memory,
    "Add indexes for frequently queried columns": _change(
        BASELINE, f"{BASELINE}{WITH}trigram", READS, DATABASE_TIME,
        verdicts={"improvement": FOLLOW, "equivalent": DO_NOT_FOLLOW, "regression": DO_NOT_FOLLOW},
        text="trigram indexes: database time of reads × {ratio}",
    ),
    "Add connection pool monitoring dashboard": monitoring.pool_is_tracked,
    "Set up performance monitoring dashboards": monitoring.requests_are_tracked,
    "Configure alerts for slow queries (>500ms)": monitoring.slow_statements_are_noticed,
    "Track connection pool utilization": monitoring.pool_is_tracked,
    "Implement query result caching strategy": _change(
        BASELINE, CLAIMED,
        verdicts={"improvement": FOLLOW, "equivalent": DO_NOT_FOLLOW, "regression": DO_NOT_FOLLOW},
        text="its caches in force: × {ratio}",
    ),
}  # fmt: skip
