"""The resources that the requests of a deployment share: cores, workers, connections, the lock of each interpreter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.recording import Run
from workbench.server_kinds import LOOPS, THREADED

from .discrete_event import Environment, Resource


@dataclass(frozen=True)
class ServerModel:
    """One deployment, as far as the simulation knows it. None is unlimited.

    cores: of the machine; the load generator's processes use them too
    workers: processes of the application
    threads: requests that a worker answers at once
    connections: of a worker to the database
    hash_slots: hashes that a worker computes at once, beside its Python
    low_priority_hashes: hashes get only the CPU time that other work leaves
    parallel_hashes: a hash releases the interpreter's lock; on an event loop it blocks all Python of its worker
    blocking_queries: so does waiting for the database, on an event loop whose driver is not cooperative
    worker_shares: measured shares of the requests by worker, where a connection stays with one worker and nothing
        balances them; empty is equal shares
    generators: processes of the load generator
    """

    cores: int
    workers: int
    threads: int | None = 1
    connections: int | None = 1
    hash_slots: int | None = None
    low_priority_hashes: bool = False
    parallel_hashes: bool = True
    blocking_queries: bool = False
    worker_shares: tuple[float, ...] = ()
    generators: int = 1

    @classmethod
    def from_run(cls, run: Run, settings: Mapping | None = None, worker_shares: Sequence[float] = ()) -> "ServerModel":
        """The model of a run's deployment, or of one with these recorded `settings` on the same machine.

        `worker_shares` are the run's measured ones; where their number is not that of the workers, all get the same.
        """
        settings = run.record["deployment"]["settings"] if settings is None else settings
        loop = settings["server"] in LOOPS
        threads = None if loop else settings["threads"] if settings["server"] in THREADED else 1
        pooled = settings["pool"] != "none"
        return cls(
            cores=run.record["environment"]["cpu_count"],
            workers=settings["workers"],
            threads=threads,
            connections=settings["pool_size"] + settings["pool_max_overflow"] if pooled else None,
            hash_slots=settings["hash_limit"] or None,
            low_priority_hashes=bool(settings["hash_limit"]),
            parallel_hashes=not loop or bool(settings["hash_limit"]),
            blocking_queries=settings["server"] == "gevent" and not settings["deadlines"],
            worker_shares=tuple(worker_shares) if len(worker_shares) == settings["workers"] else (),
            generators=run.record.get("processes") or 1,
        )

    def create_workers(self, environment: Environment) -> list["Worker"]:
        """The workers' resources in a simulation.

        Workers that answer one request at a time share the listening socket: whichever is free takes the next request.
        Together they are one worker with that many slots. To a worker of threads or greenlets a connection stays bound.
        """
        if self.threads == 1:
            return [Worker(environment, self, self.workers)]
        return [Worker(environment, self) for _ in range(self.workers)]


class Worker:
    """The resources of one worker, or of `number` workers that share them.

    `threads`, `connections` and `hash_slots` as in `ServerModel`; `interpreter` is the lock that Python code needs.
    """

    def __init__(self, environment: Environment, server: ServerModel, number: int = 1):
        def resource(slots: int | None) -> Resource:
            return Resource(environment, None if slots is None else number * slots)

        self.threads = resource(server.threads)
        self.connections = resource(server.connections)
        self.hash_slots = resource(server.hash_slots)
        self.interpreter = resource(1)
