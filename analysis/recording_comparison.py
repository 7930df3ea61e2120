"""Comparison of two recordings, the second over the first: two runs, or two experiments."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbench import comparability, imported
from workbench.errors import RecordingError
from workbench.recording import Experiment, Run

from . import ablation, environment_facts
from .environment_facts import FactChange, load_differences
from .findings import wording
from .metrics.effect_metrics import EffectMetric
from .stats.confidence import MIN_BLOCKS
from .stats.hypothesis import Effect

Arm = tuple[str, str]  # deployment and scenario
Warn = Callable[[str], object]  # takes one warning, a sentence
MAX_NAMED = 3  # runs in a warning
ORDER = ("regression", "improvement", "inconclusive", "equivalent")  # of verdicts, as a reader needs them


@dataclass(frozen=True)
class ComparedMetric:
    """One metric of one arm of both experiments; `verdict` is None where none is given."""

    metric: EffectMetric
    scenario: str
    effect: Effect
    verdict: str | None

    @property
    def name(self) -> str:
        """The metric and the arm, in words."""
        return f"{self.metric.name} of {self.effect.name} under {self.scenario}"

    def size(self) -> float:
        """The distance of the ratio from 1 on the log scale."""
        if math.isnan(self.effect.ratio):
            return 0.0
        return abs(math.log(self.effect.ratio)) if 0 < self.effect.ratio < math.inf else math.inf


@dataclass(frozen=True)
class ExperimentComparison:
    """The effects between two experiments, `after` over `before`.

    `left_out` are the arms of both whose loads are not the same, with the names of the fields in which they differ.
    `changes` are the facts that the two do not share: where one of them is decisive, no metric gets a verdict. With
    `is_imported` one of them is of another tool, and such facts are not on record.
    """

    before: Experiment
    after: Experiment
    tables: tuple[ablation.EffectTable, ...]
    left_out: Mapping[Arm, Sequence[str]]
    changes: tuple[FactChange, ...] = ()
    is_imported: bool = False

    def decisive_changes(self) -> list[FactChange]:
        """Return the changes of machine or data because of which nothing gets a verdict."""
        return [change for change in self.changes if change.is_decisive]

    def metrics(self) -> list[ComparedMetric]:
        """Return every metric that was compared: by verdict, those without one last, and then the largest first."""
        compared = [
            ComparedMetric(table.metric, table.scenario, effect, self.verdict_of(effect))
            for table in self.tables
            for effect in table.effects
        ]
        return sorted(compared, key=lambda each: (_rank(each.verdict), -each.size()))

    def verdict_of(self, effect: Effect) -> str | None:
        """Return the verdict of an effect; None for few blocks, other machines, and metrics that are not primary."""
        has_too_few = effect.verdict == "inconclusive" and effect.interval is None and effect.blocks < MIN_BLOCKS
        return None if self.decisive_changes() or has_too_few or effect.verdict not in ORDER else effect.verdict

    def counts(self) -> dict[str, int]:
        """Return the number of metrics with each verdict, in the order of `ORDER`."""
        verdicts = [each.verdict for each in self.metrics()]
        return {verdict: verdicts.count(verdict) for verdict in ORDER}

    def compared_arms(self) -> list[Arm]:
        """Return the arms that were compared, each once."""
        return list(dict.fromkeys((effect.name, table.scenario) for table in self.tables for effect in table.effects))

    def missing_arms(self) -> list[Arm]:
        """Return the arms of the first experiment that were not compared with a usable run of the second."""
        before, after = ({(run.deployment, run.scenario) for run in side.usable} for side in (self.before, self.after))
        return sorted(before - (after - self.left_out.keys()))

    def has_verdict(self) -> bool:
        """True if any metric has a verdict."""
        return any(self.counts().values())

    def regressions(self) -> list[str]:
        """Return the certain regressions, a phrase each.

        These are the metrics with that verdict, of which one with an interval counts only if the whole interval is
        worse than the equivalence margin.
        """
        return [
            f"{each.name} {wording.ratio_with_interval(each.effect)}"
            for each in self.metrics()
            if each.verdict == "regression" and (each.effect.interval is None or is_certain(each.effect, each.metric))
        ]


def _rank(verdict: str | None) -> int:
    return ORDER.index(verdict) if verdict else len(ORDER)


def is_certain(effect: Effect, metric: EffectMetric) -> bool:
    """True if the whole interval is worse than the equivalence margin."""
    if effect.interval is None:
        return False
    low, high = effect.interval
    margin = metric.equivalence_margin
    return low > 1 + margin if metric.lower_is_better else high < 1 / (1 + margin)


def compare_experiments(
    before: Experiment,
    after: Experiment,
    warn: Warn,
    *,
    across_machines: bool = False,
) -> ExperimentComparison:
    """Compare two experiments in the arms that both have; `warn` receives facts that may matter.

    Raises `RecordingError` where they cannot be compared: for records that were changed, for experiments without a
    usable run or an arm in common, and for those of different machines or data, unless `across_machines` asks for
    their values without a verdict.
    """
    if before.directory.resolve() == after.directory.resolve():
        raise RecordingError(f"both are {before.name}; there is nothing to compare")
    for experiment in (before, after):
        _require_usable(experiment, warn)
    changes = environment_facts.changes(*map(environment_facts.facts_of, (before, after)))
    decisive = [change for change in changes if change.is_decisive]
    if decisive and not across_machines:
        raise RecordingError(f"the recordings differ in their {_listed(decisive)} and cannot be compared")
    if changes:
        warn(f"the recordings differ in their {_listed(changes)}")
    left_out = _arms_with_other_loads(before, after)
    for (deployment, scenario), names in left_out.items():
        warn(f"{deployment} under {scenario} is left out: its loads differ in {', '.join(names)}")
    tables = ablation.between_experiments(before, after, left_out)
    if not tables:
        raise RecordingError(f"{before.name} and {after.name} have no arm in common and cannot be compared")
    is_imported = any(imported.is_imported(side.record) for side in (before, after))
    return ExperimentComparison(before, after, tuple(tables), left_out, tuple(changes), is_imported)


def _listed(changes: Sequence[FactChange]) -> str:
    return ", ".join(map(str, changes))


def _require_usable(experiment: Experiment, warn: Warn) -> None:
    if problems := experiment.own_problems():
        raise RecordingError(
            f"experiment {experiment.name} was changed, and cannot be compared: {problems[0]}; see python -m reports "
            f"verify {experiment.name}"
        )
    by_defect = defaultdict(list)
    for run in experiment.runs:
        for defect in run.defects:
            by_defect[str(defect)].append(run.name)
    for text, names in by_defect.items():
        others = f" and {len(names) - MAX_NAMED} more runs" if len(names) > MAX_NAMED else ""
        warn(f"{experiment.name}/{', '.join(names[:MAX_NAMED])}{others}: {text}")
    if not experiment.usable:
        raise RecordingError(f"{experiment.name} has no complete, valid and readable run and cannot be compared")


def _arms_with_other_loads(before: Experiment, after: Experiment) -> dict[Arm, list[str]]:
    """Arms of both whose loads are not the same, with the names of the fields in which they differ."""
    arms = {}
    for run in before.usable:
        arm = (run.deployment, run.scenario)
        if names := sorted({name for other in after.find(*arm) for name in load_differences(run, other)}):
            arms[arm] = names
    return arms


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
    if names := load_differences(first, second):
        raise RecordingError(f"the loads differ in {', '.join(names)} and cannot be compared")


def _require_same_environment(first: Run, second: Run, warn: Warn) -> None:
    """Raise `RecordingError` for a difference that rules out a comparison; warn of one that may matter."""
    records = [first.record, second.record]
    if names := comparability.differences(records, comparability.DECISIVE):
        raise RecordingError(f"the recordings differ in their {' and '.join(names)} and cannot be compared")
    if names := comparability.differences(records, comparability.REPORTED):
        warn(f"the recordings differ in their {', '.join(names)}")
