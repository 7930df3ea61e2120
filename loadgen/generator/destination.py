"""The run that the rows of this process go to: its directory, and the instant from which its times count."""

from pathlib import Path
from typing import NamedTuple

from locust.runners import MasterRunner, Runner, WorkerRunner

from . import config, manual_run


class Destination(NamedTuple):
    """A run's `directory`, and the monotonic clock at its start (`started_ns`)."""

    directory: Path
    started_ns: int


_chosen: Destination | None = None


def destination() -> Destination:
    """The destination of this process; a Locust that was started manually begins a run of its own at the first call."""
    global _chosen
    if _chosen is None:
        given = config.GIVEN_DIRECTORY
        _chosen = Destination(Path(given) if given else manual_run.begin(), config.STARTED_NS)
    return _chosen


def share(runner: Runner) -> bool:
    """Let a Locust that was started manually, a master and workers, record one run.

    A master announces its run on this machine before it starts users, and a worker looks there when it is to start
    some. Returns whether this is a worker of a master elsewhere, or of one without the recording: its run is a part.
    """
    global _chosen
    if isinstance(runner, MasterRunner):
        manual_run.announce(runner.master_bind_port, *destination())
        return False
    announced = isinstance(runner, WorkerRunner) and manual_run.announced(runner.master_host, runner.master_port)
    if announced:
        _chosen = Destination(*announced)
    return isinstance(runner, WorkerRunner) and not announced
