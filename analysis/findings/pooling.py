"""The published pooling beside PgBouncer: how many connections the server sees, and what the requests pay for it."""

from collections.abc import Iterator

from workbench.arms import ADVISED, BURST_50, TUNED, WITH, WITHOUT
from workbench.recording import Experiment, Run

from .. import ablation
from ..metrics import pooler_metrics
from ..stats.hypothesis import Effect
from . import published_report
from .finding import REPORTED, Claim, Finding
from .wording import counted, ratio_with_interval

POOLER = f"{WITH}pgbouncer"
PAIRS = {name: f"{name}{POOLER}" for name in (TUNED, f"{TUNED}{WITHOUT}pool", ADVISED)}
CLAIM = "pooling-like-pgbouncer"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """The finding on the published claim, and for each set-up that was run both ways what PgBouncer changes."""
    yield _claim(experiment)
    for before, after in PAIRS.items():
        if experiment.find(before, BURST_50) and experiment.find(after, BURST_50):
            yield _change(experiment, before, after)


def change_id(deployment: str) -> str:
    """The id of the finding on what PgBouncer changes for a deployment."""
    return f"pooler-{deployment}-makespan_s"


def _claim(experiment: Experiment) -> Finding:
    """It passes where the pools of the advised set-up open no more connections at the server than PgBouncer does."""
    text = published_report.load("pooling")["implementation"].iloc[0]
    claim = Claim(experiment, "published-setup", CLAIM, f"{text}, on {ADVISED}")
    peaks = {
        name: pooler_metrics.largest_peak_connections(experiment, name, BURST_50) for name in (ADVISED, PAIRS[ADVISED])
    }
    for name, peak in peaks.items():
        if peak is None:
            return claim.not_run(name, BURST_50)
    own, pooled = (float(peak or 0) for peak in peaks.values())
    workers = experiment.find(ADVISED, BURST_50)[0].record["deployment"]["settings"]["workers"]
    evidence = (
        f"under {BURST_50} the server saw at most {counted(int(own), 'connection')} of the pools of "
        f"{counted(workers, 'worker')}, and {int(pooled)} of PgBouncer in their place"
    )
    return claim.pass_if(own <= pooled, evidence, _runs(experiment, ADVISED), effect=own, bound=pooled)


def _change(experiment: Experiment, before: str, after: str) -> Finding:
    claim = Claim(experiment, "measurement", change_id(before), f"duration of {BURST_50}: {after} / {before}")
    effect = ablation.duration_effect(experiment, before, after, BURST_50)
    if effect is None:
        return claim.not_run(after, BURST_50)
    evidence = (
        f"duration × {ratio_with_interval(effect)}{_cpu(experiment, before, after)}; "
        f"before {_side(experiment, before)}; after {_side(experiment, after)}"
    )
    return claim.finding(REPORTED, evidence, _runs(experiment, before), effect=effect.ratio, interval=effect.interval,
                         level=effect.level, n=effect.blocks)  # fmt: skip


def _side(experiment: Experiment, deployment: str) -> str:
    """Connections at the server, and latency, of one side."""
    peak = pooler_metrics.largest_peak_connections(experiment, deployment, BURST_50)
    latency = pooler_metrics.latency(experiment, deployment, BURST_50)
    connections = "connections not read" if peak is None else f"at most {counted(peak, 'connection')} at the server"
    return f"{connections}, " + (
        f"median {latency.median_ms:,.0f} ms, p95 {latency.p95_ms:,.0f} ms" if latency else "no success"
    )


def _cpu(experiment: Experiment, before: str, after: str) -> str:
    effect: Effect | None = ablation.effect_between(experiment, before, after, BURST_50, "cpu_ms")
    return f", system CPU per request × {ratio_with_interval(effect)}" if effect else ""


def _runs(experiment: Experiment, before: str) -> list[Run]:
    return [run for side in (before, PAIRS[before]) for run in experiment.find(side, BURST_50)]
