"""A discrete-event simulator, with the terms of SimPy: processes, resources, and cores that processes share.

A process is a generator. It yields what it waits for: `Delay(ms)`, `Work(cores, ms)`, or a `Resource`, of which it then
has one slot until `release` is called. Times are milliseconds. Nothing in this module is random.

Cores are shared evenly (egalitarian processor sharing, Kleinrock 1967): with c cores and n pieces of work of one
priority each proceeds at the rate min(1, c/n), in ms of work a ms. Work of low priority shares the c − n cores that are
left over in the same way.
"""

import heapq
import math
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import count

ROUNDING_MS = 1e-6  # work with less than this left is complete: the clock's floats are no more exact


@dataclass(frozen=True, slots=True)
class Delay:
    """Time that passes whatever else happens."""

    ms: float


@dataclass(frozen=True, slots=True)
class Work:
    """CPU time: lasts `ms` where nothing else wants a core. `low_priority` work gets what other work leaves.

    It is split evenly over `processes` that run at once, and is complete when the last of them is.
    """

    cores: "Cores"
    ms: float
    low_priority: bool = False
    processes: int = 1


Process = Generator["Delay | Work | Resource", None, None]


class Environment:
    """The simulated clock and the events that are due."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self._events: list[tuple[float, int, Process | Cores, int]] = []
        self._order = count()

    def start(self, process: Process, at_ms: float | None = None) -> None:
        """Start or resume a process, now or at a later instant."""
        self.schedule(self.now_ms if at_ms is None else at_ms, process)

    def schedule(self, at_ms: float, target: "Process | Cores", version: int = 0) -> None:
        """Have a process, or cores with this version of their schedule, continue at an instant."""
        heapq.heappush(self._events, (at_ms, next(self._order), target, version))

    def run(self) -> None:
        """Process all events, in the order of their time and then of their scheduling."""
        while self._events:
            self.now_ms, _, target, version = heapq.heappop(self._events)
            if isinstance(target, Cores):
                target.complete_due(version)
            else:
                self._resume(target)

    def _resume(self, process: Process) -> None:
        """Run a process until it waits for something."""
        awaited = next(process, None)
        if isinstance(awaited, Delay):
            self.schedule(self.now_ms + awaited.ms, process)
        elif isinstance(awaited, Work):
            awaited.cores.submit(process, awaited)
        elif awaited is not None:
            awaited.request(process)


class Resource:
    """Slots that processes occupy; without a free one they wait, first come first served. None is unlimited slots."""

    def __init__(self, environment: Environment, capacity: int | None):
        self._environment, self._free = environment, math.inf if capacity is None else capacity
        self._waiting: deque[Process] = deque()

    def request(self, process: Process) -> None:
        """Give the process a slot as soon as one is free."""
        if self._free > 0:
            self._free -= 1
            self._environment.start(process)
        else:
            self._waiting.append(process)

    def release(self) -> None:
        """Give back a slot; the process that has waited longest gets it."""
        if self._waiting:
            self._environment.start(self._waiting.popleft())
        else:
            self._free += 1


@dataclass
class _Job:
    """The work of one process, and how many of its parts are not complete yet."""

    process: Process
    parts_left: int


@dataclass
class _PriorityClass:
    """Work of one priority, by virtual time.

    `served_ms` is what each piece of work here would have had since the beginning of the simulation. Work of `ms` that
    is submitted at `served_ms` = s is complete at `served_ms` = s + ms, whatever comes and goes meanwhile. `rate` is
    the share of a core that each piece gets until the queue changes.
    """

    served_ms: float = 0.0
    rate: float = 0.0
    queue: list[tuple[float, int, _Job]] = field(default_factory=list)


class Cores:
    """Cores that all work shares evenly, each piece at most one core; low priority shares what the others leave."""

    def __init__(self, environment: Environment, number: int):
        self._environment, self._number = environment, number
        self._classes = (_PriorityClass(), _PriorityClass())
        self._updated_ms, self._version, self._order = 0.0, 0, count()

    def submit(self, process: Process, work: Work) -> None:
        """Do the work, and resume the process when it is complete."""
        self._advance()
        priority, job = self._classes[work.low_priority], _Job(process, work.processes)
        for _ in range(work.processes):
            end_ms = priority.served_ms + work.ms / work.processes
            heapq.heappush(priority.queue, (end_ms, next(self._order), job))
        self._schedule_next_completion()

    def complete_due(self, version: int) -> None:
        """Resume the processes whose work is complete; does nothing where the schedule has a newer version."""
        if version != self._version:
            return
        self._advance()
        for job in list(self._completed()):
            job.parts_left -= 1
            if not job.parts_left:
                self._environment.start(job.process)
        self._schedule_next_completion()

    def _completed(self) -> Iterator[_Job]:
        for priority in self._classes:
            while priority.queue and priority.queue[0][0] <= priority.served_ms + ROUNDING_MS:
                yield heapq.heappop(priority.queue)[2]

    def _advance(self) -> None:
        passed_ms, self._updated_ms = self._environment.now_ms - self._updated_ms, self._environment.now_ms
        for priority in self._classes:
            priority.served_ms += passed_ms * priority.rate

    def _schedule_next_completion(self) -> None:
        self._version += 1
        self._share_cores()
        remaining_ms = [
            (priority.queue[0][0] - priority.served_ms) / priority.rate for priority in self._classes if priority.rate
        ]
        if remaining_ms:
            self._environment.schedule(self._environment.now_ms + max(0.0, min(remaining_ms)), self, self._version)

    def _share_cores(self) -> None:
        """Set the rate of each priority; it is 0 where nothing is queued."""
        left = float(self._number)
        for priority in self._classes:
            pieces = len(priority.queue)
            priority.rate = min(1.0, left / pieces) if pieces else 0.0
            left = max(0.0, left - pieces)
