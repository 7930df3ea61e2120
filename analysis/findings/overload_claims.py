"""What an overload does to a deployment: a finding for each value of each multiple of its base rate.

A multiple without a valid run has one finding, that of its goodput, which says why.
"""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from workbench import left_out_arms
from workbench.arms import BASELINE, LIMITED, OVERLOADS
from workbench.recorded_experiment import planned
from workbench.recording import Experiment, Run

from ..metrics.goodput import LOGIN_OBJECTIVE_MS, MAX_LATE_S, READ_OBJECTIVE_MS, Counts, Overload, of_run
from .finding import FAIL, INVALID, PASS, REPORTED, Claim, Finding

KIND = "overload"
DEPLOYMENTS = (LIMITED, BASELINE)
# The bounds of the verdicts.
MIN_GOODPUT_SHARE, AT_TIMES = 0.70, 5  # goodput at 5 times the base rate, to the largest
MIN_CLEAN_SHARE = 1.0  # failures that are a 503 with Retry-After: admission control leaves no reason for another
MAX_RECOVERY_S = 2.0
MIN_CLASS_SHARE = 0.70  # goodput of reads, and of logins, to that before the overload
MIN_SENT_SHARE = 0.95  # the multiple of the base rate that was sent when it was due


class Test(NamedTuple):
    """A value of an overload with its bound: at most that, or at least.

    `value` is None where there is none, which fails: no success, or no recovery. `of_runs` makes one value of those of
    several runs, `counts` are the requests behind it, and `missed` is the verdict beyond the bound.
    """

    name: str
    text: str
    form: str
    bound: float
    value: Callable[[Overload], float | None]
    is_minimum: bool = False
    of_runs: Callable[[Sequence[float]], float] = statistics.median
    counts: Callable[[Overload], Counts] | None = None
    missed: str = FAIL


def _kept(during_rps: float, before_rps: float) -> float | None:
    return during_rps / before_rps if before_rps else None


TESTS = (
    # The load generator's part: without it the other values are of another load.
    Test("sent", f"share of the load that was sent within {MAX_LATE_S:.0f} s of when it was due", "{:.1%}",
         MIN_SENT_SHARE, lambda overload: overload.sent_share, is_minimum=True, missed=INVALID),
    Test("clean", "share of the failures that are a 503 with Retry-After", "{:.2%}", MIN_CLEAN_SHARE,
         lambda overload: overload.clean_share, is_minimum=True, of_runs=min),
    Test("reads-p95", "p95 of the reads that were let in", "{:,.0f} ms", READ_OBJECTIVE_MS,
         lambda overload: overload.reads_p95_ms),
    Test("logins-p95", "p95 of the logins that were let in", "{:,.0f} ms", LOGIN_OBJECTIVE_MS,
         lambda overload: overload.logins_p95_ms),
    Test("recovery", "time after the overload until goodput and p95 are as before it", "{:.2f} s", MAX_RECOVERY_S,
         lambda overload: overload.recovery_s),
    Test("reads-kept", "goodput of reads during the overload, to that before it", "{:.2f}", MIN_CLASS_SHARE,
         lambda overload: _kept(overload.reads_goodput_rps, overload.reads_before_rps), is_minimum=True,
         counts=lambda overload: overload.reads_good),
    Test("logins-kept", "goodput of logins during the overload, to that before it", "{:.2f}", MIN_CLASS_SHARE,
         lambda overload: _kept(overload.logins_goodput_rps, overload.logins_before_rps), is_minimum=True,
         counts=lambda overload: overload.logins_good),
)  # fmt: skip
VALUES: dict[str, tuple[str, Callable[[Overload], float]]] = {
    "offered": ("requests/s offered", lambda overload: overload.offered_rps),
    "goodput": ("goodput, requests/s", lambda overload: overload.goodput_rps),
}


def finding_id(name: str, times: int, deployment: str) -> str:
    """The id of the finding of a value, at so many times the base rate."""
    return f"overload-{name}-{times}-{deployment}"


def share_id(deployment: str) -> str:
    """The id of the finding on goodput at `AT_TIMES` to the largest."""
    return f"overload-goodput-share-{deployment}"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """The findings of each deployment that was to be overloaded."""
    for deployment in DEPLOYMENTS:
        runs_of = {times: experiment.find(deployment, OVERLOADS[times]) for times in _planned(experiment, deployment)}
        for times, runs in runs_of.items():
            if runs:
                yield from _of_arm(experiment, deployment, times, runs)
            else:
                yield _value_claim(experiment, "goodput", deployment, times).not_run(deployment, OVERLOADS[times])
        if runs_of:
            yield _goodput_share(experiment, deployment, {times: runs for times, runs in runs_of.items() if runs})


