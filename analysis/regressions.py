"""Changes against a baseline, which is a stored experiment or another arm of the same one, on the primary metrics.

A stored experiment was measured at another time, and its differences contain what changed on the machine in between. A
regression against it has to be larger than the equivalence margin with its whole interval; it is inconclusive
otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from workbench.errors import RecordingError
from workbench.recording import Experiment, Run, arm

from . import ablation, recording_comparison
from .effect_tables import Change, EffectTable
from .findings import wording
from .findings.effort import blocks_required, minutes_required
from .findings.finding import INCONCLUSIVE, REGRESSION, REPORTED, Claim, Finding
from .stats.confidence import LEVEL, MIN_BLOCKS
from .stats.hypothesis import Effect
from .stats.noninferiority import failure_change, failure_counts, more_failures

KIND = "baseline"
MAX_NAMED = 3  # metrics that moved beside a regression


def replacement(before: str, after: str) -> str:
    """The words at the end of each claim about one deployment or arm in the place of another."""
    return f"{after} instead of {before}"


@dataclass(frozen=True)
class _Sides:
    """Both sides of the changes. `baseline` is the name of the first one; `after` is the experiment of the second."""

    baseline: str
    before: Experiment
    after: Experiment

    @property
    def is_paired(self) -> bool:
        return self.before is self.after

    def claim(self, change: Change, scenario: str, metric: str, column: str) -> Claim:
        """The claim about a metric of a change."""
        deployments = f"{change.before}-to-{change.after}" if self.is_paired else change.after
        text = f"{metric} under {scenario}: {replacement(change.before, change.after)}"
        return Claim(
            self.after,
            KIND,
            f"{scenario}-{deployments}-{column}",
            text if self.is_paired else f"{metric} under {scenario} on {change.after}",
        )

    def runs(self, change: Change, scenario: str) -> list[Run]:
        """The runs of both sides, of the second experiment only where there are two."""
        first = self.before.find(change.before, scenario) if self.is_paired else []
        return [*first, *self.after.find(change.after, scenario)]

    def arms(self, change: Change, scenario: str) -> list[tuple[Experiment, str, str]]:
        return [(self.before, change.before, scenario), (self.after, change.after, scenario)]


def against_experiment(experiment: Experiment, baseline: Experiment, warn: Callable[[str], object]) -> list[Finding]:
    """Compare an experiment with a stored one in the arms that both have; `warn` receives facts that may matter.

    An arm that only the baseline has is *not measured*. Raises `RecordingError` where the two cannot be compared, as
    those of two machines.
    """
    comparison = recording_comparison.compare_experiments(baseline, experiment, warn)
    sides = _Sides(baseline.name, baseline, experiment)
    missing = [
        Claim(experiment, KIND, f"{scenario}-{deployment}", f"{deployment} under {scenario}").not_measured(
            f"no valid run under the load of {baseline.name}"
        )
        for deployment, scenario in comparison.missing_arms()
    ]
    return [*_findings(sides, comparison.tables), *missing]


def against_arm(experiment: Experiment, before: str, *others: str) -> list[Finding]:
    """Compare deployments of an experiment with one, paired by block, under each scenario that both sides have.

    Raises `RecordingError` where there is none, or where nothing of the `others` gets a verdict.
    """
    tables, names = ablation.between_deployments(experiment, before, *others), " or ".join(others)
    if not tables:
        raise RecordingError(f"no scenario of {experiment.name} has valid runs of both {before} and {names}")
    if not (findings := _findings(_Sides(before, experiment, experiment), tables)):
        raise RecordingError(f"{experiment.name} declared no primary metric of {names}, so nothing of it is decided")
    return findings


def _findings(sides: _Sides, tables: Sequence[EffectTable]) -> list[Finding]:
    """A finding for each effect on a primary metric, and one for each arm with more failures."""
    effects = [
        (table, change, effect)
        for table in tables
        for change, effect in zip(table.changes, table.effects, strict=True)
        if effect.verdict != REPORTED
    ]
    changes = dict.fromkeys((table.scenario, change) for table in tables for change in table.changes)
    return [
        *(_effect_finding(sides, table, change, effect, tables) for table, change, effect in effects),
        *(finding for scenario, change in changes for finding in _failure_findings(sides, change, scenario)),
    ]


def _effect_finding(
    sides: _Sides, table: EffectTable, change: Change, effect: Effect, tables: Sequence[EffectTable]
) -> Finding:
    verdict: str = effect.verdict
    text = f"{wording.ratio_with_interval(effect)} of {sides.baseline}"
    if effect.reason:
        text += f"; no improvement, as {effect.reason}"
    is_drift = not sides.is_paired and effect.interval and not recording_comparison.is_certain(effect, table.metric)
    if verdict == REGRESSION and is_drift:
        verdict = INCONCLUSIVE
        margin = f"{table.metric.equivalence_margin:.0%}"
        text += (
            f"; the interval reaches into the {margin} that another time may explain, measure both in one experiment"
        )
    elif verdict == REGRESSION and (moved := list(_moved(change, table, tables))):
        text += f"; beside it {', '.join(moved[:MAX_NAMED])}"
    claim = sides.claim(change, table.scenario, table.metric.name, table.metric.column)
    finding = claim.finding(
        verdict,
        text,
        sides.runs(change, table.scenario),
        effect=effect.ratio,
        interval=effect.interval,
        level=effect.level,
        n=effect.blocks,
    )
    if effect.reason or (is_drift and effect.verdict == REGRESSION):
        return finding  # more blocks do not decide it
    blocks = blocks_required(effect)
    return replace(
        finding,
        minimum_detectable_effect=effect.minimum_detectable_effect,
        blocks_required=blocks,
        minutes_required=minutes_required(blocks, sides.arms(change, table.scenario)),
    )


def _moved(change: Change, table: EffectTable, tables: Sequence[EffectTable]) -> Iterator[str]:
    """Other metrics of the arm whose whole interval is worse: what a regression may come from."""
    for other in tables:
        if other.scenario != table.scenario or other.metric == table.metric:
            continue
        for measured, effect in zip(other.changes, other.effects, strict=True):
            if measured == change and _is_worse(effect, other.metric.lower_is_better):
                yield f"{other.metric.name} {wording.ratio_with_interval(effect)}"


def _is_worse(effect: Effect, lower_is_better: bool) -> bool:
    if effect.interval is None:
        return False
    return effect.interval[0] > 1 if lower_is_better else effect.interval[1] < 1


def _failure_findings(sides: _Sides, change: Change, scenario: str) -> Iterator[Finding]:
    """A finding where more requests fail: *regression* where chance does not explain it, else *inconclusive*."""
    counts = [failure_counts(_runs(side, name, scenario)) for side, name, _ in sides.arms(change, scenario)]
    comparison = failure_change(*counts, is_paired=sides.is_paired)
    reason = more_failures(*counts, is_paired=sides.is_paired)
    if comparison is None or not reason:
        return
    is_certain = comparison.blocks >= MIN_BLOCKS and comparison.mean > comparison.half_width(LEVEL)
    claim = sides.claim(change, scenario, "failures", "failures")
    yield replace(
        claim.finding(
            REGRESSION if is_certain else INCONCLUSIVE,
            reason,
            sides.runs(change, scenario),
            n=comparison.blocks,
        ),
        blocks_required=MIN_BLOCKS if comparison.blocks < MIN_BLOCKS else None,
    )


def _runs(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    return arm(experiment.by_run, deployment, scenario)
