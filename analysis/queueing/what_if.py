"""What a deployment would do under a load, or another one in its place, foretold from a run under a small load.

More or fewer workers, threads, connections or places to hash, a cache that answers more or fewer of the requests,
dearer hashes, a database further away: the simulation knows what each of them changes. Whatever else may differ
between two deployments is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

import pandas as pd

from workbench.recording import Run

from .. import bottleneck
from ..capacity.bracket import HIGHEST_P95_MS, load_of
from ..metrics.arm_metrics import worker_shares
from . import service_demands as demands
from .deployment_simulation import SECOND_MS, Load, Simulation
from .server_model import Machine
from .service_demands import Demands

REPLICATIONS = 5
NEAR_ENOUGH = 1.02  # the ratio of the ends between which a predicted capacity lies
BEYOND, STEEP = 1.1, 1.5
MOST_RPS = 20_000.0
FEWEST = 5  # right answers of an endpoint, from which what it needs is drawn
TTL_S = {"dashboard": "cache_statistics_ttl_s", "search": "cache_search_ttl_s"}  # of the endpoints that are cached
CACHING = ("cache", *TTL_S.values())
FORESEEN = (
    "server", "workers", "threads", "pool_size", "pool_max_overflow", "hash_limit",
    "password_hash", "round_trip_ms", *CACHING,
)  # fmt: skip
ASSUMED = ("pool", "deadlines")  # of a deployment, beside those
OF_THE_PLACE = ("database_url", "max_connections", "database_host")  # differ without a consequence for a load


class Unforeseen(ValueError):
    """What was asked is beyond the model, or beyond what was measured; the message says why."""


@dataclass(frozen=True)
class Prediction:
    """Of a load: right answers a second, mean latency, p95 by endpoint."""

    load: float
    throughput_rps: float
    mean_ms: float
    p95_ms: dict[str, float]

    @property
    def slowest_ms(self) -> float:
        return max(self.p95_ms.values())


@dataclass(frozen=True)
class Model:
    """A deployment as a run of it, or of one that is like it, makes it known; `load` is that of the run, if not said
    otherwise."""

    machine: Machine
    demands: Demands
    load: Load
    settings: Mapping
    asked: Mapping[str, float] | None  # hit ratios that were given
    recached: bool

    @classmethod
    def of(
        cls,
        run: Run,
        settings: Mapping | None = None,
        *,
        hash_ms: float | None = None,
        hit_ratio: Mapping[str, float] | None = None,
    ) -> "Model":
        """That of the run's deployment, or of another one with these recorded settings.

        `hash_ms` is what a hash takes there, `hit_ratio` by endpoint the share of requests that its cache answers; else
        both are as in the run, or follow from the settings. Raises `Unforeseen`.
        """
        own = run.record["deployment"]["settings"]
        settings = own if settings is None else settings
        _check_run(run)
        load = _load(run)
        _check(own, settings, hash_ms, hit_ratio)
        _check_waiting(run)
        held = demands.of(run)
        if held is None:
            raise Unforeseen(f"{run.name} does not tell what its requests needed")
        if hash_ms is not None:
            held = held.with_hash(_factor(hash_ms, held))
        held = held.with_round_trip(settings["round_trip_ms"] - own["round_trip_ms"])
        machine = Machine.of(run, settings, worker_shares(run).to_list())
        recached = any(own[name] != settings[name] for name in CACHING)
        if (
            recached
            and settings["cache"] != "off"
            and hit_ratio is None
            and run.record["scenario"].get("terms") == "mix"
        ):
            raise Unforeseen("how often a cache answers is known where all search for the same; give a hit ratio")
        return cls(machine, held, load, settings, hit_ratio, recached)

    def lasting(self, warmup_s: float, duration_s: float) -> "Model":
        """The same, of loads that last so long."""
        return replace(self, load=replace(self.load, warmup_s=warmup_s, duration_s=duration_s))

    def at(self, family: str, number: float) -> Prediction:
        """Under so many users (`sustained`) or requests a second (`open`), for as long as `load` says.

        The mean over `REPLICATIONS` simulations, of a p95 the median. Raises `Unforeseen`.
        """
        drawn = [rows for rows in self._drawn(family, number) if not rows.empty]
        if not drawn:
            raise Unforeseen(f"{number:g} is too small a load: no request would be measured")
        p95_ms = pd.DataFrame([_p95_ms(rows) for rows in drawn]).median()
        return Prediction(
            number,
            fmean(_throughput_rps(rows) for rows in drawn),
            fmean(float(rows["latency_ms"].mean()) for rows in drawn),
            {name: float(p95_ms[name]) for name in self.load.shares if name in p95_ms},
        )

    def capacity(self, family: str, highest: float, p95_ms: float = HIGHEST_P95_MS) -> float | None:
        """The largest load, up to `highest`, under which p95 of every endpoint is below so much.

        None where not even one user, or one request in two seconds, would be. Raises `Unforeseen`.
        """
        least, step = (0.5, 0.1) if family == "open" else (1.0, 1.0)
        holds, gives_way = least, min(highest, max(2 * least, self._saturating(family)))
        if not self._holds(family, holds, p95_ms):
            return None
        while self._holds(family, gives_way, p95_ms):
            if gives_way >= highest:
                return highest
            holds, gives_way = gives_way, min(highest, 2 * gives_way)
        while gives_way / holds > NEAR_ENOUGH and gives_way - holds > step:
            # It is nearer to where the cores have no time left than to nothing.
            middle = max((holds * gives_way) ** 0.5, gives_way / STEEP)
            if self._holds(family, middle, p95_ms):
                holds = middle
            else:
                gives_way = middle
        return holds

    def _holds(self, family, number, p95_ms):
        """Whether most simulations stay below; no more are made than it takes to know."""
        met = 0
        for made, rows in enumerate(self._drawn(family, number), 1):
            met += rows.empty or _p95_ms(rows).max() < p95_ms
            if max(met, made - met) > REPLICATIONS / 2:
                break
        return met > REPLICATIONS / 2

    def _drawn(self, family, number) -> Iterator[pd.DataFrame]:
        load = replace(self.load, family=family, number=number)
        held = self._at_hit_ratio(self._checked(load))
        return (Simulation(self.machine, held, seed).steady(load) for seed in range(REPLICATIONS))

    def _checked(self, load):
        """The load, if its requests are known."""
        if load.family == "sustained" and not self._think_s:
            raise Unforeseen("how long users think cannot be told from an open load; foretell them from sustained load")
        asked = {*load.shares, *(["login"] if load.family == "sustained" else [])}
        measured = self.demands.endpoints
        if few := [name for name in sorted(asked) if name not in measured or measured[name].number < FEWEST]:
            raise Unforeseen(f"under {FEWEST} right answers to {', '.join(few)} were measured; a longer run has more")
        return load

    def _saturating(self, family):
        """About the load that the cores have no more time for; with a cache, of which larger loads make more, less."""
        held = self._at_hit_ratio(self._checked(replace(self.load, family=family, number=1.0)))
        cpu_ms = held.cpu_ms(self.load.shares)
        rps = BEYOND * SECOND_MS * self.machine.cores / cpu_ms if cpu_ms else MOST_RPS
        return rps if family == "open" else rps * self._think_s

    @property
    def _think_s(self):
        return sum(self.load.think_s) / 2

    def _at_hit_ratio(self, load):
        if self.asked is None and not self.recached:
            return self.demands
        ratios = dict(self.asked) if self.asked is not None else self._hit_ratios(load)
        try:
            return self.demands.with_hits(ratios)
        except ValueError as error:
            raise Unforeseen(str(error)) from None

    def _hit_ratios(self, load):
        """What the cache answers where every user asks for the same."""
        if self.settings["cache"] == "off":
            return dict.fromkeys(self._cached(), 0.0)
        caches = self.settings["workers"] if self.settings["cache"] == "process" else 1
        rate_rps = load.number if load.family == "open" else load.number / self._think_s
        whole = sum(load.shares.values())
        return {
            name: hit_ratio(rate_rps * load.shares[name] / whole / caches, self.settings[TTL_S[name]])
            for name in self._cached()
        }

    def _cached(self):
        return [name for name in TTL_S if name in self.load.shares]


def hit_ratio(rate_rps: float, ttl_s: float) -> float:
    """The share of requests that a cache answers which come at random at this rate, all for the same.

    Each miss is followed by as many hits as come while its answer lives: λT of 1 + λT (a renewal process).
    """
    return rate_rps * ttl_s / (1 + rate_rps * ttl_s)


def _check_run(run):
    if run.status != "complete" or not run.record["valid"]:
        raise Unforeseen(f"{run.name} is {'not valid' if run.status == 'complete' else run.status}")
    if lacking := [name for name in (*FORESEEN, *ASSUMED) if name not in run.record["deployment"]["settings"]]:
        raise Unforeseen(f"{run.name} does not say how what it drove is set up: {', '.join(lacking)}")


def _check_waiting(run):
    if run.totals is not None and (limit := bottleneck.limit(run)).resource:
        raise Unforeseen(
            f"what requests need cannot be told from those that wait, and {limit.sentence}; "
            "a run under a smaller load tells"
        )


def _check(own, settings, hash_ms, hit_ratio):
    differs = {name for name in own.keys() | settings.keys() if own.get(name) != settings.get(name)}
    if beyond := sorted(differs - {*FORESEEN, *OF_THE_PLACE}):
        raise Unforeseen(f"what {', '.join(beyond)} changes is not in the model; it knows {', '.join(FORESEEN)}")
    if "password_hash" in differs and hash_ms is None:
        raise Unforeseen(f"what a hash by {settings['password_hash']} takes was not given")
    if hit_ratio and settings["cache"] == "off":
        raise Unforeseen("a cache that is off answers nothing; leave the hit ratio out, or set the cache to another")
    if "threads" in differs and settings["server"] != "gthread":
        raise Unforeseen(f"threads are of gthread, and the server is {settings['server']}; set server=gthread too")


def _factor(hash_ms, held):
    if (own_ms := held.hash_ms()) is None:
        raise Unforeseen("nobody hashed in the run, so what a hash takes changes nothing that it knows of")
    return hash_ms / own_ms


def _load(run):
    scenario = run.record["scenario"]
    if scenario["kind"] not in ("open", "sustained") or not scenario.get("steady"):
        raise Unforeseen(f"{run.scenario} is no steady load; foretelling starts from sustained or open load")
    return Load(
        scenario["kind"],
        load_of(run),
        scenario["shares"],
        scenario["warmup_s"],
        scenario["duration_s"],
        tuple(scenario["think_s"]),
    )


def _throughput_rps(rows):
    passed_ms = (rows["start_ms"] + rows["latency_ms"]).max() - rows["start_ms"].min()
    return float(SECOND_MS * len(rows) / passed_ms) if passed_ms else 0.0


def _p95_ms(rows):
    return rows.groupby("endpoint")["latency_ms"].quantile(0.95)
