"""A simulation of a deployment whose requests hold what single requests were measured to hold.

A request waits for a worker that takes it, computes, waits for a connection and has the database compute, waits for
its turn to hash and hashes. All of it is work of the same cores, which those who compute share evenly. What each
request needs is drawn from requests that were measured when nobody else was there; so the simulation knows nothing of
the load that it predicts but who comes when.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..measures import ENDPOINTS, duration_s, latency
from ..recording import Experiment
from .engine import Cores, Delay, Engine, Places, Process, Work

SINGLE = "single"
REPLICATIONS = 20


@dataclass(frozen=True)
class Holding:
    """What one request needed (ms): outside the application (`transport_ms`: sending, the server's own part), for its
    own Python, in the database, of it `away_ms` waiting for the network, and for a hash."""

    transport_ms: float
    computing_ms: float
    database_ms: float
    hash_ms: float
    away_ms: float = 0.0


@dataclass(frozen=True)
class Machine:
    """What requests share. `threads` is how many a worker answers at once, `connections` how many it may use at once,
    `hashes` how many it computes at once (None: any number); where they are `polite`, they give way to all else."""

    cores: int
    workers: int
    threads: int = 1
    connections: int = 1
    hashes: int | None = None
    polite: bool = False

    @classmethod
    def of(cls, settings: Mapping, cores: int) -> "Machine | None":
        """That of a recorded deployment; None for a server whose workers this does not describe."""
        if settings["server"] not in ("sync", "gthread"):
            return None
        return cls(
            cores=cores,
            workers=settings["workers"],
            threads=settings["threads"] if settings["server"] == "gthread" else 1,
            connections=settings["pool_size"] + settings["pool_max_overflow"],
            hashes=settings["hash_limit"] or None,
            polite=bool(settings["hash_limit"]),
        )


class _Worker:
    """The places of one worker: for requests, connections, hashes, and the one for who runs Python (its lock)."""

    def __init__(self, engine: Engine, machine: Machine):
        self.threads = Places(engine, machine.threads)
        self.connections = Places(engine, machine.connections)
        self.hashes = Places(engine, machine.hashes)
        self.python = Places(engine, 1)


class Simulation:
    """One deployment from its start on; `rows` has the requests that were answered."""

    def __init__(self, machine: Machine, holdings: Mapping[str, Sequence[Holding]], seed: int):
        self.engine = Engine()
        self.rows: list[tuple[int, str, float, float]] = []
        self._machine, self._holdings, self._random = machine, holdings, np.random.default_rng(seed)
        self._cores = Cores(self.engine, machine.cores)
        # Workers of one thread take the next request whoever of them is free; a connection stays with a worker of many.
        shared = machine.threads == 1
        alone = Machine(**{**vars(machine), "threads": machine.workers}) if shared else machine
        self._workers = [_Worker(self.engine, alone) for _ in range(1 if shared else machine.workers)]
        if shared:
            self._workers[0].python = Places(self.engine, machine.workers)

    def user(self, number: int, steps: Sequence[str]) -> Process:
        """One user, who sends each request when the one before is answered."""
        for endpoint in steps:
            sent_ms = self.engine.now_ms
            yield from self._request(self._workers[number % len(self._workers)], self._drawn(endpoint))
            self.rows.append((number, endpoint, sent_ms, self.engine.now_ms - sent_ms))

    def _drawn(self, endpoint) -> Holding:
        measured = self._holdings[endpoint]
        return measured[self._random.integers(len(measured))]

    def _request(self, worker: _Worker, held: Holding) -> Iterator:
        yield worker.threads
        yield Work(self._cores, held.transport_ms)
        if held.database_ms or held.away_ms:
            yield worker.connections
            yield Delay(held.away_ms)
            yield Work(self._cores, held.database_ms - held.away_ms)
            worker.connections.release()
        if held.hash_ms:
            yield worker.hashes
            yield Work(self._cores, held.hash_ms, self._machine.polite)
            worker.hashes.release()
        yield worker.python
        yield Work(self._cores, held.computing_ms)
        worker.python.release()
        worker.threads.release()

    def frame(self) -> pd.DataFrame:
        """The answered requests: `user`, `endpoint`, `start_ms`, `latency_ms`."""
        return pd.DataFrame(self.rows, columns=["user", "endpoint", "start_ms", "latency_ms"])


def burst(
    machine: Machine, holdings: Mapping[str, Sequence[Holding]], users: int, steps: Sequence[str], seed: int
) -> pd.DataFrame:
    """The requests of a burst: all users begin at once and do each step once."""
    simulation = Simulation(machine, holdings, seed)
    for number in range(users):
        simulation.engine.start(simulation.user(number, steps))
    simulation.engine.run()
    return simulation.frame()


def holdings(experiment: Experiment, deployment: str) -> dict[str, list[Holding]]:
    """By endpoint, what each of the measured single requests of a deployment held; empty where none was run."""
    runs = experiment.find(deployment, SINGLE)
    if not runs:
        return {}
    round_trip_ms = runs[0].record["deployment"]["settings"].get("round_trip_ms", 0.0)
    rows = experiment.rows.query(
        """SELECT endpoint, queue_ms + residual_ms AS transport_ms,
                  rest_ms + cache_ms + session_ms + pool_ms AS computing_ms, db_ms AS database_ms, hash_ms,
                  least(db_ms, ? * db_round_trips) AS away_ms
           FROM measured WHERE deployment = ? AND scenario = ? AND ok AND app_ms IS NOT NULL
           ORDER BY endpoint, start_ms""",
        [round_trip_ms, deployment, SINGLE],
    )
    columns = ["transport_ms", "computing_ms", "database_ms", "hash_ms", "away_ms"]
    rows[columns] = rows[columns].fillna(0.0).clip(lower=0.0)
    return {
        endpoint: [Holding(*map(float, held)) for held in own[columns].itertuples(index=False)]
        for endpoint, own in rows.groupby("endpoint")
    }


def predicted(experiment: Experiment, deployment: str, users: int) -> pd.DataFrame:
    """What the simulation says of a burst beside what was measured: rows (figure, predicted, measured), in seconds.

    Figures are the duration, and each endpoint's mean and p95 latency; the prediction is the mean over
    `REPLICATIONS` draws. `measured` is NaN where the burst was not run. Empty without single requests of each
    endpoint, and for servers that `Machine` does not describe.
    """
    runs, held = experiment.find(deployment, SINGLE), holdings(experiment, deployment)
    machine = Machine.of(runs[0].record["deployment"]["settings"], _cores(runs[0])) if runs else None
    if machine is None or not set(ENDPOINTS) <= held.keys():
        return pd.DataFrame(columns=["figure", "predicted", "measured"])
    drawn = pd.DataFrame(
        [_figures(burst(machine, held, users, ENDPOINTS, seed)) for seed in range(REPLICATIONS)]
    ).mean()
    return pd.DataFrame(
        {"figure": drawn.index, "predicted": drawn.to_numpy(), "measured": _measured(experiment, deployment, users)}
    )


def _cores(run):
    return run.record["environment"]["cpu_count"]


def _figures(rows):
    by_endpoint = rows.groupby("endpoint")["latency_ms"]
    return {
        "duration": (rows["start_ms"] + rows["latency_ms"]).max() / 1000,
        **{f"{endpoint}, mean": by_endpoint.mean()[endpoint] / 1000 for endpoint in ENDPOINTS},
        **{f"{endpoint}, p95": by_endpoint.quantile(0.95)[endpoint] / 1000 for endpoint in ENDPOINTS},
    }


def _measured(experiment, deployment, users):
    table = latency(experiment, deployment, f"burst-{users}").reindex(ENDPOINTS)
    duration = duration_s(experiment, deployment, f"burst-{users}")
    return [duration, *(table["mean_ms"] / 1000), *(table["p95_ms"] / 1000)]
