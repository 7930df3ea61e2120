"""A simulation of a deployment: its requests need what requests were measured to need, and wait for each other.

A request is sent, waits for a worker that takes it, for a connection and the database, for its turn to hash, and for
the lock of who runs Python. All computing is work of the same cores, the load generator's too, which those who compute
share evenly. What each request needs is drawn from measured ones; who comes when is the load's.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
import pandas as pd

from .discrete_event import Cores, Delay, Engine, Places, Process, Work
from .server_model import Machine, Worker
from .service_demands import Demands, Holding

SECOND_MS = 1000.0


@dataclass(frozen=True)
class Load:
    """Users with think time (`sustained`, who begin within the longest pause, with a login), or requests that are due
    whatever the answers (`open`, Poisson): `number` of them, or of requests a second. `shares` by endpoint."""

    family: Literal["sustained", "open"]
    number: float
    shares: Mapping[str, float]
    warmup_s: float
    duration_s: float
    think_s: tuple[float, float] = (0.0, 0.0)

    @property
    def ends_ms(self) -> float:
        return SECOND_MS * (self.warmup_s + self.duration_s)


class Simulation:
    """One deployment from its start on; `rows` has the requests that were answered."""

    def __init__(self, machine: Machine, demands: Demands, seed: int):
        self.engine = Engine()
        self.rows: list[tuple[int, str, float, float]] = []
        self._machine, self._demands, self._random = machine, demands, np.random.default_rng(seed)
        self._cores = Cores(self.engine, machine.cores)
        self._workers = machine.places(self.engine)
        self._generator = Places(self.engine, machine.generators)

    def burst(self, users: int, steps: Sequence[str]) -> pd.DataFrame:
        """The requests of users who all begin at once and do each step once."""
        for number in range(users):
            self.engine.start(self._pass(number, self._worker(), steps))
        return self._finished()

    def steady(self, load: Load) -> pd.DataFrame:
        """The requests of a load that began when its warm-up was over."""
        if load.family == "sustained":
            for number in range(round(load.number)):
                self.engine.start(self._user(number, self._worker(), load))
        else:
            for number, at_ms in enumerate(self._arrivals_ms(load)):
                self.engine.start(self._answered(number, self._worker(), self._drawn(load.shares)), at_ms)
        rows = self._finished()
        return rows[rows["start_ms"] >= SECOND_MS * load.warmup_s]

    def _worker(self) -> Worker:
        """Whose a connection becomes."""
        shares = self._machine.shares if len(self._machine.shares) == len(self._workers) else [1.0] * len(self._workers)
        return self._workers[self._among(shares)]

    def _pass(self, number, worker, steps) -> Process:
        for endpoint in steps:
            yield from self._answered(number, worker, endpoint)

    def _user(self, number, worker, load) -> Process:
        shortest_s, longest_s = load.think_s
        yield Delay(SECOND_MS * longest_s * self._random.random())
        endpoint = "login"
        while self.engine.now_ms < load.ends_ms:
            yield from self._answered(number, worker, endpoint)
            endpoint = self._drawn(load.shares)
            yield Delay(SECOND_MS * self._random.uniform(shortest_s, longest_s))

    def _arrivals_ms(self, load):
        """The instants of a Poisson process: of a number that is drawn, each is anywhere in the time."""
        number = self._random.poisson(load.number * load.ends_ms / SECOND_MS)
        return np.sort(self._random.uniform(0.0, load.ends_ms, number))

    def _drawn(self, shares):
        return list(shares)[self._among(shares.values())]

    def _among(self, shares):
        """A place, by chance as these shares have it."""
        ends = list(accumulate(shares))
        return min(bisect_right(ends, self._random.random() * ends[-1]), len(ends) - 1)

    def _answered(self, number, worker, endpoint) -> Process:
        """One request from its send to its answer, which becomes a row."""
        sent_ms = self.engine.now_ms
        yield from self._request(worker, self._demands.endpoints[endpoint].draw(self._random))
        self.rows.append((number, endpoint, sent_ms, self.engine.now_ms - sent_ms))

    def _request(self, worker: Worker, held: Holding) -> Iterator:
        yield from self._holding(self._generator, held.sending_ms)
        yield Delay(held.delay_ms)
        yield worker.threads
        yield from self._ask(worker, held)
        yield from self._hash(worker, held)
        yield from self._holding(worker.python, held.computing_ms)
        self.engine.start(self._after(worker, held))
        self.engine.start(self._holding(self._generator, held.receiving_ms))

    def _after(self, worker, held):
        """What a worker does once the answer is out: one that answers one request at a time takes none before."""
        if self._machine.threads != 1:
            worker.threads.release()
        yield from self._holding(worker.python, held.after_ms)
        if self._machine.threads == 1:
            worker.threads.release()

    def _ask(self, worker, held):
        if not held.database_ms and not held.away_ms and not held.asking_ms:
            return
        if self._machine.blocking:
            yield worker.python
        yield worker.connections
        yield Delay(held.away_ms)
        yield Work(self._cores, held.database_ms, workers=held.database_processes)
        if self._machine.blocking:
            yield Work(self._cores, held.asking_ms)
        else:
            yield from self._holding(worker.python, held.asking_ms)
        worker.connections.release()
        if self._machine.blocking:
            worker.python.release()

    def _hash(self, worker, held):
        if held.hash_ms:
            place = worker.hashes if self._machine.apart else worker.python
            yield from self._holding(place, held.hash_ms, self._machine.polite)

    def _holding(self, place, ms, polite=False) -> Process:
        """Compute while one has the place."""
        if not ms:
            return
        yield place
        yield Work(self._cores, ms, polite)
        place.release()

    def _finished(self):
        """All that was sent, answered: `user`, `endpoint`, `start_ms`, `latency_ms`."""
        self.engine.run()
        return pd.DataFrame(self.rows, columns=["user", "endpoint", "start_ms", "latency_ms"])
