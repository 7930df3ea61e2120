"""What requests need of the machine, from a run in which hardly any of them had to wait.

The application tells what each request computed, asked the database and hashed; the kernel tells how much CPU time
workers, PostgreSQL, store and load generator spent on all of them together. What workers spent beyond what requests
told is the server's own part: reading and sending. What of a request's time nobody computed is a delay: a network, and
processes that take a moment to wake.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import pandas as pd

from .. import costs
from ..recording import Run

# Of the columns of a row, what is Python of the application, and what passes with PostgreSQL: where nobody waits for a
# connection, the pool's time is that of asking whether it lives.
COMPUTED = ["rest_ms", "cache_ms", "session_ms"]
ASKED = ["pool_ms", "db_ms"]
TOLD = [*COMPUTED, *ASKED, "queue_ms", "residual_ms", "hash_ms", "db_round_trips"]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one request needs, ms. CPU time: `sending_ms` of the load generator, `computing_ms` of its worker's Python,
    `database_ms` of so many `database_processes` of PostgreSQL at once, `hash_ms`, and `after_ms` of its worker once
    the answer is out. Time that just passes: `delay_ms` on the way, and with a connection in hand `away_ms`, in which
    so many `round_trips` are made."""

    computing_ms: float
    database_ms: float = 0.0
    hash_ms: float = 0.0
    sending_ms: float = 0.0
    delay_ms: float = 0.0
    away_ms: float = 0.0
    after_ms: float = 0.0
    round_trips: float = 0.0
    database_processes: int = 1

    def cpu_ms(self) -> float:
        """The CPU time of all roles together."""
        return self.computing_ms + self.database_ms + self.hash_ms + self.sending_ms + self.after_ms


@dataclass(frozen=True)
class Endpoint:
    """The measured requests to one endpoint: those that the cache `answered`, the `others`, and how often one of the
    former is drawn."""

    answered: tuple[Holding, ...]
    others: tuple[Holding, ...]
    hit_ratio: float

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

    def cpu_ms(self, shares: Mapping[str, float]) -> float:
        """The mean CPU time of a request, all roles together, where endpoints have these shares."""
        spent_ms = {name: self.endpoints[name].mean_ms(Holding.cpu_ms) for name in shares if name in self.endpoints}
        return sum(shares[name] * ms for name, ms in spent_ms.items()) / sum(shares.values())

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

    None where the application did not tell its parts, or the workers' CPU time was not read.
    """
    rows = run.rows.query(
        f"SELECT endpoint, phase = 'measure' AND ok AS counts, coalesce(cache IN ('hit', 'stale'), false) AS answered, "
        f"{', '.join(TOLD)} FROM requests WHERE app_ms IS NOT NULL ORDER BY start_ms, user, sequence"
    )
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
    """What every request of a run needs alike (ms), as nobody tells it of one: `server_ms` of its worker beside its
    own Python, `store_ms`, `sending_ms`, and the time `outside_ms` of the application. `database_share` is what
    PostgreSQL computes for each ms that it is waited for: over 1 where several of its processes share a query."""

    server_ms: float
    store_ms: float
    sending_ms: float
    outside_ms: float
    database_share: float

    @classmethod
    def of(cls, run: Run, rows: pd.DataFrame) -> "_Shared | None":
        """From all requests of a run, warm-up included, as CPU time is known of all together."""
        spent_ms = {role: costs.cpu_ms(run, role) for role in costs.WORK_OF}
        if rows.empty or spent_ms["server"] is None:
            return None
        told = rows[TOLD].fillna(0.0).clip(lower=0.0)
        asked_ms, sent = told[ASKED].sum().sum(), run.totals["sent"]
        own_ms = spent_ms["server"] - told[[*COMPUTED, "hash_ms"]].sum().sum()
        return cls(
            server_ms=max(0.0, own_ms / sent),
            store_ms=(spent_ms["store"] or 0.0) / sent,
            sending_ms=(spent_ms["generator"] or 0.0) / sent,
            # Half of the requests met nobody, where the worker was free for more than half of the time.
            outside_ms=float((told["queue_ms"] + told["residual_ms"]).median()),
            database_share=(spent_ms["database"] or 0.0) / asked_ms if asked_ms else 0.0,
        )

    def holdings(self, rows: pd.DataFrame) -> tuple[Holding, ...]:
        told = rows[TOLD].fillna(0.0).clip(lower=0.0)
        asked_ms = told[ASKED].sum(axis=1)
        # What is computed beyond the time outside the application is computed when the answer is out.
        after_ms = max(0.0, self.server_ms + self.sending_ms - self.outside_ms)
        processes = max(1, math.ceil(self.database_share))
        frame = pd.DataFrame(
            {
                "computing_ms": told[COMPUTED].sum(axis=1) + self.store_ms + max(0.0, self.server_ms - after_ms),
                "database_ms": asked_ms * self.database_share,
                "hash_ms": told["hash_ms"],
                "sending_ms": self.sending_ms,
                "delay_ms": max(0.0, self.outside_ms - self.server_ms - self.sending_ms),
                "away_ms": asked_ms * (1.0 - self.database_share / processes),
                "after_ms": after_ms,
                "round_trips": told["db_round_trips"],
            }
        )
        return tuple(Holding(*map(float, held), processes) for held in frame.itertuples(index=False))
