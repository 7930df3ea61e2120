"""How much each resource of a run has grown, and whether that is equivalent to nothing.

The first quarter of the measured phase is left out: until then caches fill, threads start and lifetimes end for the
first time. The rule is fixed beforehand, whatever the readings look like.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.recording import Run

from .slope import MIN_READINGS, Slope, slope
from .watched_resources import RESOURCES, Resource

LEFT_OUT = 0.25  # of the measured phase
LEVELS_FROM = 0.1  # of the examined part: the mean over so much at its begin and at its end
FLAT, GROWS, FALLS, INCONCLUSIVE = "flat", "grows", "falls", "inconclusive"
SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class Growth:
    """The growth of a resource over the examined part of a run, in the resource's unit.

    `change` is the estimate with its interval at 90 %, `margin` the growth that counts as none; `readings` are the
    values of the whole measured phase by the second since the start of the run.
    """

    resource: Resource
    begin: float
    end: float
    change: Slope
    margin: float
    seconds: float
    readings: pd.Series

    @property
    def verdict(self) -> str:
        """Flat by two one-sided tests at 5 %: the interval lies within the margin. Otherwise what it excludes.

        A resource grows, or falls, if its interval has values of one sign only.
        """
        if -self.margin <= self.change.low and self.change.high <= self.margin:
            return FLAT
        if self.change.low > 0:
            return GROWS
        return FALLS if self.change.high < 0 else INCONCLUSIVE

    def an_hour(self) -> Slope:
        """The change and its interval over an hour."""
        return self.change.over(SECONDS_AN_HOUR / self.seconds)


def growths(run: Run) -> Iterator[Growth]:
    """The growth of each resource that the run has enough readings of."""
    bounds = measured_s(run)
    if bounds is None:
        return
    for resource in RESOURCES:
        if not resource.applies(run):
            continue
        readings = resource.read(run)
        if growth := growth_of(resource, readings[(readings.index >= bounds[0]) & (readings.index <= bounds[1])]):
            yield growth


def growth_of(resource: Resource, readings: pd.Series) -> Growth | None:
    """The growth over these readings of the measured phase, by seconds; None where they are too few."""
    if len(readings) < MIN_READINGS:
        return None
    seconds, values = readings.index.to_numpy(float), readings.to_numpy(float)
    is_examined = seconds >= seconds[0] + LEFT_OUT * (seconds[-1] - seconds[0])
    seconds, values = seconds[is_examined], values[is_examined]
    fitted = slope(seconds, values)
    if fitted is None:
        return None
    duration_s = float(seconds[-1] - seconds[0])
    part = max(1, round(LEVELS_FROM * len(values)))
    return Growth(
        resource,
        float(np.mean(values[:part])),
        float(np.mean(values[-part:])),
        fitted.over(duration_s),
        resource.margin.of(float(np.mean(values))),
        duration_s,
        readings,
    )


def measured_s(run: Run) -> tuple[float, float] | None:
    """First and last send of the measured phase, in seconds since the start of the run; None without one."""
    bounds = run.rows.query("SELECT min(start_ms) AS first, max(start_ms) AS last FROM measured").iloc[0]
    return None if pd.isna(bounds["first"]) else (bounds["first"] / 1000, bounds["last"] / 1000)
