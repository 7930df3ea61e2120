"""What requests need of the machine, from a run in which hardly any of them had to wait.

The application tells what each request computed, asked the database and hashed; the kernel tells how much CPU time
workers, PostgreSQL, store and load generator spent on all of them together. What workers spent beyond what requests
told is, where a request waited longer for the database than that computed, first the asking, and else the server's own
part: reading and sending. What of a request's time nobody computed is a delay: a network, and processes that take a
moment to wake.

Where requests come seldom each takes more CPU time, of which what idle processes spend is the smallest part; where they
come often they wait. A run under a third of what the deployment holds has little of either.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import pandas as pd

from workbench.recording import Run

from ..bottleneck import MACHINE
from ..metrics import cpu_metrics

# Of the columns of a row, what is Python of the application, and what passes with PostgreSQL: where nobody waits for a
# connection, the pool's time is that of asking whether it lives.
COMPUTED = ["rest_ms", "cache_ms", "session_ms"]
ASKED = ["pool_ms", "db_ms"]
TOLD = [*COMPUTED, *ASKED, "hash_ms", "db_round_trips"]
NEEDED = {f"{name.removesuffix('_ms')}_us" for name in (*ASKED, "app_ms", "hash_ms")} | {"db_round_trips", "cache"}
NUMBERS = [*TOLD, "outside_ms"]
SHORTEST_US = 5_000_000  # of a time between readings, of which the CPU is known to a few percent


@dataclass(frozen=True, slots=True)
class Holding:
    """What one request needs, ms.

    CPU time: `sending_ms` of the load generator, `computing_ms` of its worker's Python, `asking_ms` more of that with a
    connection in hand, `database_ms` of so many `database_processes` of PostgreSQL at once, `hash_ms`, and once the
    answer is out `after_ms` of its worker and `receiving_ms` of the load generator. Time that just passes: `delay_ms`
    on the way, and with a connection in hand `away_ms`, in which so many `round_trips` are made.
    """

    computing_ms: float
    database_ms: float = 0.0
    asking_ms: float = 0.0
    hash_ms: float = 0.0
    sending_ms: float = 0.0
    delay_ms: float = 0.0
    away_ms: float = 0.0
    after_ms: float = 0.0
    receiving_ms: float = 0.0
    round_trips: float = 0.0
    database_processes: int = 1

    def cpu_ms(self) -> float:
        """The CPU time of all roles together."""
        before_ms = self.sending_ms + self.computing_ms + self.asking_ms + self.database_ms + self.hash_ms
        return before_ms + self.after_ms + self.receiving_ms


@dataclass(frozen=True)
class Endpoint:
    """The measured requests to one endpoint: those that the cache `answered`, the `others`, and how often one of the
    former is drawn."""

    answered: tuple[Holding, ...]
    others: tuple[Holding, ...]
    hit_ratio: float

    @property
    def number(self) -> int:
        return len(self.answered) + len(self.others)

    def draw(self, random: np.random.Generator) -> Holding:
        """One of them, by chance."""
        drawn = self.answered if random.random() < self.hit_ratio else self.others
        return drawn[int(random.random() * len(drawn))]

    def mean_ms(self, take: Callable[[Holding], float]) -> float:
        """The mean of what is taken of each, as often as they are drawn."""
        groups = ((self.hit_ratio, self.answered), (1.0 - self.hit_ratio, self.others))
        return sum(ratio * fmean(map(take, held)) for ratio, held in groups if ratio)

    def with_hits(self, ratio: float) -> "Endpoint":
        """Raises ValueError where no request shows what a hit, or a miss, takes."""
        if (ratio > 0 and not self.answered) or (ratio < 1 and not self.others):
            raise ValueError(f"no request shows what it takes {'in' if ratio > 0 else 'beside'} the cache")
        return replace(self, hit_ratio=ratio)

    def each(self, change: Callable[[Holding], Holding]) -> "Endpoint":
        return replace(self, answered=tuple(map(change, self.answered)), others=tuple(map(change, self.others)))


@dataclass(frozen=True)
class Demands:
    """What requests need, by endpoint."""

    endpoints: Mapping[str, Endpoint]

    def mean_ms(self, take: Callable[[Holding], float], shares: Mapping[str, float]) -> float:
        """The mean of what is taken of each request, where endpoints have these shares."""
        of = {name: self.endpoints[name].mean_ms(take) for name in shares if name in self.endpoints}
        return sum(shares[name] * ms for name, ms in of.items()) / sum(shares[name] for name in of)

    def cpu_ms(self, shares: Mapping[str, float]) -> float:
        """The mean CPU time of a request, all roles together."""
        return self.mean_ms(Holding.cpu_ms, shares)

    def hash_ms(self) -> float | None:
        """What a hash takes on the average; None where nobody hashed."""
        hashes = [held.hash_ms for endpoint in self.endpoints.values() for held in endpoint.others if held.hash_ms]
        return fmean(hashes) if hashes else None

    def with_hits(self, ratios: Mapping[str, float]) -> "Demands":
        """The same with other hit ratios. Raises ValueError where no such request was measured."""
        changed = dict(self.endpoints)
        for name, ratio in ratios.items():
            try:
                changed[name] = changed[name].with_hits(ratio)
            except (KeyError, ValueError):
                raise ValueError(f"no measured {name} shows what it takes at a hit ratio of {ratio:.1%}") from None
        return Demands(changed)

    def with_hash(self, factor: float) -> "Demands":
        """The same with hashes that take so many times as long."""
        return self._each(lambda held: replace(held, hash_ms=factor * held.hash_ms))

    def with_round_trip(self, more_ms: float) -> "Demands":
        """The same with the database so much further away."""
        return self._each(lambda held: replace(held, away_ms=max(0.0, held.away_ms + more_ms * held.round_trips)))

    def _each(self, change):
        return Demands({name: endpoint.each(change) for name, endpoint in self.endpoints.items()})


def of(run: Run) -> Demands | None:
    """What the right answers of a run's measured phase needed.

    None where nothing was measured, where the application did not tell its parts, or where CPU time was not read of all
    roles that were there.
    """
    if run.totals is None or any(defect.column in NEEDED for defect in run.defects):
        return None
    rows = run.rows.query(
        f"SELECT endpoint, start_ms, phase = 'measure' AND ok AS counts, "
        f"coalesce(cache IN ('hit', 'stale'), false) AS answered, latency_ms - app_ms AS outside_ms, {', '.join(TOLD)} "
        "FROM requests WHERE app_ms IS NOT NULL ORDER BY start_ms, user, sequence"
    )
    rows[NUMBERS] = rows[NUMBERS].fillna(0.0).clip(lower=0.0)
    shared = _Shared.of(run, rows)
    if shared is None or not rows["counts"].any():
        return None
    return Demands(
        {
            name: _endpoint(shared.holdings(own[own["answered"]]), shared.holdings(own[~own["answered"]]))
            for name, own in rows[rows["counts"]].groupby("endpoint")
        }
    )


def _endpoint(answered, others):
    return Endpoint(answered, others, len(answered) / (len(answered) + len(others)))


@dataclass(frozen=True)
class _Shared:
    """What every request of a run needs alike (ms), as nobody tells it of one: `server_ms` of its worker beside what
    the application told, `sending_ms` of the load generator, and the time `outside_ms` of the application.

    `told_share` is what of the time that the application told was really computing: under 1 where it waited for a core
    in between, and so did PostgreSQL. `database_share` is what PostgreSQL computes for each ms that it is waited for:
    over 1 where several of its processes share a query, at most as many as there are `cores`. `asking_share` is what
    the worker computes of the time in which it has a connection, and neither PostgreSQL computes nor is the network
    waited for, which takes `network_ms` for each round trip."""

    server_ms: float
    sending_ms: float
    outside_ms: float
    told_share: float
    database_share: float
    asking_share: float
    network_ms: float
    cores: int

    @classmethod
    def of(cls, run: Run, rows: pd.DataFrame) -> "_Shared | None":
        """From all requests of a time of which the CPU time of each role is known."""
        known = _measured(run, rows) or _whole(run, rows)
        if known is None:
            return None
        during, spent_ms = known
        # What the store computes is within what the application told: it waits for that.
        computed_ms, told_ms = spent_ms["server"] + spent_ms["store"], during[[*COMPUTED, "hash_ms"]].sum().sum()
        shared = cls(
            server_ms=0.0,
            sending_ms=spent_ms["generator"] / len(during),
            # Half of the requests met nobody, where the worker was free for more than half of the time.
            outside_ms=float(during["outside_ms"].median()),
            told_share=min(1.0, computed_ms / told_ms) if told_ms else 1.0,
            database_share=0.0,
            asking_share=0.0,
            network_ms=run.record["deployment"]["settings"].get("round_trip_ms") or 0.0,
            cores=run.record["environment"]["cpu_count"],
        )
        asked_ms = float(shared._asked_ms(during).sum())
        shared = replace(shared, database_share=spent_ms["database"] / asked_ms if asked_ms else 0.0)
        untold_ms, waited_ms = max(0.0, computed_ms - told_ms), asked_ms * shared._waiting
        asking_ms = min(untold_ms, waited_ms)
        return replace(
            shared,
            server_ms=(untold_ms - asking_ms) / len(during),
            asking_share=asking_ms / waited_ms if waited_ms else 0.0,
        )

    def holdings(self, rows: pd.DataFrame) -> tuple[Holding, ...]:
        """What is computed beyond the time outside the application is computed when the answer is out: first by the
        load generator, half of whose work is with the answer, then by the server."""
        beyond_ms = max(0.0, self.server_ms + self.sending_ms - self.outside_ms)
        receiving_ms = min(self.sending_ms / 2, beyond_ms)
        after_ms = min(self.server_ms, beyond_ms - receiving_ms)
        asked_ms = self._asked_ms(rows)
        waited_ms = asked_ms * self._waiting
        asking_ms = waited_ms * self.asking_share
        told_ms = rows[COMPUTED].sum(axis=1) * self.told_share
        frame = pd.DataFrame(
            {
                "computing_ms": told_ms + self.server_ms - after_ms,
                "database_ms": asked_ms * self.database_share,
                "asking_ms": asking_ms,
                "hash_ms": rows["hash_ms"] * self.told_share,
                "sending_ms": self.sending_ms - receiving_ms,
                "delay_ms": max(0.0, self.outside_ms - self.server_ms - self.sending_ms),
                "away_ms": waited_ms - asking_ms + self.network_ms * rows["db_round_trips"],
                "after_ms": after_ms,
                "receiving_ms": receiving_ms,
                "round_trips": rows["db_round_trips"],
            }
        )
        return tuple(Holding(*map(float, held), self._processes) for held in frame.itertuples(index=False))

    def _asked_ms(self, rows):
        """By request, the time with a connection less that of the network, and of waiting for a core."""
        near_ms = (rows[ASKED].sum(axis=1) - self.network_ms * rows["db_round_trips"]).clip(lower=0.0)
        return near_ms * self.told_share

    @property
    def _processes(self):
        """How many of PostgreSQL compute at once."""
        return min(self.cores, max(1, math.ceil(self.database_share)))

    @property
    def _waiting(self):
        """The share of the time with a connection near by in which PostgreSQL does not compute."""
        return max(0.0, 1.0 - self.database_share / self._processes)


def _measured(run, rows):
    """The requests between the first and the last reading of the measured phase, and by role the CPU time (ms) between
    them: the logins before it, which wait for each other, are no part of it. None where that is too short a time."""
    began_us, ended_us = 1000 * run.totals["measured_start_ms"], 1000 * rows["start_ms"].max()
    process = run.process[run.process["role"] != MACHINE]
    readings = process[process["at_us"].between(began_us, ended_us)].sort_values("at_us")
    if readings.empty or readings["at_us"].max() - readings["at_us"].min() < SHORTEST_US:
        return None
    ends = readings.groupby("role")[["at_us", "cpu_us"]].agg(["first", "last"])
    if set(ends.index) != set(process["role"]) or "server" not in ends.index:
        return None
    spent_us = ends["cpu_us", "last"] - ends["cpu_us", "first"]
    first_us, last_us = readings["at_us"].min(), readings["at_us"].max()
    during = rows[(1000 * rows["start_ms"]).between(first_us, last_us, inclusive="left")]
    generators = spent_us[spent_us.index.str.startswith("generator")].sum()
    spent_ms = {role: float(spent_us.get(role, 0.0)) / 1000 for role in cpu_metrics.SYSTEM}
    spent_ms["database"] = _less_readings(run, spent_ms["database"], last_us - first_us)
    return (during, spent_ms | {"generator": float(generators) / 1000}) if len(during) else None


def _whole(run, rows):
    """All requests of the run, and by role the CPU time on them."""
    there = {"server", *run.process["role"].unique()}
    spent_ms = {role: cpu_metrics.cpu_ms(run, role) for role in cpu_metrics.WORK_OF}
    if rows.empty or any(spent_ms[role] is None for role in there & spent_ms.keys()):
        return None
    spent_ms = {role: ms or 0.0 for role, ms in spent_ms.items()}
    loaded_us = 1000 * (run.totals["last_ms"] - run.totals["first_ms"])
    return rows, spent_ms | {"database": _less_readings(run, spent_ms["database"], loaded_us)}


def _less_readings(run, database_ms, passed_us):
    """What PostgreSQL spent on requests: who reads its activity asks it all the time, alike."""
    readings_ms = (run.record.get("readings") or {}).get("database_cpu_ms") or 0.0
    whole_us = run.process["at_us"].max() - run.process["at_us"].min()
    return max(0.0, database_ms - readings_ms * float(passed_us / whole_us)) if whole_us else database_ms
