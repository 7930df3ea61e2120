"""OpenMetrics text of a run or an experiment: units in the names, and the end of the measurement as time stamp.

`promtool tsdb create-blocks-from openmetrics` writes it into the storage of a Prometheus.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from workbench.recording import Experiment, Run

from .experiment_families import experiment_families
from .recorded_instants import unix_s
from .run_families import run_families


def openmetrics_text(recording: Run | Experiment) -> str:
    """Return the text, which ends with `# EOF`."""
    if isinstance(recording, Run):
        return _text(lambda: run_families(recording, _instant_s([recording])))
    return _text(lambda: experiment_families(recording, _instant_s(recording.usable)))


def _text(families: Callable[[], Iterable[Metric]]) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return generate_latest(registry).decode()


class _Families(Collector):
    """What prometheus-client takes families from."""

    def __init__(self, families: Callable[[], Iterable[Metric]]):
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


def _instant_s(runs: Iterable[Run]) -> float | None:
    """When the last of the runs ended, in seconds since 1970; None where none says so."""
    return max((instant for run in runs if (instant := unix_s(run, "ended")) is not None), default=None)
