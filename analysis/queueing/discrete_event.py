"""A small discrete-event engine: processes that take time, wait for a place, and share the cores of a machine.

A process is a generator. It yields what it waits for: `Delay(ms)`, `Work(cores, ms)`, or a `Places` of which it then
holds one until it calls `release`. Times are milliseconds. Nothing in here is random.
"""

import heapq
import math
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import count

ROUNDING_MS = 1e-6  # who is that near to their end is done: a clock of floats does not come nearer


@dataclass(frozen=True, slots=True)
class Delay:
    """Time that passes whatever else happens."""

    ms: float


@dataclass(frozen=True, slots=True)
class Work:
    """Time of cores: as long as this where nobody else wants one. Who is `polite` gets what others leave. So many
    `workers` do an equal part of it at once, and it is done when the last of them is."""

    cores: "Cores"
    ms: float
    polite: bool = False
    workers: int = 1


Process = Generator["Delay | Work | Places", None, None]


class Engine:
    """The clock and what is to happen. `run` goes on until nothing is left, or the time is `until_ms`."""

    def __init__(self):
        self.now_ms = 0.0
        self._due: list[tuple[float, int, Process | Cores, int]] = []
        self._order = count()

    def start(self, process: Process, at_ms: float | None = None) -> None:
        """Let a process begin, now or at an instant to come."""
        self.at(self.now_ms if at_ms is None else at_ms, process)

    def at(self, time_ms: float, what: "Process | Cores", version: int = 0) -> None:
        heapq.heappush(self._due, (time_ms, next(self._order), what, version))

    def run(self, until_ms: float = math.inf) -> None:
        while self._due and self._due[0][0] <= until_ms:
            self.now_ms, _, what, version = heapq.heappop(self._due)
            if isinstance(what, Cores):
                what.serve(version)
            else:
                self.resume(what)

    def resume(self, process: Process) -> None:
        """Let it go on until it waits for something."""
        wanted = next(process, None)
        if isinstance(wanted, Delay):
            self.at(self.now_ms + wanted.ms, process)
        elif isinstance(wanted, Work):
            wanted.cores.take(process, wanted)
        elif wanted is not None:
            wanted.ask(process)


class Places:
    """So many may be inside at once; others wait in the order in which they came. `number` None lets everybody in."""

    def __init__(self, engine: Engine, number: int | None):
        self._engine, self._free = engine, math.inf if number is None else number
        self._waiting: deque[Process] = deque()

    def ask(self, process: Process) -> None:
        if self._free > 0:
            self._free -= 1
            self._engine.start(process)
        else:
            self._waiting.append(process)

    def release(self) -> None:
        if self._waiting:
            self._engine.start(self._waiting.popleft())
        else:
            self._free += 1


@dataclass
class _Together:
    """Those who do one process's work, and how many of them still do."""

    process: Process
    working: int


@dataclass
class _Class:
    """Those who share alike. `served` is what each of them has had since the beginning; one that came when it was `s`
    and needs `ms` is done when it is `s + ms`."""

    served: float = 0.0
    due: list[tuple[float, int, _Together]] = field(default_factory=list)


class Cores:
    """Cores that all who work share evenly, each of them at most one; the polite share what the others leave."""

    def __init__(self, engine: Engine, number: int):
        self._engine, self._number = engine, number
        self._classes = (_Class(), _Class())
        self._since_ms, self._version, self._order = 0.0, 0, count()

    def take(self, process: Process, work: Work) -> None:
        self._advance()
        of, together = self._classes[work.polite], _Together(process, work.workers)
        for _ in range(work.workers):
            heapq.heappush(of.due, (of.served + work.ms / work.workers, next(self._order), together))
        self._plan()

    def serve(self, version: int) -> None:
        """Let those go on who are done; a plan that was overtaken is void."""
        if version != self._version:
            return
        self._advance()
        for together in list(self._done()):
            together.working -= 1
            if not together.working:
                self._engine.start(together.process)
        self._plan()

    def _done(self) -> Iterator[_Together]:
        for of in self._classes:
            while of.due and of.due[0][0] <= of.served + ROUNDING_MS:
                yield heapq.heappop(of.due)[2]

    def _rates(self):
        """What each of a class gets of a core."""
        first, polite = (len(of.due) for of in self._classes)
        left = max(0.0, self._number - first)
        return min(1.0, self._number / first) if first else 0.0, min(1.0, left / polite) if polite else 0.0

    def _advance(self):
        passed_ms, self._since_ms = self._engine.now_ms - self._since_ms, self._engine.now_ms
        for of, rate in zip(self._classes, self._rates(), strict=True):
            of.served += passed_ms * rate

    def _plan(self):
        """The next instant at which somebody is done."""
        self._version += 1
        ends = [
            (of.due[0][0] - of.served) / rate
            for of, rate in zip(self._classes, self._rates(), strict=True)
            if of.due and rate
        ]
        if ends:
            self._engine.at(self._engine.now_ms + max(0.0, min(ends)), self, self._version)
