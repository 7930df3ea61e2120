"""Tables of effects: several changes by one metric under one scenario, and the verdicts of a family of such tables.

All tables that a page shows are one family: Holm's correction is over all of their comparisons that get a verdict.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from .metrics.effect_metrics import EFFECT_METRICS, EffectMetric, by_block, replicate_log_ratios
from .stats.block_model import BlockModel
from .stats.confidence import LEVEL, MIN_BLOCKS, noise_floor
from .stats.degenerate_effect import degenerate_effect, has_logarithms
from .stats.hypothesis import (
    Comparison,
    ComparisonTable,
    Effect,
    count_resolution,
    evaluate_family,
    paired,
    reported,
    unpaired,
)
from .stats.noninferiority import failure_counts, more_failures, without_failing

AA_REPLICATE = "nothing (A/A replicate)"
MIN_COUNTS = 10  # in each block of one side, for the other side's 0 in all blocks to be no chance
US_PER_MS = 1000


@dataclass(frozen=True)
class Change:
    """A deployment before and after one thing was changed; `name` is that of the thing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class EffectTable:
    """The effects of several changes on one metric under one scenario; `effects` are in the order of `changes`.

    `aa_difference` compares the A/A replicates of the baseline; None where the baseline has none. Its verdict comes
    from a family of its own, that of all A/A differences. `noise_floor` is the ratio (above 1) that another pair of
    identical runs stays below with a probability of 95 %; None for fewer than `MIN_BLOCKS` blocks with a replicate.
    `baseline` is the deployment that each change is of or to; empty between two experiments.
    """

    scenario: str
    metric: EffectMetric
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    aa_difference: Effect | None
    noise_floor: float | None = None
    baseline: str = ""


@dataclass(frozen=True)
class MeasuredTable:
    """The values behind an `EffectTable`, before any verdict.

    comparisons: by name of the change, for those whose values have logarithms in every block
    degenerate: by name, the effects of the others
    replicates: log ratios of the A/A replicates of the baseline, one a block
    reasons: by name, why an improvement does not stand
    primary: names of the changes that get a verdict; None for all
    """

    scenario: str
    metric: EffectMetric
    changes: tuple[Change, ...]
    comparisons: Mapping[str, Comparison]
    degenerate: Mapping[str, Effect]
    replicates: Sequence[float] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    primary: frozenset[str] | None = None
    baseline: str = ""

    def is_primary(self, name: str) -> bool:
        """True for a change that gets a verdict."""
        return self.primary is None or name in self.primary

    def tested(self) -> dict[str, Comparison]:
        """The comparisons that get a verdict."""
        return {name: comparison for name, comparison in self.comparisons.items() if self.is_primary(name)}

    def with_verdicts(self, effects: Iterable[Effect], aa_difference: Effect | None, level: float) -> EffectTable:
        """The table with the effects of its comparisons, in their order."""
        untested = {
            name: reported(name, comparison, level)
            for name, comparison in self.comparisons.items()
            if not self.is_primary(name)
        }
        degenerate = {
            name: effect if self.is_primary(name) else replace(effect, verdict="reported")
            for name, effect in self.degenerate.items()
        }
        by_name = {**degenerate, **untested, **{effect.name: effect for effect in effects}}
        return EffectTable(
            self.scenario,
            self.metric,
            self.changes,
            tuple(without_failing([by_name[change.name] for change in self.changes], self.reasons)),
            aa_difference,
            noise_floor(self.replicates),
            self.baseline,
        )


def measured_tables(
    by_run: pd.DataFrame,
    baseline: str,
    changes: Sequence[Change],
    scenario: str,
    metrics: Sequence[EffectMetric] = EFFECT_METRICS,
) -> list[MeasuredTable]:
    """Compare the sides of each change, paired by block, by each of the metrics that was measured on both.

    The standard errors are those of the `BlockModel` of all arms of a table. `by_run` is `metrics_by_run`, with the
    runs of any scenario.
    """
    if not changes:
        return []
    compared = {baseline, *(side for change in changes for side in (change.before, change.after))}
    by_run = by_run[(by_run["scenario"] == scenario) & by_run["deployment"].isin(compared)]
    values, reasons = _values_by_block(by_run), failure_reasons(by_run, changes)
    tables = (_measured_table(by_run, values, baseline, changes, metric, scenario) for metric in metrics)
    return [replace(table, reasons=reasons) for table in tables if table.changes]


