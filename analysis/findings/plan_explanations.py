"""Explanations by query plans: how a deployment reads in another way than the baseline, and what that saves."""

from collections.abc import Iterator, Sequence

from workbench.arms import BASELINE
from workbench.recording import Experiment

from ..deployment_plans import ExperimentPlans, StatementPair
from ..plan_tree import PlanNode
from .finding import Claim, Finding

KIND = "explanation"
MAX_STATEMENTS = 3  # that one finding names
MAX_WORDS = 6  # of a statement


def findings(experiment: Experiment) -> Iterator[Finding]:
    """One for each deployment with another plan of a large statement; the effect is the ratio of execution times.

    Both plans were executed with the same values, each once: there is no interval.
    """
    plans = ExperimentPlans(experiment)
    for deployment in dict.fromkeys(run.deployment for run in experiment.usable):
        if deployment != BASELINE and (changed := changed_pairs(plans, deployment)):
            yield _finding(experiment, deployment, changed)


def changed_pairs(plans: ExperimentPlans, deployment: str) -> list[StatementPair]:
    """The large statements that the deployment executes by another plan than the baseline, both measured."""
    return [
        pair
        for pair in plans.pairs(BASELINE, deployment)
        if pair.is_large and pair.is_measured and pair.change is not None and not pair.change.is_same
    ]


def _finding(experiment: Experiment, deployment: str, changed: Sequence[StatementPair]) -> Finding:
    claim = Claim(experiment, KIND, f"plan-{deployment}", f"query plans of {deployment} against {BASELINE}")
    evidence = "; ".join(_evidence(pair) for pair in changed[:MAX_STATEMENTS])
    sides = [side for pair in changed for side in (pair.before, pair.after) if side]
    runs = {side.run.name: side.run for side in sides}
    before_ms, after_ms = (sum(_execution_ms(pair)[side] for pair in changed) for side in (0, 1))
    return claim.reported(evidence, runs.values(), effect=after_ms / before_ms if before_ms else None)


def _evidence(pair: StatementPair) -> str:
    assert pair.change is not None
    before_ms, after_ms = _execution_ms(pair)
    before_blocks, after_blocks = (_blocks(side) for side in (pair.change.before, pair.change.after))
    return (
        f"{opening(pair.statement)}: {pair.change.sentence()}; {before_ms:,.1f} to {after_ms:,.1f} ms, "
        f"{before_blocks:,} to {after_blocks:,} blocks"
    )


def _execution_ms(pair: StatementPair) -> tuple[float, float]:
    before, after = (side.plan.execution_ms if side else None for side in (pair.before, pair.after))
    return before or 0.0, after or 0.0


def _blocks(nodes: Sequence[PlanNode]) -> int:
    """The blocks that a plan touched: those of its first node, which has those of all others in it."""
    return nodes[0].hit + nodes[0].read if nodes else 0


def opening(statement: str) -> str:
    """The first words of a statement."""
    words = statement.split()
    return " ".join(words[:MAX_WORDS]) + (" …" if len(words) > MAX_WORDS else "")
