"""Simulation of a deployment under a burst, or under a closed or open load.

A request is sent by the load generator, and waits for a worker, for a connection and the database, for a hash slot, and
for the lock of the worker's interpreter. All computing, the load generator's too, shares the machine's cores. The
demand of each request is drawn from measured ones; the load decides when requests are sent.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
import pandas as pd

from .discrete_event import Cores, Delay, Environment, Process, Resource, Work
from .server_model import ServerModel, Worker
from .service_demands import Demands, ServiceDemand

SECOND_MS = 1000.0
COLUMNS = ["user", "endpoint", "start_ms", "latency_ms"]


@dataclass(frozen=True)
class Load:
    """A steady load.

    family: `sustained` is users with think time, who start at random within the longest pause, with a login; `open` is
        Poisson arrivals
    number: of users, or of requests a second
    shares: of the endpoints, relative to each other
    think_s: shortest and longest pause of a user
    """

    family: Literal["sustained", "open"]
    number: float
    shares: Mapping[str, float]
    warmup_s: float
    duration_s: float
    think_s: tuple[float, float] = (0.0, 0.0)

    @property
    def end_ms(self) -> float:
        return SECOND_MS * (self.warmup_s + self.duration_s)

    @property
    def mean_think_s(self) -> float:
        return sum(self.think_s) / 2


class Simulation:
    """One deployment, for one load: `burst` or `steady`, called once."""

    def __init__(self, server: ServerModel, demands: Demands, seed: int):
        self._environment = Environment()
        self._rows: list[tuple[int, str, float, float]] = []
        self._server, self._demands, self._random = server, demands, np.random.default_rng(seed)
        self._cores = Cores(self._environment, server.cores)
        self._workers = server.create_workers(self._environment)
        self._generators = Resource(self._environment, server.generators)

    def burst(self, users: int, steps: Sequence[str]) -> pd.DataFrame:
        """The requests of users who start at one instant and call each endpoint of `steps` once.

        A row for each request in the order of the responses: `user` (from 0), `endpoint`, `start_ms` (sent, since the
        start), `latency_ms`.
        """
        for user in range(users):
            self._environment.start(self._burst_user(user, self._choose_worker(), steps))
        return self._run()

    def steady(self, load: Load) -> pd.DataFrame:
        """The requests of a load that were sent after its warm-up; columns as of `burst`."""
        if load.family == "sustained":
            for user in range(round(load.number)):
                self._environment.start(self._thinking_user(user, self._choose_worker(), load))
        else:
            for user, at_ms in enumerate(self._poisson_arrivals_ms(load)):
                request = self._request(user, self._choose_worker(), self._choose_endpoint(load.shares))
                self._environment.start(request, at_ms)
        rows = self._run()
        return rows[rows["start_ms"] >= SECOND_MS * load.warmup_s]

    def _run(self) -> pd.DataFrame:
        self._environment.run()
        return pd.DataFrame(self._rows, columns=COLUMNS)

    def _choose_worker(self) -> Worker:
        """The worker that accepts a new connection."""
        shares = self._server.worker_shares
        return self._workers[self._choose(shares if len(shares) == len(self._workers) else [1.0] * len(self._workers))]

    def _choose_endpoint(self, shares: Mapping[str, float]) -> str:
        return list(shares)[self._choose(shares.values())]

    def _choose(self, shares: Iterable[float]) -> int:
        """A random position, with probabilities in proportion to the shares."""
        ends = list(accumulate(shares))
        return min(bisect_right(ends, self._random.random() * ends[-1]), len(ends) - 1)

    def _poisson_arrivals_ms(self, load: Load) -> np.ndarray:
        """The instants of a Poisson process: their number is Poisson, and given it each is uniform over the time."""
        number = self._random.poisson(load.number * load.end_ms / SECOND_MS)
        return np.sort(self._random.uniform(0.0, load.end_ms, number))

    def _burst_user(self, user: int, worker: Worker, steps: Sequence[str]) -> Process:
        for endpoint in steps:
            yield from self._request(user, worker, endpoint)

    def _thinking_user(self, user: int, worker: Worker, load: Load) -> Process:
        shortest_s, longest_s = load.think_s
        yield Delay(SECOND_MS * longest_s * self._random.random())
        endpoint = "login"
        while self._environment.now_ms < load.end_ms:
            yield from self._request(user, worker, endpoint)
            endpoint = self._choose_endpoint(load.shares)
            yield Delay(SECOND_MS * self._random.uniform(shortest_s, longest_s))

    def _request(self, user: int, worker: Worker, endpoint: str) -> Process:
        """One request from its send to its response, which adds a row."""
        start_ms = self._environment.now_ms
        yield from self._answer(worker, self._demands.endpoints[endpoint].draw(self._random))
        self._rows.append((user, endpoint, start_ms, self._environment.now_ms - start_ms))

    def _answer(self, worker: Worker, demand: ServiceDemand) -> Process:
        yield from self._compute(self._generators, demand.send_ms)
        yield Delay(demand.delay_ms)
        yield worker.threads
        yield from self._query(worker, demand)
        yield from self._hash(worker, demand)
        yield from self._compute(worker.interpreter, demand.python_ms)
        self._environment.start(self._follow_up(worker, demand))
        self._environment.start(self._compute(self._generators, demand.receive_ms))

    def _follow_up(self, worker: Worker, demand: ServiceDemand) -> Process:
        """The worker's computing after the response; one that answers one request at a time takes none before."""
        if self._server.threads != 1:
            worker.threads.release()
        yield from self._compute(worker.interpreter, demand.after_ms)
        if self._server.threads == 1:
            worker.threads.release()

    def _query(self, worker: Worker, demand: ServiceDemand) -> Process:
        if not demand.database_ms and not demand.database_wait_ms and not demand.database_client_ms:
            return
        if self._server.blocking_queries:
            yield worker.interpreter
        yield worker.connections
        yield Delay(demand.database_wait_ms)
        yield Work(self._cores, demand.database_ms, processes=demand.database_processes)
        if self._server.blocking_queries:
            yield Work(self._cores, demand.database_client_ms)
        else:
            yield from self._compute(worker.interpreter, demand.database_client_ms)
        worker.connections.release()
        if self._server.blocking_queries:
            worker.interpreter.release()

    def _hash(self, worker: Worker, demand: ServiceDemand) -> Process:
        if demand.hash_ms:
            resource = worker.hash_slots if self._server.parallel_hashes else worker.interpreter
            yield from self._compute(resource, demand.hash_ms, self._server.low_priority_hashes)

    def _compute(self, resource: Resource, ms: float, low_priority: bool = False) -> Process:
        """CPU time while the process has a slot of the resource."""
        if not ms:
            return
        yield resource
        yield Work(self._cores, ms, low_priority)
        resource.release()
