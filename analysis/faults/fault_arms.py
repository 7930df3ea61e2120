"""The arms of an experiment with a fault: their runs, what came of each, or why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench import left_out_arms
from workbench.arms import ADVISED, BASELINE, CLAIMED
from workbench.faults import KINDS, PREFIX, FaultKind, kind_of
from workbench.recording import Experiment, Run

from .fault_outcome import FaultOutcome, not_made_reason, outcome_of
from .fault_targets import missed_targets

PUBLISHED = (BASELINE, CLAIMED, ADVISED)


@dataclass(frozen=True, eq=False)
class FaultArm:
    """A deployment under a fault: all of its runs, and why it was left out where it was."""

    experiment: Experiment
    deployment: str
    kind: FaultKind
    runs: Sequence[Run]
    left_out: str

    @property
    def scenario(self) -> str:
        return f"{PREFIX}{self.kind.name}"

    @property
    def is_published(self) -> bool:
        """Whether its settings are those of the published report, or differ from them in one thing."""
        return self.deployment.startswith(PUBLISHED)

    @cached_property
    def made(self) -> list[tuple[Run, FaultOutcome]]:
        """The runs that can be judged, in which the fault was made, each with its outcome."""
        runs = [run for run in self.runs if self._is_judged(run) and not not_made_reason(run)]
        return [(run, outcome) for run in runs if (outcome := outcome_of(run)) is not None]

    def _is_judged(self, run: Run) -> bool:
        """A run that a fault ends has no valid end; what it recorded until then is what counts."""
        if run.was_ended_by_fault:
            return run.is_readable() and not self.experiment.mismatches
        return self.experiment.is_usable(run)

    @cached_property
    def missed(self) -> list[str]:
        """The targets that any of its runs misses, with by how much; those of the run that misses most."""
        lists = [missed_targets(outcome, run.record["deployment"]["settings"]) for run, outcome in self.made]
        return max(lists, key=len, default=[])

    @cached_property
    def worst(self) -> FaultOutcome | None:
        """The outcome of the run that misses the most targets; of several the one with the longest request."""
        return max((outcome for _, outcome in self.made), key=self._rank, default=None)

    def _rank(self, outcome: FaultOutcome) -> tuple[int, float]:
        run = next(run for run, each in self.made if each is outcome)
        return len(missed_targets(outcome, run.record["deployment"]["settings"])), outcome.longest_ms or 0.0

    @property
    def not_run(self) -> str:
        """Why no run of it can be judged: it was left out, or its fault could not be made; empty where one was made."""
        if self.made:
            return ""
        reasons = [self.left_out, *(not_made_reason(run) for run in self.runs)]
        return next((reason for reason in reasons if reason), "")

    @property
    def invalid(self) -> str:
        """Why its runs are not valid, where it has some and none can be judged; empty elsewhere."""
        if self.made or self.not_run:
            return ""
        reasons = (f"{run.name}: {reason}" for run in self.runs for reason in (*run.record["reasons"], *run.defects))
        return next(reasons, "no run of it ended by itself" if self.runs else "")


def fault_arms(experiment: Experiment) -> list[FaultArm]:
    """The arms of an experiment that have a fault, in the order of the catalogue, with the arms that were left out."""
    left_out = [entry for entry in experiment.record.get(left_out_arms.KEY) or () if kind_of(entry["scenario"])]
    recorded = [(run.deployment, run.scenario) for run in experiment.runs if kind_of(run.scenario)]
    arms = dict.fromkeys([*recorded, *((entry["deployment"], entry["scenario"]) for entry in left_out)])
    order = list(KINDS)
    chosen = [_arm(experiment, *arm) for arm in arms]
    return sorted(chosen, key=lambda arm: (arm.is_published, order.index(arm.kind.name)))


def _arm(experiment: Experiment, deployment: str, scenario: str) -> FaultArm:
    kind = kind_of(scenario)
    assert kind is not None  # the arms are chosen by it
    runs = [run for run in experiment.runs if (run.deployment, run.scenario) == (deployment, scenario)]
    reason = left_out_arms.reason_for(experiment.record, deployment, [scenario])
    return FaultArm(experiment, deployment, kind, runs, reason)
