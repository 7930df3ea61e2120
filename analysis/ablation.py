"""The changes that an experiment measured, and their effects on each metric.

A change is a deployment in the place of another one: with an optimisation instead of without it, or another main
deployment instead of the baseline. Effects are paired by block where both sides belong to one experiment.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

import numpy as np
import pandas as pd

from workbench import primary_metrics
from workbench.arms import (
    BASELINE,
    BURST_25,
    BURST_50,
    BURST_50_MIX,
    BURST_100,
    MAIN_DEPLOYMENTS,
    READS,
    SUSTAINED_100,
    TOGETHER,
    TUNED,
    WITH,
    WITHOUT,
)
from workbench.primary_metrics import PrimaryMetric
from workbench.recording import Experiment

from .effect_tables import (
    Change,
    EffectTable,
    MeasuredTable,
    compared_arms,
    evaluate_tables,
    failure_reasons,
    measured_tables,
)
from .experiment_looks import level_of
from .metrics.effect_metrics import EFFECT_METRICS, by_block, metrics_by_run
from .stats.degenerate_effect import has_logarithms
from .stats.hypothesis import ComparisonTable, Effect, evaluate_family, paired

UNPREFIXED_VARIANTS = {"cross-region": BASELINE}  # variants whose name does not begin with that of their baseline
SUCCESS = "success_share"  # the column of the share of successful responses
DURATION = "makespan_s"
OTHER_BURSTS = (BURST_25, BURST_100, BURST_50_MIX)


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
    """Evaluate changes of or to the baseline, by each metric that was measured on both sides, as a family of their own.

    `all_effect_tables` returns the verdicts of a report, which correct for everything else that it compares.
    """
    tables = measured_tables(metrics_by_run(experiment), baseline, changes, scenario)
    return evaluate_tables(tables, level_of(experiment))


@lru_cache(maxsize=4)
def all_effect_tables(experiment: Experiment) -> dict[tuple[str, str], list[EffectTable]]:
    """Return all effects that an experiment measured, in the order of the report.

    A key is the kind of change (`deployment`, `change`, `optimisation` or `addition`) and the scenario. Kinds that few
    experiments measure are returned only if a table has an interval. All tables are one family: Holm's correction is
    over all of their comparisons of primary metrics, and the others get no verdict.
    """
    always = {
        ("deployment", BURST_50): (BASELINE, replacements),
        ("change", READS): (BASELINE, single_changes),
        ("optimisation", BURST_50): (TUNED, leave_one_out_changes),
        ("optimisation", READS): (TUNED, leave_one_out_changes),
    }
    with_interval = {("deployment", scenario): (BASELINE, replacements) for scenario in OTHER_BURSTS}
    with_interval |= {("addition", scenario): (TUNED, single_changes) for scenario in (BURST_50, SUSTAINED_100)}
    with_interval[("optimisation", SUSTAINED_100)] = (TUNED, leave_one_out_changes)
    by_run = metrics_by_run(experiment)
    measured = {
        (kind, scenario): [
            _with_primary(table, experiment, baseline)
            for table in measured_tables(by_run, baseline, changes(experiment, baseline, scenario), scenario)
        ]
        for (kind, scenario), (baseline, changes) in (always | with_interval).items()
    }
    evaluated = iter(evaluate_tables(list(chain.from_iterable(measured.values())), level_of(experiment)))
    tables = {key: [next(evaluated) for _ in tables] for key, tables in measured.items()}
    return {key: table for key, table in tables.items() if key in always or _has_interval(table)}


def _with_primary(table: MeasuredTable, experiment: Experiment, baseline: str) -> MeasuredTable:
    """The table with the names of the changes whose metric the experiment declared as primary."""
    declared = primary_metrics.declared(experiment.record)
    if declared is None:
        return table
    compared = {change.name: change.before if change.after == baseline else change.after for change in table.changes}
    return replace(
        table,
        primary=frozenset(
            name
            for name, deployment in compared.items()
            if primary_metrics.is_primary(declared, table.metric.column, table.scenario, deployment)
        ),
    )


def _has_interval(tables: Sequence[EffectTable]) -> bool:
    return any(effect.interval for table in tables for effect in table.effects)


def comparisons_in(tables: Sequence[EffectTable]) -> int:
    """Return over how many comparisons the verdicts of these tables, all of a family, are corrected."""
    return sum(effect.p_holm is not None for table in tables for effect in table.effects)


def duration_effect(experiment: Experiment, before: str, after: str, scenario: str) -> Effect | None:
    """Return the effect of `after` in the place of `before` on the duration of a scenario, as `effect_between`."""
    return effect_between(experiment, before, after, scenario, DURATION)


def effect_between(experiment: Experiment, before: str, after: str, scenario: str, metric: str) -> Effect | None:
    """Return the effect of `after` in the place of `before` on a metric of a scenario; None if one has no run.

    It is the one that the report shows, where that compares the two, so that both have the same interval; else a family
    of its own.
    """
    if shown := effect_of(experiment, before, after, scenario, metric):
        return shown
    changes, metrics = [Change(after, before, after)], [each for each in EFFECT_METRICS if each.column == metric]
    measured = measured_tables(metrics_by_run(experiment), before, changes, scenario, metrics)
    tables = evaluate_tables(measured, level_of(experiment))
    return tables[0].effects[0] if tables else None


def effect_of(experiment: Experiment, before: str, after: str, scenario: str, metric: str) -> Effect | None:
    """Return the effect of one deployment in the place of another, with the report's verdict; None if not compared."""
    for table in chain.from_iterable(all_effect_tables(experiment).values()):
        if (table.scenario, table.metric.column) == (scenario, metric):
            for change, effect in zip(table.changes, table.effects, strict=True):
                if (change.before, change.after) == (before, after):
                    return effect
    return None


