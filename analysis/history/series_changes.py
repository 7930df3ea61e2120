"""Where the series of a history changed: change points between experiments, drifts, and what is too short for either.

The method is that of `stats.change_points`, on the logarithms of the values, in each piece between two fences. All
series of a history are one family, so that a false change in any of them has the stated probability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..stats.change_points import (
    MIN_VALUES,
    ChangePoint,
    Drift,
    candidates,
    change_points,
    corrected,
    drifts,
    is_unsettled,
    p_limit,
)
from ..stats.confidence import LEVEL as INTERVAL_LEVEL
from .headline_values import MARGIN
from .metric_series import MetricSeries, SeriesPoint

MIN_EXPERIMENTS = 2 * MIN_VALUES  # between two fences, for a verdict


@dataclass(frozen=True)
class SeriesChange:
    """A change between two experiments that follow each other in a series.

    index: of the first point after it
    before_value, after_value: geometric means of the values on both sides, as far as the next change or fence
    ratio, interval: after over before, and its 95 % interval, which is not corrected for the search
    p_value: corrected for the search in all series
    count_before, count_after: the numbers of experiments on both sides
    is_step: False where a drift explains the values about as well
    """

    series: MetricSeries
    index: int
    before_value: float
    after_value: float
    interval: tuple[float, float]
    p_value: float
    count_before: int
    count_after: int
    is_step: bool

    @property
    def before(self) -> SeriesPoint:
        """The last experiment before it."""
        return self.series.points[self.index - 1]

    @property
    def after(self) -> SeriesPoint:
        """The first experiment after it."""
        return self.series.points[self.index]

    @property
    def ratio(self) -> float:
        """The value after over that before."""
        return self.after_value / self.before_value

    @property
    def is_worse(self) -> bool:
        """True where it is a change for the worse."""
        return (self.ratio > 1) == self.series.metric.lower_is_better

    @property
    def is_small(self) -> bool:
        """True where the whole interval lies within the equivalence margin."""
        low, high = self.interval
        return low > 1 / (1 + MARGIN) and high < 1 + MARGIN


@dataclass(frozen=True)
class SeriesDrift:
    """A steady change over the experiments of a piece: the ends of the line through their values, and a corrected p."""

    series: MetricSeries
    start: int
    stop: int
    first_value: float
    last_value: float
    p_value: float

    @property
    def ratio(self) -> float:
        """The end of the line over its beginning."""
        return self.last_value / self.first_value


@dataclass(frozen=True)
class SeriesVerdict:
    """What is known of a series.

    unsettled: the bounds of pieces without a change or a drift whose values are not of one level either
    missing: how many more experiments its newest piece needs for a verdict
    """

    series: MetricSeries
    changes: tuple[SeriesChange, ...]
    drifts: tuple[SeriesDrift, ...]
    unsettled: tuple[tuple[int, int], ...]
    missing: int

    @property
    def is_searched(self) -> bool:
        """True where any of its pieces is long enough for a verdict."""
        return any(stop - start >= MIN_EXPERIMENTS for start, stop in self.series.bounds)

    @property
    def levels(self) -> list[tuple[int, int, float]]:
        """Each piece without a change or a fence: its bounds, and the geometric mean of its values."""
        places = {0, len(self.series.points), *self.series.fences, *(change.index for change in self.changes)}
        logs = _logs(self.series)
        return [(start, stop, math.exp(logs[start:stop].mean())) for start, stop in pairwise(sorted(places))]


def verdicts(family: Sequence[MetricSeries]) -> list[SeriesVerdict]:
    """Return the verdict of each series of a history, in their order."""
    count = sum(candidates(stop - start) for series in family for start, stop in series.bounds)
    return [_verdict(series, count) for series in family]


def _verdict(series: MetricSeries, count: int) -> SeriesVerdict:
    changes, drifting, unsettled = [], [], []
    logs, limit = _logs(series), p_limit(count)
    for start, stop in series.bounds:
        piece = logs[start:stop]
        points = change_points(piece, limit)
        lines = drifts(piece, points, limit)
        changes += [_change(series, start, point, count) for point in points]
        drifting += [_drift(series, start, line, count) for line in lines]
        if not points and not lines and is_unsettled(piece, limit):
            unsettled.append((start, stop))
    start, stop = series.bounds[-1]
    missing = max(0, MIN_EXPERIMENTS - (stop - start))
    return SeriesVerdict(series, tuple(changes), tuple(drifting), tuple(unsettled), missing)


def _change(series: MetricSeries, start: int, point: ChangePoint, count: int) -> SeriesChange:
    low, high = map(math.exp, point.shift.interval(INTERVAL_LEVEL))
    return SeriesChange(
        series,
        start + point.index,
        math.exp(point.shift.before),
        math.exp(point.shift.after),
        (low, high),
        corrected(point.shift.p_value, count),
        point.shift.count_before,
        point.shift.count_after,
        point.is_step,
    )


def _drift(series: MetricSeries, start: int, drift: Drift, count: int) -> SeriesDrift:
    ends = math.exp(drift.first), math.exp(drift.last)
    return SeriesDrift(series, start + drift.start, start + drift.stop, *ends, corrected(drift.p_value, count))


def _logs(series: MetricSeries) -> np.ndarray:
    return np.log([point.number for point in series.points])


def newest_first(verdicts: Sequence[SeriesVerdict]) -> list[SeriesChange]:
    """Return the changes of all series, the newest first."""
    changes = [change for verdict in verdicts for change in verdict.changes]
    return sorted(changes, key=lambda change: change.after.experiment.row["started"], reverse=True)
