"""What the requests of a deployment share: cores, workers, connections, and the one who runs Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.recording import Run

from .discrete_event import Engine, Places


@dataclass(frozen=True)
class Machine:
    """One deployment. None is any number.

    `threads` is how many requests a worker answers at once, `connections` how many it may use at once, `hashes` how
    many it computes beside the Python that it runs; where they are `polite`, they give way to all else. Where they are
    not `apart`, a hash keeps all other Python of its worker waiting, as on a loop; so does waiting for the database
    where it is `blocking`. `shares` are those of the requests that come to each worker, where connections stay with one
    of them: nobody sees to it that they are alike. The load comes from so many `generators`, processes on the same
    cores.
    """

    cores: int
    workers: int
    threads: int | None = 1
    connections: int | None = 1
    hashes: int | None = None
    polite: bool = False
    apart: bool = True
    blocking: bool = False
    shares: tuple[float, ...] = ()
    generators: int = 1

    @classmethod
    def of(cls, run: Run, settings: Mapping | None = None, shares: Sequence[float] = ()) -> "Machine":
        """That of a run's deployment, or of one with these recorded settings in its place.

        `shares` are measured ones of its workers; where there are not as many, all workers get the same.
        """
        settings = run.record["deployment"]["settings"] if settings is None else settings
        loop = settings["server"] == "gevent"
        threads = {"sync": 1, "gthread": settings["threads"], "gevent": None}[settings["server"]]
        pooled = settings["pool"] != "none"
        return cls(
            cores=run.record["environment"]["cpu_count"],
            workers=settings["workers"],
            threads=threads,
            connections=settings["pool_size"] + settings["pool_max_overflow"] if pooled else None,
            hashes=settings["hash_limit"] or None,
            polite=bool(settings["hash_limit"]),
            apart=not loop or bool(settings["hash_limit"]),
            blocking=loop and not settings["deadlines"],
            shares=tuple(shares) if len(shares) == settings["workers"] else (),
            generators=run.record.get("processes") or 1,
        )

    def places(self, engine: Engine) -> list["Worker"]:
        """The workers. Those that answer one request at a time take the next whoever of them is free, so they are one
        with as many places of each kind; to one of many threads or greenlets a connection stays bound."""
        if self.threads == 1:
            return [Worker(engine, self, self.workers)]
        return [Worker(engine, self) for _ in range(self.workers)]


class Worker:
    """The places of one worker, or of several together: for requests, connections, hashes, and for who runs Python
    (its lock)."""

    def __init__(self, engine: Engine, machine: Machine, together: int = 1):
        def places(of_each: int | None) -> Places:
            return Places(engine, None if of_each is None else together * of_each)

        self.threads = places(machine.threads)
        self.connections = places(machine.connections)
        self.hashes = places(machine.hashes)
        self.python = places(1)
