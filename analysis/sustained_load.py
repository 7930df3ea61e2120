"""Whether a set-up sustains a load: the 95th percentile of each endpoint against a bound, over blocks.

A load is sustained where no request failed or was dropped and the p95 of every endpoint is below the bound: of the
response time in open load, of the latency in closed load. With an interval for each endpoint (sectioning, 95 %) the
verdict is

    sustained       the upper end of every interval is below the bound
    not sustained   a request failed or was dropped, or the lower end of an interval is at the bound or above it
    inconclusive    neither
    invalid         fewer than `MIN_BLOCKS` blocks have a valid run

*Sustained* is an intersection-union test: where one endpoint is at the bound or above it, the error is at most 2.5 %,
however many endpoints there are (Berger 1982). *Not sustained* is wrong in at most 2.5 % for each endpoint.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.recording import Experiment, Run

from . import bottleneck
from .metrics import arm_estimates
from .stats.confidence import MIN_BLOCKS, Estimate

SUSTAINED, NOT_SUSTAINED, INCONCLUSIVE, INVALID = "sustained", "not sustained", "inconclusive", "invalid"
P95, OPEN_P95 = "p95_ms", "response_p95_ms"


@dataclass(frozen=True)
class EndpointResult:
    """The p95 of an endpoint (ms; NaN without a successful response), and its failed requests of all `requests`."""

    endpoint: str
    p95: Estimate
    requests: int
    failures: int


@dataclass(frozen=True)
class SustainedLoad:
    """The verdict on an arm, and what it rests on.

    reasons: why it is invalid, or what failed; empty otherwise
    endpoints: their results, the slowest first
    blocks, planned: blocks with a valid run, and all of them
    limit: a sentence about the resource at its limit, from the valid runs; empty without one
    """

    verdict: str
    bound_ms: float
    reasons: tuple[str, ...] = ()
    endpoints: tuple[EndpointResult, ...] = ()
    blocks: int = 0
    planned: int = 0
    limit: str = ""


def sustained_load(experiment: Experiment, deployment: str, scenario: str, bound_ms: float) -> SustainedLoad:
    """Evaluate an arm of an experiment against a bound on the p95 of every endpoint."""
    runs = [run for run in experiment.runs if (run.deployment, run.scenario) == (deployment, scenario)]
    valid = experiment.find(deployment, scenario)
    blocks, planned = len({run.block for run in valid}), len({run.block for run in runs})
    if blocks < MIN_BLOCKS:
        return SustainedLoad(INVALID, bound_ms, tuple(_invalid(runs, valid)), (), blocks, planned)
    failures = tuple(dict.fromkeys(reason for run in valid if (reason := _failure(run))))
    statistic = OPEN_P95 if valid[0].is_open else P95
    results = sorted(_results(experiment, deployment, scenario, statistic), key=_slowest_first)
    verdict = NOT_SUSTAINED if failures else decide([result.p95 for result in results], bound_ms)
    return SustainedLoad(verdict, bound_ms, failures, tuple(results), blocks, planned, _limit(valid))


def _slowest_first(result: EndpointResult) -> float:
    """Without a successful response an endpoint is the slowest."""
    return -math.inf if math.isnan(result.p95.value) else -result.p95.value


def decide(estimates: Sequence[Estimate], bound_ms: float) -> str:
    """The verdict on the p95 of every endpoint (ms), where nothing failed."""
    intervals = [estimate.interval for estimate in estimates]
    if intervals and all(interval and interval[1] < bound_ms for interval in intervals):
        return SUSTAINED
    return NOT_SUSTAINED if any(each and each[0] >= bound_ms for each in intervals) else INCONCLUSIVE


def _invalid(runs: Sequence[Run], valid: Sequence[Run]) -> Iterator[str]:
    """Yield why runs do not count: the first reason of each kind, and in how many runs there was one."""
    reasons: dict[str, list[str]] = {}
    for run in runs:
        for reason in (*run.record["reasons"], *map(str, run.defects)) if run not in valid else ():
            reasons.setdefault(reason.partition(":")[0], []).append(reason)
    for first, *others in reasons.values():
        yield f"{first} ({1 + len(others)} of {len(runs)} runs)" if others else first


def _failure(run: Run) -> str:
    """What failed in a valid run; empty where nothing did."""
    totals = run.totals
    if totals is None:
        return "a run measured no request"
    if failed := int(totals["requests"] - totals["successful"]):
        return f"{failed} of {int(totals['requests'])} requests of block {run.block + 1} failed"
    if dropped := sum(run.dropped.values()):
        return f"{dropped} arrivals of block {run.block + 1} were dropped"
    if errors := sum((run.record.get("generator", {}).get("task_errors") or {}).values()):
        return f"{errors} tasks of block {run.block + 1} ended with an error"
    return ""


def _results(experiment: Experiment, deployment: str, scenario: str, statistic: str) -> Iterator[EndpointResult]:
    rows = experiment.by_endpoint
    rows = rows[(rows["deployment"] == deployment) & (rows["scenario"] == scenario)]
    for endpoint, group in rows.groupby("endpoint"):
        estimate = arm_estimates.latency(experiment, deployment, scenario, str(endpoint), statistic)
        requests, successful = int(group["requests"].sum()), int(group["successful"].sum())
        yield EndpointResult(str(endpoint), estimate or Estimate(math.nan, 0), requests, requests - successful)


def _limit(runs: Sequence[Run]) -> str:
    """The resource that was at its limit in most of the runs, with the evidence of the first of them."""
    limits = [bottleneck.find_bottleneck(run) for run in runs if run.totals is not None]
    if not limits:
        return ""
    (resource, times), *_ = Counter(each.resource for each in limits).most_common(1)
    first = next(each for each in limits if each.resource == resource)
    return f"in {times} of {len(limits)} runs {first.sentence}"
