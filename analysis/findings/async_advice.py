"""The published advice to go asynchronous, evaluated: the same application in threads and on an event loop.

Each comparison is a family of its own: its level is not corrected for the others of a report.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from workbench.arms import ASYNC, BURST_50, DISTANT, DISTANT_ASYNC, HEAVY_SEARCH_2, PSYCOPG3, SYNC_WORKERS, TUNED
from workbench.endpoints import DASHBOARD
from workbench.recording import Experiment

from .. import ablation
from ..experiment_looks import level_of
from ..metrics.effect_metrics import by_block
from ..stats.hypothesis import ComparisonTable, Effect, evaluate_family, paired
from .finding import DO_NOT_FOLLOW, FOLLOW, NOT_MEASURED, Claim, Finding
from .wording import ratio_with_interval

MARGIN = 0.10  # of equivalence, as for all latencies
VERDICTS = {"improvement": FOLLOW, "equivalent": DO_NOT_FOLLOW, "regression": DO_NOT_FOLLOW}
Check = Callable[[Claim], Finding]


class Replacement(NamedTuple):
    """A deployment in the place of another one under a scenario, and the text for its effect."""

    before: str
    after: str
    scenario: str
    text: str


THREADS = Replacement(PSYCOPG3, ASYNC, BURST_50, "Quart on uvicorn in the place of threads, same driver: duration")
AT_A_DISTANCE = Replacement(DISTANT, DISTANT_ASYNC, BURST_50, "with the database 5 ms away and no cache: duration")
HEAVY = Replacement(TUNED, ASYNC, HEAVY_SEARCH_2, "p95 of cached reads beside heavy searches, to threads")
HEAVY_SYNC = Replacement(SYNC_WORKERS, ASYNC, HEAVY_SEARCH_2, "to sync workers")


def duration(experiment: Experiment, replacement: Replacement) -> Effect | None:
    """The effect on how long the scenario takes; None if a side has no run."""
    before, after, scenario, _ = replacement
    return ablation.duration_effect(experiment, before, after, scenario)


def light_p95(experiment: Experiment, replacement: Replacement) -> Effect | None:
    """The effect on p95 of the dashboard's latency, paired by block; None if no block has both sides."""
    rows = experiment.by_endpoint
    rows = rows[(rows["endpoint"] == DASHBOARD.name) & (rows["scenario"] == replacement.scenario)]
    before, after = (by_block(rows, name, "p95_ms") for name in (replacement.before, replacement.after))
    log_ratios = np.log((after / before).dropna())
    if not len(log_ratios):
        return None
    table = ComparisonTable({replacement.after: paired(log_ratios)}, MARGIN)
    return evaluate_family([table], level_of(experiment))[0][0]


def _check(
    effect_of: Callable[[Experiment, Replacement], Effect | None],
    decisive: Replacement,
    *others: Replacement,
    otherwise: Check | None = None,
) -> Check:
    """The check by the effect of the decisive replacement; those of the others stand beside it."""

    def check(claim: Claim) -> Finding:
        effects = {each: effect_of(claim.experiment, each) for each in (decisive, *others)}
        effect = effects[decisive]
        if effect is None:
            return otherwise(claim) if otherwise else claim.not_run(decisive.after, decisive.scenario)
        texts = (f"{each.text} × {ratio_with_interval(other)}" for each, other in effects.items() if other)
        verdict = VERDICTS.get(effect.verdict, NOT_MEASURED)
        remark = f" ({effect.verdict})" if verdict == NOT_MEASURED else ""
        compared = [each for each, other in effects.items() if other]
        sides = dict.fromkeys((name, each.scenario) for each in compared for name in each[:2])
        runs = [run for side in sides for run in claim.experiment.find(*side)]
        return claim.finding(verdict, f"{'; '.join(texts)}{remark}", runs, effect=effect.ratio,
                             interval=effect.interval, level=effect.level, n=effect.blocks)  # fmt: skip

    return check


def full_integration() -> Check:
    """Whether the published burst is shorter on an event loop than in threads."""
    return _check(duration, THREADS)


def heavy_queries(otherwise: Check) -> Check:
    """Whether light requests beside heavy ones are faster on an event loop than in threads."""
    return _check(light_p95, HEAVY, HEAVY_SYNC, otherwise=otherwise)


def blocking_queries(otherwise: Check) -> Check:
    """Whether requests that wait long for each query are faster on an event loop than in threads."""
    return _check(duration, AT_A_DISTANCE, otherwise=otherwise)
