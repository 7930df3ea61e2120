"""Estimates of a bench against peers: one value a round, geometric means with intervals by Student's t.

Generators are compared in the same round, one after the other in random order: a ratio is one of values of a round.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from analysis.stats.confidence import Estimate, log_mean_ci

from .peer_results import AccuracyRun, CapacityRun, PageRun, PeerResults

PLAIN, RECORDED, WORKBENCH = "fasthttp", "recorded", "workbench"
QUANTILES = ("p50", "p95", "p99", "p99.9")
FULL = 0.95  # share of its core beyond which the server, and not the generator, is what limits


def rate_rps(run: CapacityRun) -> float:
    """Requests a second."""
    return run.requests / run.seconds


def requests_a_cpu_second(run: CapacityRun) -> float:
    """Requests for each second of the generator's CPU time."""
    return run.requests / run.cpu_s


def capacity_runs(results: PeerResults, generator: str) -> list[CapacityRun]:
    """The runs of a generator at saturation that have values."""
    return [
        run
        for run in results.capacity
        if run.generator == generator and not run.problem and run.requests and run.seconds and run.cpu_s
    ]


def capacity(results: PeerResults, generator: str, metric: Callable[[CapacityRun], float]) -> Estimate | None:
    """A metric of a generator at saturation; None where it has no run."""
    return _estimate([metric(run) for run in capacity_runs(results, generator)])


def capacity_ratio(
    results: PeerResults, generator: str, to: str, metric: Callable[[CapacityRun], float]
) -> Estimate | None:
    """The ratio of a metric of a generator to that of another, paired by round; None without a pair."""
    others = {run.round: metric(run) for run in capacity_runs(results, to)}
    return _estimate(
        [metric(run) / others[run.round] for run in capacity_runs(results, generator) if run.round in others]
    )


def server_share(results: PeerResults, generator: str) -> float | None:
    """The median share of its core that the server used under a generator; None without a run."""
    runs = capacity_runs(results, generator)
    return median(run.server_cpu_s / run.seconds for run in runs) if runs else None


def accuracy_runs(results: PeerResults, generator: str, *, stall: bool) -> list[AccuracyRun]:
    """The runs of a generator at the fixed rate that have values."""
    return [
        run
        for run in results.accuracy
        if run.generator == generator and run.stall == stall and not run.problem and run.due
    ]


def reported_to_true(runs: Sequence[AccuracyRun], quantile: str) -> Estimate | None:
    """The ratio of a reported percentile to the true one; None where it is not reported, or 0."""
    return _estimate([reported / true for reported, true in _pairs(runs, quantile) if reported and true])


def medians_ms(runs: Sequence[AccuracyRun], quantile: str) -> tuple[float, float] | None:
    """The medians over the rounds of a percentile as reported and as it was; None where it is not reported."""
    pairs = list(_pairs(runs, quantile))
    return (median(reported for reported, _ in pairs), median(true for _, true in pairs)) if pairs else None


def sent_share(runs: Sequence[AccuracyRun]) -> float | None:
    """The median share of the requests that were due and that reached the server; None without a run."""
    return median(run.sent / run.due for run in runs) if runs else None


def page_runs(results: PeerResults, maker: str, rows: int) -> list[PageRun]:
    """The pages of so many rows by a maker that have values."""
    return [run for run in results.pages if (run.maker, run.rows) == (maker, rows) and not run.problem and run.seconds]


def page_seconds(runs: Sequence[PageRun]) -> Estimate | None:
    """The wall time of a page; None without one."""
    return _estimate([run.seconds for run in runs])


def _pairs(runs: Sequence[AccuracyRun], quantile: str) -> Iterator[tuple[float, float]]:
    for run in runs:
        if quantile in run.reported_ms and quantile in run.true_ms:
            yield run.reported_ms[quantile], run.true_ms[quantile]


def _estimate(values: Sequence[float]) -> Estimate | None:
    return log_mean_ci(values) if values else None
