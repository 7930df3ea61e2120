"""The changes that an experiment measured, and their effects on each metric.

A change is a deployment in the place of another one: with an optimisation instead of without it, or another main
deployment instead of the baseline. Effects are paired by block where both sides belong to one experiment.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.arms import (
    BASELINE,
    BURST_25,
    BURST_50,
    BURST_50_MIX,
    BURST_100,
    MAIN_DEPLOYMENTS,
    READS,
    TOGETHER,
    TUNED,
    WITH,
    WITHOUT,
)
from workbench.recording import Experiment

from .metrics.effect_metrics import EFFECT_METRICS, EffectMetric, by_block, metrics_by_run, replicate_log_ratios
from .stats.confidence import LEVEL, MIN_BLOCKS, t_quantile
from .stats.degenerate_effect import degenerate_effect, has_logarithms
from .stats.hypothesis import Comparison, Effect, evaluate, paired, unpaired
from .stats.noninferiority import failure_counts, more_failures, without_failing

UNPREFIXED_VARIANTS = {"cross-region": BASELINE}  # variants whose name does not begin with that of their baseline
OTHER_BURSTS = (BURST_25, BURST_100, BURST_50_MIX)


@dataclass(frozen=True)
class Change:
    """A deployment before and after one thing was changed; `name` is that of the thing."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class EffectTable:
    """The effects of several changes on one metric under one scenario; `effects` are in the order of `changes`.

    `aa_difference` compares the A/A replicates of the baseline; None where the baseline has none. `noise_floor` is the
    ratio (above 1) that another pair of identical runs stays below with a probability of 95 %; None for fewer than
    `MIN_BLOCKS` blocks with a replicate.
    """

    scenario: str
    metric: EffectMetric
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    aa_difference: Effect | None
    noise_floor: float | None = None


