"""What the published report says of its set-up, and whom it says that suits, held against what ran and what it did."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbench.recording import Experiment, Run

from ..ablation import BASE, BURST
from ..capacity import bracket
from ..metrics import arm_metrics, published_report
from . import checklist
from .evidence import Judgement, not_run, told_by

ADVISED = "as-advised"
TTL = {"dashboard": "cache_statistics_ttl_s", "search": "cache_search_ttl_s"}
KINDS = {"standard": "sync", "gevent": "gevent"}
# The published advice names how many users each environment is for.
SUITED = {
    "Low to medium concurrent load (up to 25 users)": (BASE, 25, "burst-25"),
    "100+ concurrent users": (ADVISED, 100, "sustained-100"),
}


@dataclass(frozen=True)
class Declared:
    """One statement, and how it is judged from an experiment."""

    id: str
    claim: str
    judge: Callable[[Experiment], Judgement]


def declared() -> Iterator[Declared]:
    """Every statement, in the order of the published report."""
    for row in published_report.load("pool").itertuples():
        text = f"{row.pool_size} + {row.pool_max_overflow} connections, recycle {row.recycle_s} s, keepalives idle "
        claim = f"{row.profile} pool: {text}{row.keepalives_idle_s} s"
        yield Declared(f"declared-pool-{row.profile}", claim, _pool(row))
    for row in published_report.load("caches").itertuples():
        claim = f"{row.endpoint} answers are cached for {row.ttl_s} s"
        yield Declared(f"declared-cache-{row.endpoint}", claim, _cache(row))
    for row in published_report.load("sessions").itertuples():
        claim = f"sessions: {row.storage}, at most {row.threshold}, {row.lifetime_s} s"
        yield Declared("declared-sessions", claim, _sessions(row))
    for row, deployment in zip(published_report.load("workers").itertuples(), (BASE, ADVISED), strict=True):
        claim = f"{row.environment}: {row.kind} worker, {row.workers} of them"
        yield Declared(f"declared-workers-{deployment}", claim, _workers(row, deployment))
    for row in published_report.load("recommendations").itertuples():
        if row.recommendation in SUITED:
            deployment, users, scenario = SUITED[row.recommendation]
            claim = f"{row.environment} is suitable for: {row.recommendation}"
            yield Declared(f"declared-{deployment}-for-{users}", claim, _suits(deployment, users, scenario))


def _pool(row):
    deployment = BASE if row.profile == "local" else checklist.ON_RDS
    names = ("pool_size", "pool_max_overflow", "pool_recycle_s", "keepalives_idle_s")
    wanted = (row.pool_size, row.pool_max_overflow, row.recycle_s, row.keepalives_idle_s)

    def judge(experiment):
        def told(run):
            seen = None if run.database.empty else arm_metrics.most_connections(run)
            return "" if seen is None else f"; the server saw at most {seen} connections under {run.scenario}"

        return _as_set(experiment, deployment, dict(zip(names, wanted, strict=True)), told)

    return judge


def _cache(row):
    def judge(experiment):
        runs = experiment.find(BASE, BURST)
        if not runs:
            return not_run(BASE, BURST)
        settings = runs[0].record["deployment"]["settings"]
        hits = int(arm_metrics.cache_outcomes(experiment, BASE, BURST, (row.endpoint,)).get("hit", 0))
        lifetime_s = settings[TTL[row.endpoint]]
        in_force = settings["cache"] != "off"
        what = f"a cache of {lifetime_s} s" if in_force else "no cache in force"
        text = f"{what}: {hits} answers to {row.endpoint} came from one under {BURST}"
        passed = in_force and lifetime_s == row.ttl_s and hits > 0
        return told_by(Judgement(passed, text, float(hits), tuple(runs)), "cache")

    return judge


def _sessions(row):
    wanted = {"sessions": row.storage, "session_threshold": row.threshold, "session_lifetime_s": row.lifetime_s}
    return lambda experiment: _as_set(experiment, BASE, wanted)


def _workers(row, deployment):
    wanted = {"server": KINDS[row.kind], "workers": row.workers}
    return lambda experiment: _as_set(experiment, deployment, wanted)


def _as_set(experiment, deployment, wanted, told: Callable[[Run], str] = lambda run: ""):
    """Whether the first run of a deployment had these settings."""
    runs = experiment.of(deployment)
    if not runs:
        return Judgement(None, f"no valid run on {deployment}")
    settings = runs[0].record["deployment"]["settings"]
    text = ", ".join(f"{name} {settings.get(name)}" for name in wanted)
    return Judgement(
        all(settings.get(name) == of for name, of in wanted.items()), text + told(runs[0]), None, (runs[0],)
    )


def _suits(deployment, users, scenario):
    def judge(experiment):
        """By the objective of a search for capacity, whose bracket says more where there is one."""
        for found in bracket.found(experiment):
            holds, gives_way = found.bracket.certified, found.bracket.refuted
            searched = (found.deployment, found.family) == (deployment, "sustained")
            if searched and (users <= (holds or 0) or users >= (gives_way or float("inf"))):
                text = f"with think time it holds {holds or 0:.0f} users with p95 below {found.p95_ms:g} ms"
                names = {probe.run for probe in found.probes}
                runs = tuple(run for run in experiment.usable if run.name in names)
                return Judgement(users <= (holds or 0), text, holds, runs, float(users))
        runs = [run for run in experiment.find(deployment, scenario) if run.totals is not None]
        if not runs:
            return not_run(deployment, scenario)
        probe = bracket.Probe.of(runs[0])
        bound = f"the bound is {bracket.HIGHEST_P95_MS:g} ms"
        return Judgement(
            probe.met, f"{probe.said} under {scenario}; {bound}", probe.slowest_ms, (runs[0],), bracket.HIGHEST_P95_MS
        )

    return judge
