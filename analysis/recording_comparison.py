"""Comparison of two recordings, the second over the first: two runs, or two experiments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbench import comparability
from workbench.errors import RecordingError
from workbench.recording import Experiment, Run

from . import ablation
from .findings import wording
from .metrics.effect_metrics import EffectMetric
from .stats.hypothesis import Effect

LOAD_FIELDS = ("processes", "locustfile")  # of a run's record: the load depends on them as on its scenario
Arm = tuple[str, str]  # deployment and scenario
Warn = Callable[[str], object]  # takes one warning, a sentence


@dataclass(frozen=True)
class ExperimentComparison:
    """The effects between two experiments, `after` over `before`.

    `left_out` are the arms of both whose loads are not the same, with the names of the fields in which they differ.
    """

    before: Experiment
    after: Experiment
    tables: tuple[ablation.EffectTable, ...]
    left_out: Mapping[Arm, Sequence[str]]

    def missing_arms(self) -> list[Arm]:
        """Return the arms of the first experiment that were not compared with a usable run of the second."""
        before, after = ({(run.deployment, run.scenario) for run in side.usable} for side in (self.before, self.after))
        return sorted(before - (after - self.left_out.keys()))

    def has_interval(self) -> bool:
        """True if any arm has enough blocks in both experiments for a verdict."""
        return any(effect.interval for table in self.tables for effect in table.effects)

    def regressions(self) -> list[str]:
        """Return the certain regressions, a phrase each.

        These are the effects with that verdict, of which one with an interval counts only if the whole interval is
        worse than the equivalence margin.
        """
        regressions = [
            (table.metric, table.scenario, effect)
            for table in self.tables
            for effect in table.effects
            if effect.verdict == "regression" and (effect.interval is None or is_certain(effect, table.metric))
        ]
        return [
            f"{metric.name} of {effect.name} under {scenario} {wording.ratio_with_interval(effect)}"
            for metric, scenario, effect in regressions
        ]


def is_certain(effect: Effect, metric: EffectMetric) -> bool:
    """True if the whole interval is worse than the equivalence margin."""
    if effect.interval is None:
        return False
    low, high = effect.interval
    margin = metric.equivalence_margin
    return low > 1 + margin if metric.lower_is_better else high < 1 / (1 + margin)


def compare_experiments(
    before: Experiment, after: Experiment, warn: Warn, *, only_primary: bool = False
) -> ExperimentComparison:
    """Compare two experiments in the arms that both have; `warn` receives facts that may matter.

    With `only_primary` the other metrics than those that `after` declared as primary get no verdict.
    Raises `RecordingError` where they cannot be compared.
    """
    if before.directory.resolve() == after.directory.resolve():
        raise RecordingError(f"both are {before.name}; there is nothing to compare")
    for experiment in (before, after):
        _require_usable(experiment, warn)
    _require_same_environment(before.usable[0], after.usable[0], warn)
    left_out = _arms_with_other_loads(before, after)
    for (deployment, scenario), names in left_out.items():
        warn(f"{deployment} under {scenario} is left out: its loads differ in {', '.join(names)}")
    tables = ablation.between_experiments(before, after, left_out, only_primary=only_primary)
    if not tables:
        raise RecordingError(f"{before.name} and {after.name} have no arm in common and cannot be compared")
    return ExperimentComparison(before, after, tuple(tables), left_out)


def _require_usable(experiment: Experiment, warn: Warn) -> None:
    for run in experiment.runs:
        for defect in run.defects:
            warn(f"{experiment.name}/{run.name}: {defect}")
    if not experiment.usable:
        raise RecordingError(f"{experiment.name} has no complete, valid and readable run and cannot be compared")


def _arms_with_other_loads(before: Experiment, after: Experiment) -> dict[Arm, list[str]]:
    """Arms of both whose loads are not the same, with the names of the fields in which they differ."""
    arms = {}
    for run in before.usable:
        arm = (run.deployment, run.scenario)
        if names := sorted({name for other in after.find(*arm) for name in _load_differences(run, other)}):
            arms[arm] = names
    return arms


def _load_differences(first: Run, second: Run) -> list[str]:
    loads = [run.record["scenario"] | {name: run.record.get(name) for name in LOAD_FIELDS} for run in (first, second)]
    return sorted(name for name in loads[0].keys() | loads[1].keys() if loads[0].get(name) != loads[1].get(name))


def _require_same_environment(first: Run, second: Run, warn: Warn) -> None:
    """Raise `RecordingError` for a difference that rules out a comparison; warn of one that may matter."""
    records = [first.record, second.record]
    if names := comparability.differences(records, comparability.DECISIVE):
        raise RecordingError(f"the recordings differ in their {' and '.join(names)} and cannot be compared")
    if names := comparability.differences(records, comparability.REPORTED):
        warn(f"the recordings differ in their {', '.join(names)}")


def require_comparable_runs(first: Run, second: Run, warn: Warn) -> None:
    """Raise `RecordingError` where two runs cannot be compared; `warn` receives facts that may matter."""
    for run in (first, second):
        if not run.record["valid"]:
            reasons = "; ".join(run.record["reasons"]) or "it did not end by itself"
            raise RecordingError(f"{run.name} is not valid ({reasons}) and cannot be compared")
        if run.totals is None:
            reason = "; ".join(map(str, run.defects)) or "it has no measured requests"
            raise RecordingError(f"{run.name} cannot be compared: {reason}")
    _require_same_environment(first, second, warn)
    if first.scenario != second.scenario:
        raise RecordingError(f"{first.scenario} and {second.scenario} are different loads and cannot be compared")
    if names := _load_differences(first, second):
        raise RecordingError(f"the loads differ in {', '.join(names)} and cannot be compared")