def leave_one_out_changes(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Return a change for each optimisation that was left out of the baseline: from without it to the baseline."""
    return [
        Change(name.replace("-", " "), deployment, baseline)
        for deployment, name in _variants(experiment, baseline + WITHOUT, scenario)
        if TOGETHER not in name
    ]


def single_changes(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Return a change for each deployment that differs from the baseline in one thing."""
    variants = [*_variants(experiment, baseline + WITH, scenario)]
    variants += [
        (name, name)
        for name, changed_from in UNPREFIXED_VARIANTS.items()
        if changed_from == baseline and experiment.find(name, scenario)
    ]
    return [Change(name.replace("-", " "), baseline, deployment) for deployment, name in variants]


def replacements(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Return a change for each other main deployment in the place of the baseline."""
    others = [name for name in MAIN_DEPLOYMENTS if name != baseline]
    return [Change(name, baseline, name) for name in others if experiment.find(name, scenario)]


def _variants(experiment: Experiment, prefix: str, scenario: str) -> Iterator[tuple[str, str]]:
    """Deployments that ran under the scenario and whose name begins with the prefix, each with the rest of its name."""
    names = {run.deployment for run in experiment.usable if run.scenario == scenario}
    return ((name, name.removeprefix(prefix)) for name in sorted(names) if name.startswith(prefix))


def effect_tables(experiment: Experiment, baseline: str, changes: Sequence[Change], scenario: str) -> list[EffectTable]:
    """Evaluate changes of or to the baseline, by each metric that was measured on both sides.

    Holm's correction is over the changes of one metric, which stand in one table.
    """
    by_run = metrics_by_run(experiment)
    by_run = by_run[by_run["scenario"] == scenario]
    reasons = _reasons(by_run, changes)
    tables = (_effect_table(by_run, baseline, changes, metric, scenario, reasons) for metric in EFFECT_METRICS)
    return [table for table in tables if table is not None]


def _effect_table(
    by_run: pd.DataFrame,
    baseline: str,
    changes: Sequence[Change],
    metric: EffectMetric,
    scenario: str,
    reasons: Mapping[str, str],
) -> EffectTable | None:
    """The table of one metric; `reasons` say by change why an improvement does not stand."""
    sides = {change.name: _sides(by_run, change, metric.column) for change in changes}
    sides = {name: both for name, both in sides.items() if len(both) and both.to_numpy().any()}
    if not sides:
        return None
    replicates = replicate_log_ratios(by_run[by_run["deployment"] == baseline], metric.column)
    return EffectTable(
        scenario,
        metric,
        tuple(change for change in changes if change.name in sides),
        tuple(without_failing(_effects(sides, metric), reasons)),
        _evaluate({"nothing": paired(replicates)}, metric)[0] if replicates else None,
        noise_floor(replicates) if len(replicates) >= MIN_BLOCKS else None,
    )


def _reasons(by_run: pd.DataFrame, changes: Sequence[Change]) -> dict[str, str]:
    """Why an improvement by a change does not stand, by its name; empty where it does."""
    counts = {name: failure_counts(runs) for name, runs in by_run.groupby("deployment")}
    measured = [change for change in changes if {change.before, change.after} <= counts.keys()]
    return {
        change.name: more_failures(counts[change.before], counts[change.after], is_paired=True) for change in measured
    }


def _sides(by_run: pd.DataFrame, change: Change, column: str) -> pd.DataFrame:
    """Values of a metric in the columns `before` and `after`, a row for each block that has both."""
    sides = {"before": by_block(by_run, change.before, column), "after": by_block(by_run, change.after, column)}
    return pd.DataFrame(sides).dropna()


def _evaluate(comparisons: Mapping[str, Comparison], metric: EffectMetric) -> list[Effect]:
    margin, lower_is_better = metric.equivalence_margin, metric.lower_is_better
    return evaluate(comparisons, equivalence_margin=margin, lower_is_better=lower_is_better)


def _effects(sides: Mapping[str, pd.DataFrame], metric: EffectMetric) -> list[Effect]:
    """Effects by change; without a log ratio where a value is 0 or infinity."""
    above_zero = {name: both for name, both in sides.items() if has_logarithms(both.to_numpy())}
    ratios = {name: paired(np.log(both["after"] / both["before"])) for name, both in above_zero.items()}
    tested = {effect.name: effect for effect in _evaluate(ratios, metric)}
    return [
        tested.get(name)
        or degenerate_effect(name, both["before"], both["after"], lower_is_better=metric.lower_is_better)
        for name, both in sides.items()
    ]


def noise_floor(log_ratios: ArrayLike) -> float:
    """Return the ratio above 1 that another pair of identical runs stays below with a probability of 95 %.

    exp(|d̄| + t·s·√(1 + 1/k)), from a prediction interval of one more log ratio (Hahn and Meeker 1991): d̄ and s are
    mean and standard deviation (divisor k − 1) of the k log ratios of A/A replicates, t is the quantile (1 + 0.95)/2 of
    Student's t with k − 1 degrees of freedom.
    """
    logs = np.asarray(log_ratios)
    half_width = t_quantile(LEVEL, len(logs)) * logs.std(ddof=1) * math.sqrt(1 + 1 / len(logs))
    return float(np.exp(abs(logs.mean()) + half_width))


@lru_cache(maxsize=4)
def all_effect_tables(experiment: Experiment) -> dict[tuple[str, str], list[EffectTable]]:
    """Return all effects that an experiment measured, in the order of the report.

    A key is the kind of change (`deployment`, `change`, `optimisation` or `addition`) and the scenario. Kinds that few
    experiments measure are returned only if a table has an interval.
    """
    always = {
        ("deployment", BURST_50): (BASELINE, replacements),
        ("change", READS): (BASELINE, single_changes),
        ("optimisation", BURST_50): (TUNED, leave_one_out_changes),
        ("optimisation", READS): (TUNED, leave_one_out_changes),
    }
    with_interval = {("deployment", scenario): (BASELINE, replacements) for scenario in OTHER_BURSTS}
    with_interval[("addition", BURST_50)] = (TUNED, single_changes)
    tables = {
        (kind, scenario): effect_tables(experiment, baseline, changes(experiment, baseline, scenario), scenario)
        for (kind, scenario), (baseline, changes) in (always | with_interval).items()
    }
    return {key: table for key, table in tables.items() if key in always or _has_interval(table)}


def _has_interval(tables: Sequence[EffectTable]) -> bool:
    return any(effect.interval for table in tables for effect in table.effects)


def duration_effect(experiment: Experiment, before: str, after: str, scenario: str) -> Effect | None:
    """Return the effect of `after` in the place of `before` on the duration of a scenario; None if one has no run."""
    tables = effect_tables(experiment, before, [Change(after, before, after)], scenario)
    return next((table.effects[0] for table in tables if table.metric.column == "makespan_s"), None)


def more_failures_reason(experiment: Experiment, before: str, after: str, scenario: str) -> str:
    """Return why `after` is no improvement of `before` under a scenario: more requests fail; empty where it may be."""
    by_run = experiment.by_run
    reasons = _reasons(by_run[by_run["scenario"] == scenario], [Change(after, before, after)])
    return reasons.get(after, "")


def left_out_pairs(experiment: Experiment, baseline: str, scenario: str) -> list[str]:
    """Return the pairs of optimisations that were left out together, as `<first>-and-<second>`."""
    return [name for _, name in _variants(experiment, baseline + WITHOUT, scenario) if TOGETHER in name]


def interactions(experiment: Experiment, baseline: str, scenario: str) -> dict[str, list[Effect]]:
    """Return how the effect of one optimisation depends on another, by metric: an effect for each pair left out.

    The ratio is the effect of the first (with over without) beside the second, over its effect without the second: 1
    where neither depends on the other, above 1 where having one leaves less for the other to save. Only metrics of
    which less is better.
    """
    by_run = metrics_by_run(experiment)
    by_run = by_run[by_run["scenario"] == scenario]
    pairs = left_out_pairs(experiment, baseline, scenario)
    effects = {}
    for metric in (metric for metric in EFFECT_METRICS if metric.lower_is_better):
        log_ratios = {pair: _interaction(by_run, baseline, pair, metric.column) for pair in pairs}
        comparisons = {pair: paired(logs) for pair, logs in log_ratios.items() if len(logs)}
        if comparisons:
            effects[metric.name] = _evaluate(comparisons, metric)
    return effects


def _interaction(by_run: pd.DataFrame, baseline: str, pair: str, column: str) -> np.ndarray:
    """Interaction of a pair by block: (ln x − ln x₋₁) − (ln x₋₂ − ln x₋₁₂).

    x is the metric with both, x₋₁ and x₋₂ without the first and without the second, x₋₁₂ without both.
    """
    first, second = pair.split(TOGETHER, maxsplit=1)
    names = [baseline, *(f"{baseline}{WITHOUT}{name}" for name in (first, second, pair))]
    values = pd.DataFrame({name: by_block(by_run, name, column) for name in names}).dropna().to_numpy()
    if not values.size or not has_logarithms(values):
        return np.array([])
    both, without_first, without_second, without_both = np.log(values.T)
    return (both - without_first) - (without_second - without_both)


def between_experiments(
    before: Experiment, after: Experiment, left_out: Collection[tuple[str, str]] = ()
) -> list[EffectTable]:
    """Compare two experiments in the arms that both have, by scenario and metric; an effect is named by its deployment.

    Arms (deployment, scenario) in `left_out` are not compared. The two were not measured together: every difference
    contains what changed on the machine in between.
    """
    sides = [_without_arms(metrics_by_run(experiment), left_out) for experiment in (before, after)]
    scenarios = sorted(set(sides[0]["scenario"]) & set(sides[1]["scenario"]))
    tables = [_table_between(sides, scenario, metric) for scenario in scenarios for metric in EFFECT_METRICS]
    return [table for table in tables if table.effects]


def _without_arms(by_run: pd.DataFrame, left_out: Collection[tuple[str, str]]) -> pd.DataFrame:
    arms = zip(by_run["deployment"], by_run["scenario"], strict=True)
    return by_run[np.array([arm not in left_out for arm in arms], dtype=bool)]


def _table_between(sides: Sequence[pd.DataFrame], scenario: str, metric: EffectMetric) -> EffectTable:
    before, after = (side[side["scenario"] == scenario] for side in sides)
    deployments = sorted(set(before["deployment"]) & set(after["deployment"]))
    measured = {name: tuple(by_block(side, name, metric.column) for side in (before, after)) for name in deployments}
    values = {name: pair for name, pair in measured.items() if all(map(len, pair)) and any(side.any() for side in pair)}
    above_zero = {name: pair for name, pair in values.items() if all(has_logarithms(side.to_numpy()) for side in pair)}
    comparisons = {name: unpaired(*map(np.log, pair)) for name, pair in above_zero.items()}
    tested = {effect.name: effect for effect in _evaluate(comparisons, metric)}
    effects = [
        tested.get(name) or degenerate_effect(name, *pair, lower_is_better=metric.lower_is_better)
        for name, pair in values.items()
    ]
    reasons = {
        name: more_failures(*(failure_counts(_of(side, name)) for side in (before, after)), is_paired=False)
        for name in values
    }
    changes = tuple(Change(name, name, name) for name in values)
    return EffectTable(scenario, metric, changes, tuple(without_failing(effects, reasons)), None)


def _of(by_run: pd.DataFrame, deployment: str) -> pd.DataFrame:
    return by_run[by_run["deployment"] == deployment]