def _values_by_block(by_run: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By deployment, the columns of all metrics and their counts by block; two runs count as their geometric mean."""
    columns = {column for metric in EFFECT_METRICS for column in (metric.column, metric.counts) if column}
    with np.errstate(divide="ignore"):
        logs = pd.DataFrame(np.log(by_run[sorted(columns)].astype(float)))
    values = pd.DataFrame(np.exp(logs.groupby([by_run["deployment"], by_run["block"]]).mean()))
    return {str(name): of_arm.droplevel("deployment") for name, of_arm in values.groupby(level="deployment")}


def _measured_table(
    by_run: pd.DataFrame,
    values: Mapping[str, pd.DataFrame],
    baseline: str,
    changes: Sequence[Change],
    metric: EffectMetric,
    scenario: str,
) -> MeasuredTable:
    sides = {change.name: _sides(values, change, metric) for change in changes}
    sides = {name: both for name, both in sides.items() if _values(both).any()}
    comparable = {name: both for name, both in sides.items() if has_logarithms(_values(both))}
    shared = _block_model(by_run, [change for change in changes if change.name in comparable], metric)
    return MeasuredTable(
        scenario,
        metric,
        tuple(change for change in changes if change.name in sides),
        {
            change.name: shared.compare(_paired(comparable[change.name]), change.before, change.after)
            for change in changes
            if change.name in comparable
        },
        {name: _paired_degenerate(name, both, metric) for name, both in sides.items() if name not in comparable},
        replicate_log_ratios(by_run[by_run["deployment"] == baseline], metric.column),
        baseline=baseline,
    )


def _block_model(by_run: pd.DataFrame, changes: Sequence[Change], metric: EffectMetric) -> BlockModel:
    """Model the runs of the arms that changes compare, of those that ran in at least `MIN_BLOCKS` blocks."""
    compared = {side for change in changes for side in (change.before, change.after)}
    columns = (by_run[name].to_list() for name in ("deployment", "block", metric.column))
    runs = [run for run in zip(*columns, strict=True) if run[0] in compared and 0 < run[2] < math.inf]
    ran = {(deployment, block) for deployment, block, _ in runs}
    blocks = Counter(deployment for deployment, _ in ran)
    runs = [run for run in runs if blocks[run[0]] >= MIN_BLOCKS]
    return BlockModel.of_runs(*([run[place] for run in runs] for place in range(3)))


def _sides(values: Mapping[str, pd.DataFrame], change: Change, metric: EffectMetric) -> pd.DataFrame:
    """Values and counts of both sides, a row for each block that has both."""
    sides = {}
    for side, deployment in (("before", change.before), ("after", change.after)):
        if (measured := values.get(deployment)) is None:
            return pd.DataFrame(columns=["before", "after"])
        sides[side] = measured[metric.column]
        sides[f"count_{side}"] = measured[metric.counts] if metric.counts else measured[metric.column] * US_PER_MS
    return pd.DataFrame(sides).dropna()


def counts_by_block(by_run: pd.DataFrame, deployment: str, metric: EffectMetric) -> pd.Series:
    """Return by block the number of counts that the values of a metric are made of: of µs for a time in ms."""
    if metric.counts:
        return by_block(by_run, deployment, metric.counts)
    return by_block(by_run, deployment, metric.column) * US_PER_MS


def _values(both: pd.DataFrame) -> np.ndarray:
    return both[["before", "after"]].to_numpy()


def _paired_degenerate(name: str, both: pd.DataFrame, metric: EffectMetric) -> Effect:
    sides, counts = [both["before"], both["after"]], [both["count_before"], both["count_after"]]
    return _degenerate(name, sides, counts, metric)


def _paired(both: pd.DataFrame) -> Comparison:
    """Compare two sides without a value of 0; one count on each side is the resolution of a log ratio."""
    resolution = count_resolution(both["count_before"], both["count_after"])
    return paired(np.log(both["after"] / both["before"]), resolution)


def _unpaired(values: Sequence[pd.Series], counts: Sequence[pd.Series]) -> Comparison:
    """Compare two sides without common blocks and without a value of 0, with their counts by block."""
    before, after = (np.log(side.to_numpy()) for side in values)
    return unpaired(before, after, (count_resolution(counts[0]), count_resolution(counts[1])))


def compared_arms(metric: EffectMetric, scenario: str, sides: Mapping[str, Sequence[pd.DataFrame]]) -> MeasuredTable:
    """Compare arms of two experiments: by deployment the `metrics_by_run` of both, of its runs under the scenario."""
    values = {name: [by_block(side, name, metric.column) for side in pair] for name, pair in sides.items()}
    values = {name: pair for name, pair in values.items() if all(map(len, pair)) and any(side.any() for side in pair)}
    counts = {name: [counts_by_block(side, name, metric) for side in sides[name]] for name in values}
    comparable = [name for name, pair in values.items() if all(has_logarithms(side.to_numpy()) for side in pair)]
    failures = {name: [failure_counts(side[side["deployment"] == name]) for side in sides[name]] for name in values}
    return MeasuredTable(
        scenario,
        metric,
        tuple(Change(name, name, name) for name in values),
        {name: _unpaired(values[name], counts[name]) for name in comparable},
        {
            name: _degenerate(name, pair, counts[name], metric)
            for name, pair in values.items()
            if name not in comparable
        },
        reasons={name: more_failures(*pair, is_paired=False) for name, pair in failures.items()},
    )


def _degenerate(name: str, values: Sequence[pd.Series], counts: Sequence[pd.Series], metric: EffectMetric) -> Effect:
    """Return the effect on a metric that is 0 or infinity in some block, without interval and p.

    Where one side is 0 in all blocks, the other must have at least `MIN_COUNTS` counts in each for a verdict.
    """
    before, after = values
    effect = degenerate_effect(name, before, after, lower_is_better=metric.lower_is_better)
    other = counts[0] if not after.any() else counts[1]
    if not (before.any() and after.any()) and not (other >= MIN_COUNTS).all():
        return replace(effect, verdict="inconclusive")
    return effect


def failure_reasons(by_run: pd.DataFrame, changes: Sequence[Change]) -> dict[str, str]:
    """Return why an improvement by a change does not stand, by its name; empty where it does.

    `by_run` has the runs of one scenario.
    """
    compared = by_run[by_run["deployment"].isin({side for change in changes for side in (change.before, change.after)})]
    counts = {name: failure_counts(runs) for name, runs in compared.groupby("deployment")}
    measured = [change for change in changes if {change.before, change.after} <= counts.keys()]
    return {
        change.name: more_failures(counts[change.before], counts[change.after], is_paired=True) for change in measured
    }


def evaluate_tables(tables: Sequence[MeasuredTable], level: float = LEVEL) -> list[EffectTable]:
    """Return the tables with verdicts at this level; they are one family, and their A/A differences another."""
    effects = evaluate_family([_comparison_table(table, table.tested()) for table in tables], level)
    with_replicates = [table for table in tables if table.replicates]
    aa_tables = [_comparison_table(table, {AA_REPLICATE: paired(table.replicates)}) for table in with_replicates]
    aa_differences = iter(evaluate_family(aa_tables, level))
    return [
        table.with_verdicts(of_table, next(aa_differences)[0] if table.replicates else None, level)
        for table, of_table in zip(tables, effects, strict=True)
    ]


def _comparison_table(table: MeasuredTable, comparisons: Mapping[str, Comparison]) -> ComparisonTable:
    return ComparisonTable(comparisons, table.metric.equivalence_margin, table.metric.lower_is_better)
