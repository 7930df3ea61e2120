"""Adding blocks to an experiment until every primary comparison is decided: its looks, which the plan fixed."""

from collections.abc import Callable, Sequence
from pathlib import Path

from analysis import look_decision
from workbench import looks

from . import progress
from .plan import Plan
from .progress import Steps
from .run_spec import RunSpec

LOOK_S = 5.0
MAX_NAMED = 3  # comparisons in a line

Measure = Callable[[Sequence[tuple[RunSpec, float]], float], None]  # runs with their seconds, and those of later ones


def measure_until_decided(plan: Plan, directory: Path, record: dict, measure: Measure, shown: Steps) -> None:
    """Carry out the runs of the plan: all of them, or those up to the first look at which everything is decided.

    The runs after that leave the record: the experiment is complete without them.
    """
    timed = list(zip(plan.specs, plan.expected_s, strict=True))
    done = 0
    for look in plan.looks or (plan.blocks(),):
        part = [each for each in timed if done <= each[0].block < look]
        measure(part, sum(expected_s for spec, expected_s in timed if spec.block >= look))
        done = look
        if plan.looks and _is_decided(directory, look, plan.looks, shown):
            record["runs"] = [entry for entry in record["runs"] if entry["block"] < look]
            record[looks.DECIDED_KEY] = look
            return


def _is_decided(directory: Path, look: int, fixed: Sequence[int], shown: Steps) -> bool:
    """Look at the experiment after so many blocks, and report what is inconclusive."""
    shown.begin(f"looking at {look} blocks", LOOK_S)
    left = look_decision.inconclusive(directory)
    if left:
        more = f"{', '.join(left[:MAX_NAMED])}{', …' if len(left) > MAX_NAMED else ''}"
        what = "the last look" if look == fixed[-1] else f"the next look is after {min(n for n in fixed if n > look)}"
        progress.report(f"after {look} blocks {len(left)} comparisons are inconclusive ({more}); {what}")
    else:
        progress.report(f"after {look} blocks every primary comparison is decided")
    return not left
