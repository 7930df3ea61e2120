"""What an experiment has decided at a look: whether more blocks are needed."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from workbench import declared_arms, primary_metrics
from workbench.recording import Experiment, open_experiment

from .ablation import all_effect_tables, between_deployments
from .effect_tables import EffectTable
from .running_effects import baseline_of
from .stats.confidence import MIN_BLOCKS

INCONCLUSIVE, NOT_MEASURED = "inconclusive", "not measured"

Compared = tuple[str, str, frozenset[str]]  # a metric, a scenario, and the two arms


def inconclusive(directory: Path) -> list[str]:
    """The primary comparisons of an experiment that more blocks could decide, each in words.

    A metric that has no value although both arms ran is not measured, and no block would decide it.
    """
    experiment = open_experiment(directory)
    verdicts = dict(_verdicts(experiment))
    return [
        f"{primary.metric} of {after} under {primary.scenario}"
        for primary in primary_metrics.declared(experiment.record) or ()
        for after in primary.deployments
        if _verdict(experiment, verdicts, primary.metric, primary.scenario, after) == INCONCLUSIVE
    ]


def _verdict(experiment: Experiment, verdicts: Mapping[Compared, str], metric: str, scenario: str, after: str) -> str:
    arms = {after, baseline_of(experiment.record, scenario, after)} - {""}
    is_measured = all(experiment.blocks(name, scenario) >= MIN_BLOCKS for name in arms)
    return verdicts.get((metric, scenario, frozenset(arms)), NOT_MEASURED if is_measured else INCONCLUSIVE)


def _verdicts(experiment: Experiment) -> Iterator[tuple[Compared, str]]:
    """Yield the verdict of each effect on a primary metric."""
    for table in _tables(experiment):
        for change, effect in zip(table.changes, table.effects, strict=True):
            if effect.verdict != "reported":
                yield (table.metric.column, table.scenario, frozenset((change.before, change.after))), effect.verdict


def _tables(experiment: Experiment) -> list[EffectTable]:
    arms = [arm.name for arm in declared_arms.declared(experiment.record)]
    return between_deployments(experiment, *arms) if arms else list(chain(*all_effect_tables(experiment).values()))