def decides(finding: Finding) -> bool:
    """True for a target of the set-up with admission control; one that is *invalid* stands for all of its multiple."""
    return finding.kind == KIND and finding.id.endswith(f"-{LIMITED}") and finding.verdict != REPORTED


def _planned(experiment: Experiment, deployment: str) -> list[int]:
    """The multiples of a deployment that the experiment has runs of, planned, or left out."""
    arms = {(run.deployment, run.scenario) for run in experiment.runs}
    entries = [*planned(experiment.record), *(experiment.record.get(left_out_arms.KEY) or [])]
    arms |= {(entry.get("deployment"), entry.get("scenario")) for entry in entries}
    return [times for times, name in OVERLOADS.items() if (deployment, name) in arms]


def _value_claim(experiment: Experiment, name: str, deployment: str, times: int) -> Claim:
    text = f"{VALUES[name][0]}, {deployment} under {OVERLOADS[times]}"
    return Claim(experiment, KIND, finding_id(name, times, deployment), text)


def _of_arm(experiment: Experiment, deployment: str, times: int, runs: Sequence[Run]) -> Iterator[Finding]:
    overloads = [of_run(run) for run in runs]
    for name, (_, value_of) in VALUES.items():
        value = statistics.median(map(value_of, overloads))
        yield _value_claim(experiment, name, deployment, times).reported(f"{value:,.1f}", runs, effect=value)
    if times > 1:
        yield from (_tested(experiment, test, deployment, times, runs, overloads) for test in TESTS)


def _tested(
    experiment: Experiment, test: Test, deployment: str, times: int, runs: Sequence[Run], overloads: Sequence[Overload]
) -> Finding:
    """The verdict on the value of all runs; a run without a value makes it fail."""
    claim = Claim(
        experiment, KIND, finding_id(test.name, times, deployment),
        f"{test.text} is {'at least' if test.is_minimum else 'at most'} {test.form.format(test.bound)}, "
        f"{deployment} under {OVERLOADS[times]}",
    )  # fmt: skip
    values = [value for each in overloads if (value := test.value(each)) is not None]
    if len(values) < len(overloads):
        return claim.finding(FAIL, "never" if test.name == "recovery" else "no success", runs,
                             bound=test.bound)  # fmt: skip
    value = test.of_runs(values)
    passes = value >= test.bound if test.is_minimum else value <= test.bound
    evidence = test.form.format(value)
    if test.counts:
        before, during = (sum(numbers) for numbers in zip(*map(test.counts, overloads), strict=True))
        evidence += f" (n = {before:,} before, {during:,} during)"
    return claim.finding(PASS if passes else test.missed, evidence, runs, effect=value, bound=test.bound)


def _goodput_share(experiment: Experiment, deployment: str, measured: Mapping[int, Sequence[Run]]) -> Finding:
    claim = Claim(
        experiment, KIND, share_id(deployment),
        f"goodput at {AT_TIMES} times the base rate is at least {MIN_GOODPUT_SHARE:.0%} of its maximum, "
        f"{deployment}",
    )  # fmt: skip
    every = [run for runs in measured.values() for run in runs]
    if AT_TIMES not in measured:
        return claim.not_run(deployment, OVERLOADS[AT_TIMES])
    if len(measured) == 1:
        return claim.not_measured(f"no valid run but of {OVERLOADS[AT_TIMES]}: nothing to compare it with", every)
    goodput_rps = {times: statistics.median(of_run(run).goodput_rps for run in runs)
                   for times, runs in measured.items()}  # fmt: skip
    at_most = max(goodput_rps, key=lambda times: goodput_rps[times])
    share = goodput_rps[AT_TIMES] / goodput_rps[at_most] if goodput_rps[at_most] else 0.0
    largest = f"{goodput_rps[at_most]:,.0f} at {f'{at_most} times ' if at_most > 1 else ''}the base rate"
    evidence = f"{share:.0%}: {goodput_rps[AT_TIMES]:,.0f} requests/s of {largest}"
    return claim.pass_if(share >= MIN_GOODPUT_SHARE, evidence, every, effect=share, bound=MIN_GOODPUT_SHARE)
