"""Statements of the published report about its setup and its use, each compared with what ran here."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workbench.arms import ADVISED, BASELINE, BURST_25, BURST_50, ON_RDS, SUSTAINED_100
from workbench.endpoints import CACHE_LIFETIME_SETTINGS
from workbench.recording import Experiment, Run

from ..capacity import bracket
from ..metrics import arm_metrics
from . import published_report
from .finding import Claim, Finding
from .statement import Check, Statement
from .wording import counted

KIND = "published-setup"
SERVERS = {"standard": "sync", "gevent": "gevent"}  # by the published name of the worker kind
# The published advice names how many users each environment is for: deployment, users, and the scenario that tests it.
RECOMMENDED_LOADS = {
    "Low to medium concurrent load (up to 25 users)": (BASELINE, 25, BURST_25),
    "100+ concurrent users": (ADVISED, 100, SUSTAINED_100),
}


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each statement, in the order of the published report."""
    for statement in statements():
        yield statement.evaluate(experiment)


def statements() -> Iterator[Statement]:
    """Every statement, in the order of the published report."""
    for row in published_report.rows("pool"):
        text = f"{row.profile} pool: {row.pool_size} + {row.pool_max_overflow} connections, recycle {row.recycle_s} s"
        yield Statement(
            KIND, f"declared-pool-{row.profile}", f"{text}, keepalives idle {row.keepalives_idle_s} s", _pool_check(row)
        )
    for row in published_report.rows("caches"):
        text = f"responses to {row.endpoint} are cached for {row.ttl_s} s"
        yield Statement(KIND, f"declared-cache-{row.endpoint}", text, _cache_check(row.endpoint, row.ttl_s))
    for row in published_report.rows("sessions"):
        text = f"sessions: {row.storage}, at most {row.threshold}, lifetime {row.lifetime_s} s"
        settings = {"sessions": row.storage, "session_threshold": row.threshold, "session_lifetime_s": row.lifetime_s}
        yield Statement(KIND, "declared-sessions", text, _settings_check(BASELINE, settings))
    for row, deployment in zip(published_report.rows("workers"), (BASELINE, ADVISED), strict=True):
        text = f"{row.environment}: {counted(row.workers, f'{row.kind} worker')}"
        settings = {"server": SERVERS[row.kind], "workers": row.workers}
        yield Statement(KIND, f"declared-workers-{deployment}", text, _settings_check(deployment, settings))
    for row in published_report.rows("recommendations"):
        if row.recommendation in RECOMMENDED_LOADS:
            deployment, users, scenario = RECOMMENDED_LOADS[row.recommendation]
            text = f"{row.environment} is suitable for: {row.recommendation}"
            yield Statement(KIND, f"declared-{deployment}-for-{users}", text, _load_check(deployment, users, scenario))


def _settings_check(
    deployment: str, published: Mapping[str, Any], remark: Callable[[Run], str] = lambda run: ""
) -> Check:
    """The check that the first run of a deployment has the published settings; `remark` is added to the evidence."""

    def check(claim: Claim) -> Finding:
        runs = claim.experiment.runs_of(deployment)
        if not runs:
            return claim.not_measured(f"no valid run on {deployment}")
        settings = runs[0].record["deployment"]["settings"]
        text = ", ".join(f"{name} {settings.get(name)}" for name in published) + remark(runs[0])
        return claim.pass_if(all(settings.get(name) == value for name, value in published.items()), text, runs[:1])

    return check


def _pool_check(row: Any) -> Check:
    """The check of a row of the published pool profiles."""
    deployment = BASELINE if row.profile == "local" else ON_RDS
    settings = {
        "pool_size": row.pool_size,
        "pool_max_overflow": row.pool_max_overflow,
        "pool_recycle_s": row.recycle_s,
        "keepalives_idle_s": row.keepalives_idle_s,
    }
    return _settings_check(deployment, settings, _peak_connections)


def _peak_connections(run: Run) -> str:
    peak = None if run.database.empty else arm_metrics.peak_connections(run)
    return "" if peak is None else f"; the server saw at most {counted(peak, 'connection')} under {run.scenario}"


def _cache_check(endpoint: str, published_s: int) -> Check:
    """The check that the cache of an endpoint has the published lifetime, and answers requests."""

    def check(claim: Claim) -> Finding:
        runs = claim.experiment.find(BASELINE, BURST_50)
        if not runs:
            return claim.not_run(BASELINE, BURST_50)
        settings = runs[0].record["deployment"]["settings"]
        hits = int(arm_metrics.cache_outcomes(claim.experiment, BASELINE, BURST_50, (endpoint,)).get("hit", 0))
        lifetime_s = settings[CACHE_LIFETIME_SETTINGS[endpoint]]
        in_force = settings["cache"] != "off"
        cache = f"a cache with a lifetime of {lifetime_s} s" if in_force else "no cache in force"
        text = f"{cache}: {counted(hits, 'response')} to {endpoint} came from a cache under {BURST_50}"
        condition = in_force and lifetime_s == published_s and hits > 0
        return claim.pass_if(condition, text, runs, effect=float(hits), columns=["cache"])

    return check


def _load_check(deployment: str, users: int, scenario: str) -> Check:
    """The check that a deployment sustains so many users: by its capacity search, else by one run of the scenario."""

    def check(claim: Claim) -> Finding:
        if finding := _by_capacity(claim, deployment, users):
            return finding
        runs = [run for run in claim.experiment.find(deployment, scenario) if run.totals is not None]
        if not runs:
            return claim.not_run(deployment, scenario)
        probe = bracket.Probe.from_run(runs[0])
        text = f"{probe.reason} in one run under {scenario}; the bound is {bracket.MAX_P95_MS:g} ms"
        return claim.pass_if(probe.sustained, text, runs[:1], effect=probe.slowest_ms, bound=bracket.MAX_P95_MS)

    return check


def _by_capacity(claim: Claim, deployment: str, users: int) -> Finding | None:
    """The finding by the bracket of a capacity search; None without one, or with `users` between its bounds."""
    for result in bracket.capacity_results(claim.experiment):
        if (result.deployment, result.family) != (deployment, "sustained"):
            continue
        lower, upper = result.bracket.lower_bound or 0.0, result.bracket.upper_bound
        if users <= lower or (upper is not None and users >= upper):
            text = f"with think time it sustains {lower:.0f} users with p95 below {result.p95_ms:g} ms"
            runs, effect = result.usable_runs(claim.experiment), result.bracket.lower_bound
            return claim.pass_if(users <= lower, text, runs, effect=effect, bound=float(users))
    return None
