"""Tables of effects: several changes by one metric under one scenario, and the verdicts of a family of such tables.

All tables that a page shows are one family: Holm's correction is over all of their comparisons.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .metrics.effect_metrics import EFFECT_METRICS, EffectMetric, by_block, replicate_log_ratios
from .stats.confidence import MIN_BLOCKS, noise_floor
from .stats.hypothesis import (
    Comparison,
    ComparisonTable,
    Effect,
    Verdict,
    count_resolution,
    evaluate_family,
    paired,
    unpaired,
)

AA_REPLICATE = "nothing (A/A replicate)"
MIN_COUNTS = 10  # in each block of one side, for the other side's 0 in all blocks to be no chance
SUCCESS = "success_share"
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
    """

    scenario: str
    metric: EffectMetric
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    aa_difference: Effect | None
    noise_floor: float | None = None


@dataclass(frozen=True)
class MeasuredTable:
    """The values behind an `EffectTable`, before any verdict.

    comparisons: by name of the change, for those whose values are above 0 in every block
    zeros: by name, the effects of the others
    replicates: log ratios of the A/A replicates of the baseline, one a block
    """

    scenario: str
    metric: EffectMetric
    changes: tuple[Change, ...]
    comparisons: Mapping[str, Comparison]
    zeros: Mapping[str, Effect]
    replicates: Sequence[float] = ()

    def with_verdicts(self, effects: Iterable[Effect], aa_difference: Effect | None) -> EffectTable:
        """The table with the effects of its comparisons, in their order."""
        by_name = {**self.zeros, **{effect.name: effect for effect in effects}}
        return EffectTable(
            self.scenario,
            self.metric,
            self.changes,
            tuple(by_name[change.name] for change in self.changes),
            aa_difference,
            noise_floor(self.replicates),
        )


def measured_tables(
    by_run: pd.DataFrame, baseline: str, changes: Sequence[Change], scenario: str
) -> list[MeasuredTable]:
    """Compare the sides of each change, paired by block, by each metric that was measured on both.

    `by_run` is `metrics_by_run`, with the runs of any scenario.
    """
    by_run = by_run[by_run["scenario"] == scenario]
    values = _values_by_block(by_run)
    tables = (_measured_table(by_run, values, baseline, changes, metric, scenario) for metric in EFFECT_METRICS)
    return [table for table in tables if table.changes]


def _values_by_block(by_run: pd.DataFrame) -> pd.DataFrame:
    """The columns of all metrics and their counts by deployment and block; two runs count as their geometric mean."""
    columns = {column for metric in EFFECT_METRICS for column in (metric.column, metric.counts) if column}
    with np.errstate(divide="ignore"):
        logs = pd.DataFrame(np.log(by_run[sorted(columns)].astype(float)))
    return pd.DataFrame(np.exp(logs.groupby([by_run["deployment"], by_run["block"]]).mean()))


def _measured_table(
    by_run: pd.DataFrame,
    values: pd.DataFrame,
    baseline: str,
    changes: Sequence[Change],
    metric: EffectMetric,
    scenario: str,
) -> MeasuredTable:
    sides = {change.name: _sides(values, change, metric) for change in changes}
    sides = {name: both for name, both in sides.items() if _values(both).any()}
    above_zero = {name: both for name, both in sides.items() if _values(both).all()}
    return MeasuredTable(
        scenario,
        metric,
        tuple(change for change in changes if change.name in sides),
        {name: _paired(both) for name, both in above_zero.items()},
        {name: _with_zeros(name, both, metric) for name, both in sides.items() if name not in above_zero},
        replicate_log_ratios(by_run[by_run["deployment"] == baseline], metric.column),
    )


def _sides(values: pd.DataFrame, change: Change, metric: EffectMetric) -> pd.DataFrame:
    """Values and counts of both sides, a row for each block that has both."""
    sides = {}
    for side, deployment in (("before", change.before), ("after", change.after)):
        if deployment not in values.index:
            return pd.DataFrame(columns=["before", "after"])
        measured = values.loc[deployment]
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


def _with_zeros(name: str, both: pd.DataFrame, metric: EffectMetric) -> Effect:
    sides, counts = [both["before"], both["after"]], [both["count_before"], both["count_after"]]
    return effect_with_zeros(name, sides, counts, metric)


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
    above_zero = [name for name, pair in values.items() if all(side.all() for side in pair)]
    return MeasuredTable(
        scenario,
        metric,
        tuple(Change(name, name, name) for name in values),
        {name: _unpaired(values[name], counts[name]) for name in above_zero},
        {
            name: effect_with_zeros(name, pair, counts[name], metric)
            for name, pair in values.items()
            if name not in above_zero
        },
    )


def effect_with_zeros(
    name: str, values: Sequence[pd.Series], counts: Sequence[pd.Series], metric: EffectMetric
) -> Effect:
    """Return the effect on a metric that is 0 in some block, without interval and p.

    A side that is 0 in every block decides the verdict if the other has at least `MIN_COUNTS` counts in each of its
    blocks, and both have `MIN_BLOCKS` blocks.
    """
    before, after = values
    ratio = float(after.mean() / before.mean()) if before.any() else math.inf
    blocks = min(len(before), len(after))
    verdict: Verdict = "inconclusive"
    other = counts[0] if not after.any() else counts[1]
    if blocks >= MIN_BLOCKS and not (before.any() and after.any()) and (other >= MIN_COUNTS).all():
        verdict = "improvement" if (not after.any()) == metric.lower_is_better else "regression"
    return Effect(name, ratio, blocks, verdict)


def evaluate_tables(tables: Sequence[MeasuredTable]) -> list[EffectTable]:
    """Return the tables with verdicts; they are one family, and their A/A differences another."""
    effects = evaluate_family([_comparison_table(table, table.comparisons) for table in tables])
    with_replicates = [table for table in tables if table.replicates]
    aa_tables = [_comparison_table(table, {AA_REPLICATE: paired(table.replicates)}) for table in with_replicates]
    aa_differences = iter(evaluate_family(aa_tables))
    evaluated = [
        table.with_verdicts(of_table, next(aa_differences)[0] if table.replicates else None)
        for table, of_table in zip(tables, effects, strict=True)
    ]
    return _without_improvements_by_failures(evaluated)


def _comparison_table(table: MeasuredTable, comparisons: Mapping[str, Comparison]) -> ComparisonTable:
    return ComparisonTable(comparisons, table.metric.equivalence_margin, table.metric.lower_is_better)


def _without_improvements_by_failures(tables: Sequence[EffectTable]) -> list[EffectTable]:
    """Replace improvements of changes that have fewer successful responses: a failure may be fast and cheap."""
    failing = {
        (table.scenario, change)
        for table in tables
        if table.metric.column == SUCCESS
        for change, effect in zip(table.changes, table.effects, strict=True)
        if effect.verdict == "regression" or effect.ratio < 1 / (1 + table.metric.equivalence_margin)
    }
    return [
        replace(
            table,
            effects=tuple(
                replace(effect, verdict="inconclusive", has_more_failures=True)
                if (table.scenario, change) in failing and effect.verdict == "improvement"
                else effect
                for change, effect in zip(table.changes, table.effects, strict=True)
            ),
        )
        for table in tables
    ]