def more_failures_reason(experiment: Experiment, before: str, after: str, scenario: str) -> str:
    """Return why `after` is no improvement of `before` under a scenario: more requests fail; empty where it may be."""
    by_run = experiment.by_run
    reasons = failure_reasons(by_run[by_run["scenario"] == scenario], [Change(after, before, after)])
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
    measured = {}
    for metric in (metric for metric in EFFECT_METRICS if metric.lower_is_better):
        log_ratios = {pair: _interaction(by_run, baseline, pair, metric.column) for pair in pairs}
        comparisons = {pair: paired(logs) for pair, logs in log_ratios.items() if len(logs)}
        if comparisons:
            measured[metric.name] = ComparisonTable(comparisons, metric.equivalence_margin)
    return dict(zip(measured, evaluate_family(list(measured.values()), level_of(experiment)), strict=True))


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


def between_deployments(experiment: Experiment, before: str, *others: str) -> list[EffectTable]:
    """Compare deployments of an experiment with one, paired by block, by scenario and metric.

    The primary metrics of all of them are one family. Empty where no scenario has usable runs of both sides.
    """
    by_run = metrics_by_run(experiment)
    scenarios = sorted({run.scenario for run in experiment.runs_of(before)})
    changes = {
        name: [Change(after, before, after) for after in others if experiment.find(after, name)] for name in scenarios
    }
    tables = [table for name in scenarios for table in measured_tables(by_run, before, changes[name], name)]
    return evaluate_tables([_with_primary(table, experiment, before) for table in tables], level_of(experiment))


def between_experiments(
    before: Experiment, after: Experiment, left_out: Collection[tuple[str, str]] = ()
) -> list[EffectTable]:
    """Compare two experiments in the arms that both have, by scenario and metric; an effect is named by its deployment.

    Arms (deployment, scenario) in `left_out` are not compared. The two were not measured together: every difference
    contains what changed on the machine in between. Where either declared primary metrics, only those get a verdict
    that each which declared any has among them.
    """
    declared = [primary for side in (before, after) if (primary := primary_metrics.declared(side.record)) is not None]
    sides = [_without_arms(metrics_by_run(experiment), left_out) for experiment in (before, after)]
    scenarios = sorted(set(sides[0]["scenario"]) & set(sides[1]["scenario"]))
    tables = [table for scenario in scenarios for table in _tables_between(sides, scenario)]
    return evaluate_tables([_with_declared(table, declared) for table in tables if table.changes])


def _with_declared(table: MeasuredTable, declared: Sequence[Sequence[PrimaryMetric]]) -> MeasuredTable:
    """The table of two experiments with the names of the deployments whose metric both declared as primary."""
    if not declared:
        return table
    names = (change.name for change in table.changes)
    return replace(
        table,
        primary=frozenset(name for name in names if all(_is_declared(each, table, name) for each in declared)),
    )


def _is_declared(primary: Sequence[PrimaryMetric], table: MeasuredTable, deployment: str) -> bool:
    """True for a declared metric of a deployment, or of a baseline, which is the other side of each effect on it.

    The share of successful responses is tested beside it: without successes no other metric means anything.
    """
    return any(
        each.scenario == table.scenario
        and table.metric.column in (each.metric, SUCCESS)
        and deployment in (*each.deployments, BASELINE, TUNED)
        for each in primary
    )


def _without_arms(by_run: pd.DataFrame, left_out: Collection[tuple[str, str]]) -> pd.DataFrame:
    arms = zip(by_run["deployment"], by_run["scenario"], strict=True)
    return by_run[np.array([arm not in left_out for arm in arms], dtype=bool)]


def _tables_between(sides: Sequence[pd.DataFrame], scenario: str) -> Iterator[MeasuredTable]:
    """Yield a table for each metric, with the deployments that both sides ran under the scenario."""
    runs = [side[side["scenario"] == scenario] for side in sides]
    deployments = sorted(set(runs[0]["deployment"]) & set(runs[1]["deployment"]))
    for metric in EFFECT_METRICS:
        yield compared_arms(metric, scenario, dict.fromkeys(deployments, runs))


def unknown_primary_metrics(experiment: Experiment) -> list[str]:
    """Return the metrics that an experiment declared as primary and that this version does not know, each once."""
    known = {metric.column for metric in EFFECT_METRICS}
    declared = primary_metrics.declared(experiment.record) or ()
    return list(dict.fromkeys(each.metric for each in declared if each.metric not in known))
