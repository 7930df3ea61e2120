"""The values of one headline metric over experiments, divided where a fence stands."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from workbench.arms import BURST_50, SUSTAINED_100

from .. import environment_facts
from .experiment_row import HEADLINE
from .experiment_summary import ExperimentSummary
from .headline_values import METRICS, HeadlineMetric, HeadlineValue

Fence = tuple[str, ...]  # what changed, each as `Python 3.11 → 3.12`


class SeriesKey(NamedTuple):
    """What the values of a series share; `subject` is a profile or an application."""

    machine: str
    subject: str
    arm: str
    scenario: str
    metric: str


@dataclass(frozen=True)
class SeriesPoint:
    """One experiment of a series, and its value."""

    experiment: ExperimentSummary
    value: HeadlineValue

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.experiment.name

    @property
    def number(self) -> float:
        """The value, in the unit of its metric."""
        return self.value.estimate.value


@dataclass(frozen=True)
class MetricSeries:
    """The points of a series in the order of time.

    fences: by index of the point behind it, what changed there
    """

    key: SeriesKey
    points: tuple[SeriesPoint, ...]
    fences: dict[int, Fence]

    @property
    def metric(self) -> HeadlineMetric:
        """The metric of its values."""
        return METRICS[self.key.metric]

    @property
    def is_headline(self) -> bool:
        """True for what a reader sees first: each arm of a user's own, and of TraceTrack the columns of the table."""
        is_column = self.key.arm in HEADLINE and self.key.scenario in (BURST_50, SUSTAINED_100)
        return is_column or self.points[-1].experiment.declares_arms

    @cached_property
    def bounds(self) -> list[tuple[int, int]]:
        """First index and the one behind the last, of each piece without a fence."""
        return list(pairwise([0, *sorted(self.fences), len(self.points)]))


def all_series(experiments: Sequence[ExperimentSummary]) -> list[MetricSeries]:
    """Return the series of at least two experiments; `experiments` are in the order of time on each machine."""
    points: dict[SeriesKey, list[SeriesPoint]] = defaultdict(list)
    for experiment in experiments:
        for value in experiment.values:
            key = SeriesKey(experiment.row["machine"], experiment.subject, value.arm, value.scenario, value.metric)
            points[key].append(SeriesPoint(experiment, value))
    return [MetricSeries(key, tuple(each), dict(_fences(each))) for key, each in points.items() if len(each) > 1]


def _fences(points: Sequence[SeriesPoint]) -> Iterator[tuple[int, Fence]]:
    for index, (before, after) in enumerate(pairwise(points), start=1):
        changed = environment_facts.fences(before.experiment.facts, after.experiment.facts)
        scenario = before.value.scenario
        loads = [each.experiment.loads.get(scenario, {}) for each in (before, after)]
        load = environment_facts.changes(*loads) if scenario != BURST_50 else []
        if changed or load:
            texts = [*map(str, changed), *(f"load {scenario}: {change}" for change in load)]
            yield index, tuple(texts)
