"""The finding, the one type that every evaluation of an experiment ends in, and the claim from which it is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from workbench import imported, left_out_arms
from workbench.recording import Experiment, Run

from ..soak.growth import FALLS, FLAT, GROWS
from .queries import query_of

PASS, FAIL, NOT_MEASURED = "pass", "fail", "not measured"
IMPROVEMENT, REGRESSION, EQUIVALENT, INCONCLUSIVE = "improvement", "regression", "equivalent", "inconclusive"
INVALID = "invalid"  # nothing of what was measured is valid
REPORTED, REPRODUCED, NOT_REPRODUCED = "reported", "reproduced", "not reproduced"
FOLLOW, DO_NOT_FOLLOW = "follow", "do not follow"


class Kind(NamedTuple):
    """A kind of finding: the title of its table in `summary.md`, and its verdicts beside those that all kinds have."""

    title: str
    verdicts: tuple[str, ...]


TEST = (PASS, FAIL)
COMPARISON = (IMPROVEMENT, REGRESSION, EQUIVALENT, INCONCLUSIVE)
KINDS = {
    "checklist": Kind("The published checklist", TEST),
    "published-value": Kind("The published values, measured on another machine", (REPORTED,)),
    "published-ratio": Kind(
        "What does not depend on the machine in the published report", (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE)
    ),
    "published-setup": Kind("The published setup", (*TEST, INCONCLUSIVE)),
    "advice": Kind("The published advice", (FOLLOW, DO_NOT_FOLLOW, INCONCLUSIVE)),
    "objective": Kind("Objectives", TEST),
    "fault": Kind("Under faults", TEST),
    "published-fault": Kind("Under faults, with published settings", TEST),
    "effect": Kind("Effects of changes (metric with the change / without it, 95 % intervals)", (*COMPARISON, REPORTED)),
    "baseline": Kind("Changes against the baseline", COMPARISON),
    "explanation": Kind("Explanations: saturated resources, growth of the tail, query plans", (REPORTED,)),
    "capacity": Kind("Capacities", (REPORTED,)),
    "prediction": Kind("Predictions", (*TEST, INCONCLUSIVE)),
    "soak": Kind("Resources over a soak (growth in it, 90 % intervals)", (FLAT, GROWS, FALLS, INCONCLUSIVE)),
    "measurement": Kind("Measured values", (REPORTED,)),
    "overload": Kind("Overload", (*TEST, REPORTED)),
}


@dataclass(frozen=True)
class Finding:
    """One claim with its verdict and its evidence; one entry of `findings.json`.

    kind       a key of `KINDS`, which lists the verdicts that are possible
    evidence   one sentence with the measured values
    effect     the value that decides. Of a published value or ratio: measured / published. Of a change: the metric with
               the change / without it. Of a capacity: the largest sustained load.
               Under a fault: the number of targets missed.
    n          number of blocks of an effect or a published ratio, otherwise number of runs
    runs       names of the runs behind it
    command    the shell commands that repeat these runs
    interval   of `effect`, at `level`; None below four blocks. Of a published value or ratio: where one more run would
               lie. Of a capacity: the bracket, without a level.
    bound      the value that `effect` is compared with, if it is a number
    minimum_detectable_effect, blocks_required, minutes_required
               of an effect: the smallest ratio above 1 that the experiment detects, the blocks that would decide, and
               the minutes that they take, see `effort`
    query      SQL over the request rows that gives the values behind it, run by run; empty without runs

    Raises ValueError for an unknown kind, or a verdict that its kind does not have.
    """

    id: str
    kind: str
    claim: str
    verdict: str
    evidence: str
    effect: float | None
    n: int
    runs: tuple[str, ...]
    command: str
    interval: tuple[float, float] | None = None
    level: float | None = None
    bound: float | None = None
    minimum_detectable_effect: float | None = None
    blocks_required: int | None = None
    minutes_required: float | None = None
    query: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.id}: unknown kind of finding {self.kind!r}")
        if self.verdict not in (*KINDS[self.kind].verdicts, NOT_MEASURED, INVALID):
            raise ValueError(f"{self.id}: a finding of kind {self.kind} has no verdict {self.verdict!r}")


@dataclass(frozen=True)
class Claim:
    """A claim to evaluate on an experiment; each of its methods returns the finding."""

    experiment: Experiment
    kind: str
    id: str
    text: str

    def finding(
        self,
        verdict: str,
        evidence: str,
        runs: Iterable[Run] = (),
        *,
        effect: float | None = None,
        interval: tuple[float, float] | None = None,
        level: float | None = None,
        bound: float | None = None,
        n: int | None = None,
    ) -> Finding:
        """The finding with this verdict. `level` is that of the interval, if there is one; `n` defaults to the runs."""
        runs = tuple(runs)
        return Finding(
            id=self.id,
            kind=self.kind,
            claim=self.text,
            verdict=verdict,
            evidence=evidence,
            effect=effect,
            n=len(runs) if n is None else n,
            runs=tuple(run.name for run in runs),
            command=_command(self.experiment, runs),
            interval=interval,
            level=level if interval else None,
            bound=bound,
            query=query_of(self.id, runs),
        )

    def pass_if(
        self,
        condition: bool | None,
        evidence: str,
        runs: Iterable[Run],
        *,
        columns: Iterable[str] = (),
        effect: float | None = None,
        interval: tuple[float, float] | None = None,
        level: float | None = None,
        bound: float | None = None,
    ) -> Finding:
        """`pass` or `fail` by the condition. None is `not measured`, and so is a run without one of these `columns`."""
        runs = tuple(runs)
        for run in runs:
            if defect := run.defect_of(*columns):
                return self.not_measured(f"{run.name}: {defect}", runs)
        verdict = NOT_MEASURED if condition is None else PASS if condition else FAIL
        return self.finding(verdict, evidence, runs, effect=effect, interval=interval, level=level, bound=bound)

    def reported(
        self,
        evidence: str,
        runs: Iterable[Run],
        *,
        effect: float | None,
        interval: tuple[float, float] | None = None,
        level: float | None = None,
        bound: float | None = None,
    ) -> Finding:
        """`reported`: a value without a test. Without runs or a value it is `not measured`."""
        runs = tuple(runs)
        verdict = REPORTED if runs and effect is not None else NOT_MEASURED
        return self.finding(verdict, evidence, runs, effect=effect, interval=interval, level=level, bound=bound)

    def not_measured(self, evidence: str, runs: Iterable[Run] = ()) -> Finding:
        """The finding that the runs do not answer; `evidence` says what is missing."""
        return self.finding(NOT_MEASURED, evidence, runs)

    def not_run(self, deployment: str, *scenarios: str) -> Finding:
        """The finding that no valid run of any of these arms exists: *invalid* where there are others."""
        text = f"no valid run of {' or '.join(scenarios)} on {deployment}"
        if reason := left_out_arms.reason_for(self.experiment.record, deployment, scenarios):
            text += f": {reason}"
        runs = [run for run in self.experiment.runs if run.deployment == deployment and run.scenario in scenarios]
        if not runs or set(runs) & set(self.experiment.usable):
            return self.not_measured(text)
        reasons = (f"{run.name}: {reason}" for run in runs for reason in (*run.record["reasons"], *run.defects))
        return self.finding(INVALID, f"{text}: {next(reasons, 'none ended by itself')}")


def _command(experiment: Experiment, runs: Iterable[Run]) -> str:
    """The shell commands that repeat these runs, one for each arm; none for imported ones."""
    if imported.is_imported(experiment.record):
        return ""
    scale = experiment.record["scale"]
    arms = dict.fromkeys((run.deployment, run.scenario) for run in runs)
    return "; ".join(
        f"python -m loadgen run --deployment {deployment} --scenario {scenario} --scale {scale}"
        for deployment, scenario in arms
    )
