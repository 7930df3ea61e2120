"""The published advice on monitoring, evaluated on runs that had the monitor beside the application.

A run's record has what the monitor counted during the load, and what the workers counted themselves.
"""

from collections.abc import Sequence

from workbench.arms import BURST_50, MONITORED, SLOW_STATEMENT, TUNED
from workbench.recording import Experiment, Run

from .. import ablation
from .finding import DO_NOT_FOLLOW, FOLLOW, Claim, Finding
from .wording import counted, ratio_with_interval

CPU = "cpu_ms"


def runs_with_monitor(experiment: Experiment, scenario: str = BURST_50) -> list[Run]:
    """The runs of a scenario in which the monitor was read, and no worker was replaced."""
    runs = experiment.find(MONITORED, scenario)
    return [run for run in runs if run.record.get("monitor") and run.record.get("served") is not None]


def is_complete(runs: Sequence[Run]) -> bool:
    """True if the monitor counted exactly the requests that the workers counted, in each run."""
    return all(run.record["monitor"]["requests"] == run.record["served"] for run in runs)


def counted_requests(runs: Sequence[Run]) -> str:
    """How many of the requests the monitor counted."""
    seen, served = _total(runs, "requests"), sum(run.record["served"] for run in runs)
    return f"the monitor counted {seen:,} of {served:,} requests in {counted(len(runs), 'run')}"


def requests_are_tracked(claim: Claim) -> Finding:
    """Follow, if the monitor counts every request, and costs a request no CPU time that was measured."""
    runs = runs_with_monitor(claim.experiment)
    return _with_cost(claim, runs, counted_requests(runs)) if runs else claim.not_run(MONITORED, BURST_50)


def pool_is_tracked(claim: Claim) -> Finding:
    """As for requests; the monitor also has to know the limit of the pool and how long connections were in use."""
    runs = runs_with_monitor(claim.experiment)
    if not runs:
        return claim.not_run(MONITORED, BURST_50)
    uses, allowed = _total(runs, "connection_uses"), runs[0].record["monitor"]["connections_allowed"]
    if not (uses and allowed):
        return claim.not_measured("the monitor saw no use of a pool", runs)
    mean_ms = 1000 * sum(run.record["monitor"]["connection_use_s"] for run in runs) / uses
    text = f"it saw {uses:,} uses of {allowed:.0f} connections, {mean_ms:.1f} ms on average"
    return _with_cost(claim, runs, f"{counted_requests(runs)}; {text}")


def slow_statements_are_noticed(claim: Claim) -> Finding:
    """Follow, if the monitor counts slow statements where there are some, and none where there are none."""
    slow, usual = (runs_with_monitor(claim.experiment, scenario) for scenario in (SLOW_STATEMENT, BURST_50))
    if not slow or not usual:
        return claim.not_run(MONITORED, BURST_50 if slow else SLOW_STATEMENT)
    noticed, false = _total(slow, "slow_statements"), _total(usual, "slow_statements")
    text = (
        f"where the database took 0.6 s for a statement the monitor counted {noticed} over 500 ms in "
        f"{counted(len(slow), 'run')}, and {false} in {counted(len(usual), 'run')} without such a fault"
    )
    verdict = FOLLOW if noticed and not false else DO_NOT_FOLLOW
    return claim.finding(verdict, text, [*slow, *usual], effect=float(noticed))


def _with_cost(claim: Claim, runs: list[Run], text: str) -> Finding:
    """The finding on complete counts, with the CPU time of a request beside them, which decides if it is known."""
    if not is_complete(runs):
        return claim.not_measured(f"{text}, so it cannot be relied on", runs)
    effect = ablation.effect_of(claim.experiment, TUNED, MONITORED, BURST_50, CPU)
    if effect is None:
        return claim.finding(FOLLOW, text, runs)
    evidence = f"{text}; CPU time of a request × {ratio_with_interval(effect)} ({effect.verdict})"
    verdict = DO_NOT_FOLLOW if effect.verdict == "regression" else FOLLOW
    return claim.finding(verdict, evidence, [*runs, *claim.experiment.find(TUNED, BURST_50)], effect=effect.ratio,
                         interval=effect.interval, level=effect.level, n=effect.blocks)  # fmt: skip


def _total(runs: Sequence[Run], name: str) -> int:
    return round(sum(run.record["monitor"][name] for run in runs))
