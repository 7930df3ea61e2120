"""The published advice to go asynchronous, evaluated: the same application in threads and on an event loop.

Each comparison is a family of its own: its level is not corrected for the others of a report. What an event loop is
worth while requests wait for another service is no published advice: it is reported, without a verdict.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from workbench.arms import ASYNC, BURST_50, DISTANT, DISTANT_ASYNC, HEAVY_SEARCH_2, PSYCOPG3, SYNC_WORKERS, TUNED
from workbench.endpoints import DASHBOARD
from workbench.recording import Experiment

from .. import ablation
from ..experiment_looks import level_of
from ..metrics.effect_metrics import by_block
from ..metrics.upstream_waits import DEPLOYMENTS, METRICS, SCENARIOS, UpstreamMetric, most_at_once
from ..stats.hypothesis import Comparison, ComparisonTable, Effect, evaluate_family, paired, reported
from .advice_verdict import advice_verdict
from .finding import DO_NOT_FOLLOW, FOLLOW, REPORTED, Claim, Finding
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
    before, after, scenario, _ = replacement
    compared = _of_endpoint(experiment, before, after, scenario, DASHBOARD.name, "p95_ms")
    if compared is None:
        return None
    return evaluate_family([ComparisonTable({after: compared}, MARGIN)], level_of(experiment))[0][0]


def _of_endpoint(
    experiment: Experiment, before: str, after: str, scenario: str, endpoint: str, column: str
) -> Comparison | None:
    """The comparison of a column of `by_endpoint`, paired by block; None where no block has a value on both sides."""
    rows = experiment.by_endpoint
    rows = rows[(rows["endpoint"] == endpoint) & (rows["scenario"] == scenario)]
    sides = (by_block(rows, name, column) for name in (before, after))
    first, second = (side[side > 0] for side in sides)  # without a success there is no ratio
    log_ratios = np.log((second / first).dropna())
    return paired(log_ratios) if len(log_ratios) else None


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
        verdict, remark = advice_verdict(effect, VERDICTS)
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


def findings(experiment: Experiment) -> Iterator[Finding]:
    """What an event loop in the place of threads is worth while requests wait for another service, metric by metric.

    There is one for each scenario and metric of `upstream_waits`, where both were run.
    """
    for scenario, metric in product(SCENARIOS, METRICS):
        if experiment.find(TUNED, scenario) and experiment.find(ASYNC, scenario):
            yield _waiting(experiment, scenario, metric)


def upstream_id(scenario: str, metric: UpstreamMetric) -> str:
    """The id of the finding on a metric of a scenario."""
    return f"async-{scenario}-{metric.name}"


def _waiting(experiment: Experiment, scenario: str, metric: UpstreamMetric) -> Finding:
    claim = Claim(
        experiment, "measurement", upstream_id(scenario, metric), f"{metric.text} under {scenario}: {ASYNC} / {TUNED}"
    )
    effects = {name: _effect(experiment, scenario, metric, name) for name in DEPLOYMENTS if name != TUNED}
    effect = effects[ASYNC]
    if effect is None:
        return claim.not_measured("no block has a successful response on both sides", experiment.find(ASYNC, scenario))
    compared = [TUNED, *(name for name, other in effects.items() if other)]
    runs = [run for name in compared for run in experiment.find(name, scenario)]
    others = [f"{name} × {ratio_with_interval(other)}" for name, other in effects.items() if other and name != ASYNC]
    evidence = "; ".join([f"× {ratio_with_interval(effect)}", *others, *_seen(experiment, scenario)])
    return claim.finding(REPORTED, evidence, runs, effect=effect.ratio, interval=effect.interval, level=effect.level,
                         n=effect.blocks)  # fmt: skip


def _effect(experiment: Experiment, scenario: str, metric: UpstreamMetric, deployment: str) -> Effect | None:
    compared = _of_endpoint(experiment, TUNED, deployment, scenario, metric.endpoint, metric.column)
    return reported(deployment, compared, level_of(experiment)) if compared else None


def _seen(experiment: Experiment, scenario: str) -> list[str]:
    """How many requests the service was asked at once, on both sides; empty where it was not read."""
    peaks = [most_at_once(experiment, name, scenario) for name in (TUNED, ASYNC)]
    return [] if None in peaks else ["at most {} of them waited at once before, {} after".format(*peaks)]
