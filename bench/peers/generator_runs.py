"""One run of a load generator: at saturation, counted by the server, or at a fixed rate, beside the truth."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from loadgen.subprocesses import Child, start
from reports.peers.peer_results import AccuracyRun, CapacityRun
from workbench.errors import EXIT_INVALID
from workbench.paths import REPOSITORY
from workbench.polling import attempts

from .counting_server import CountingServer
from .load_generators import LOG, Job, LoadGenerator
from .placement import pinned, process_tree_cpu_s
from .planned_load import PlannedLoad, percentiles_ms
from .timed_service import TimedService

WARM_UP_S = 1.0
SPARE_S = 4.0  # by which a generator runs on after the measured time at saturation
START_TIMEOUT_S = 60.0
MIN_REQUESTS = 500  # after which the load has begun
LONG_S = 90.0  # beyond its duration, for the start and the end of a generator


class RunFailed(RuntimeError):
    """A generator that did not do its job; the message says how."""


class Reading(NamedTuple):
    """What server and kernel have counted until an instant: requests, and CPU time of generator and server (s)."""

    at_s: float
    requests: int
    cpu_s: float
    server_cpu_s: float


def saturate(generator: LoadGenerator, job: Job, server: CountingServer, core: int, measured_s: float) -> CapacityRun:
    """Let a generator send as fast as it can on one core. Raises `RunFailed`."""
    before = server.requests()
    with _started(generator, job, core) as child:
        _wait_for_load(server, child, before)
        time.sleep(WARM_UP_S)
        first = _reading(server, child)
        time.sleep(measured_s)
        last = _reading(server, child)
        if child.ended():
            raise RunFailed(f"it ended too early: {child.last_line()}")
    return CapacityRun(
        generator=generator.name,
        requests=last.requests - first.requests,
        seconds=last.at_s - first.at_s,
        cpu_s=last.cpu_s - first.cpu_s,
        server_cpu_s=last.server_cpu_s - first.server_cpu_s,
    )


def keep_pace(generator: LoadGenerator, job: Job, load: PlannedLoad, core: int) -> dict[str, float]:
    """Let a generator send at the rate of a planned load, and return the percentiles that it reports.

    Raises `RunFailed`.
    """
    with _started(generator, job, core) as child:
        if not child.wait(load.duration_s + LONG_S):
            raise RunFailed(f"it did not end within {load.duration_s + LONG_S:.0f} s")
        if child.process.returncode not in (0, EXIT_INVALID):  # what our own reports is compared all the same
            raise RunFailed(f"it ended with code {child.process.returncode}: {child.last_line()}")
    assert generator.percentiles
    try:
        return generator.percentiles(job)
    except (OSError, ValueError, KeyError, IndexError, StopIteration) as error:
        raise RunFailed(f"its output cannot be read: {type(error).__name__}: {error}") from None


def beside_truth(
    generator: LoadGenerator, reported_ms: dict[str, float], load: PlannedLoad, service: TimedService
) -> AccuracyRun:
    """What a generator reports beside the true response times. Raises `RunFailed` where it sent nothing."""
    late_s = service.late_s()
    if not late_s:
        raise RunFailed("the server got no request of it")
    return AccuracyRun(
        generator=generator.name,
        stall=load.stall_at_s is not None,
        sent=len(late_s),
        due=load.requests,
        reported_ms=reported_ms,
        true_ms=percentiles_ms(load.response_times_s(late_s)),
        late_p99_ms=percentiles_ms(late_s)["p99"],
    )


@contextmanager
def _started(generator: LoadGenerator, job: Job, core: int) -> Iterator[Child]:
    environ = dict(generator.environ(job))
    command, log = generator.command(job), job.folder / LOG
    with start(generator.label, command, log, environ, folder=REPOSITORY, prepare=pinned(core)) as child:
        yield child


def _wait_for_load(server: CountingServer, child: Child, before: int) -> None:
    for _ in attempts(START_TIMEOUT_S, 0.1):
        if server.requests() - before > MIN_REQUESTS:
            return
        if child.ended():
            break
    raise RunFailed(f"it sent no load: {child.last_line()}")


def _reading(server: CountingServer, child: Child) -> Reading:
    return Reading(time.monotonic(), server.requests(), process_tree_cpu_s(child.pid), server.cpu_s())
