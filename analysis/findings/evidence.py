"""What the evidence says of a claim, and the figures that several claims are judged by."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.recording import Experiment, Run, arm

from .. import ablation
from ..ablation import BASE, OURS
from ..metrics import arm_metrics, published_report
from ..stats.confidence import Estimate

THRESHOLD_MS = float(published_report.load("individual")["threshold_ms"].max())


@dataclass(frozen=True)
class Judgement:
    """What the evidence says: a verdict, the sentence, the figure behind it, the runs that it comes from, and what
    the figure is held against, if that is a number. `interval` is that of the figure."""

    passed: bool | None
    evidence: str
    effect: float | None = None
    runs: tuple[Run, ...] = ()
    bound: float | None = None
    interval: tuple[float, float] | None = None


def not_run(deployment: str, scenario: str) -> Judgement:
    return Judgement(None, f"no valid run of {scenario} on {deployment}")


def told_by(judgement: Judgement, *columns: str) -> Judgement:
    """The judgement, or that there is none, where a run that it rests on lacks one of these columns of its rows."""
    for run in judgement.runs:
        if defect := run.lacks(*columns):
            return Judgement(None, f"{run.name}: {defect}", runs=judgement.runs)
    return judgement


def counted(number: float, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def speedup(
    experiment: Experiment, scenario: str = "burst-50", before: str = BASE, after: str = OURS
) -> Estimate | None:
    """How many times faster `after` finishes a scenario than `before`, paired by block; None if either was not run."""
    effect = ablation.speedup(experiment, before, after, scenario)
    if effect is None or not 0 < effect.ratio < math.inf:
        return None
    ends = (1 / effect.high, 1 / effect.low) if effect.interval else (None, None)
    return Estimate(1 / effect.ratio, effect.blocks, *ends)


def durations_s(experiment: Experiment, scenario: str = "burst-50") -> tuple[float, float]:
    """Seconds that as-measured and tuned take, over the blocks in which both ran: those that the speed-up is of."""
    runs = arm(experiment.by_run, BASE, scenario), arm(experiment.by_run, OURS, scenario)
    both = set(runs[0]["block"]) & set(runs[1]["block"])
    before, after = (of[of["block"].isin(both)].groupby("block")["makespan_s"] for of in runs)
    return tuple(float(np.exp(side.apply(lambda taken: np.log(taken).mean()).mean())) for side in (before, after))


def fast_alone(endpoint: str, deployment: str = BASE) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        table = arm_metrics.latency(experiment, deployment, "single")
        if table.empty:
            return not_run(deployment, "single")
        mean_ms = float(table.loc[endpoint, "mean_ms"])
        text = f"mean {mean_ms:.1f} ms alone, threshold {THRESHOLD_MS:.0f} ms"
        runs = tuple(experiment.find(deployment, "single"))
        return Judgement(mean_ms < THRESHOLD_MS, text, mean_ms, runs, THRESHOLD_MS)

    return check


def all_successful(deployment: str, *scenarios: str) -> Callable[[Experiment], Judgement]:
    def check(experiment):
        runs = [run for scenario in scenarios for run in experiment.find(deployment, scenario)]
        if not runs:
            return not_run(deployment, " or ".join(scenarios))
        right, answers = (sum(int(run.totals[name]) for run in runs) for name in ("successful", "requests"))
        measured = ", ".join(dict.fromkeys(run.scenario for run in runs))
        text = f"{right} of {answers} answers were right by content ({measured})"
        return Judgement(right == answers, text, right / answers, tuple(runs))

    return check
