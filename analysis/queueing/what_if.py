"""What-if predictions: a deployment under another load, or with other settings, from one run under a low load.

The simulation knows the effect of the `MODELLED_SETTINGS`; another difference between two deployments is refused.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from statistics import fmean
from typing import Literal, TypeVar

import pandas as pd

from workbench.endpoints import CACHE_LIFETIME_SETTINGS
from workbench.recording import Run

from ..capacity.bracket import MAX_P95_MS
from ..metrics.arm_metrics import worker_shares
from . import preconditions
from .calibration import calibrate
from .deployment_simulation import SECOND_MS, Load, Simulation
from .preconditions import PredictionError
from .server_model import ServerModel
from .service_demands import Demands

Family = Literal["open", "sustained"]
MAX_LOAD: Mapping[Family, int] = {"open": 20_000, "sustained": 5_000}  # that the load generator makes
WARMUP_S, DURATION_S = 15.0, 20.0  # of a predicted load: until all users have logged in, and as long as a probe
Result = TypeVar("Result")

REPLICATIONS = 5  # simulations of a load
MIN_LOAD, MIN_STEP = {"open": 0.5, "sustained": 1.0}, {"open": 0.1, "sustained": 1.0}
MAX_RATIO = 1.02  # of the two loads between which a predicted capacity lies
SATURATION_FACTOR = 1.1  # the search starts with this times the load at which the cores are saturated
# One simulation with p95 this many times above or below its bound decides a load. Near saturation two simulations of
# one load differ up to eightfold, as the logins of the start are served in time, or are not.
DECISIVE = 10.0
MAX_STEP_DOWN = 1.5  # the capacity is nearer to that load than to nothing
MAX_RPS = 20_000.0  # the first load where requests take no CPU time


@dataclass(frozen=True)
class LoadPrediction:
    """A load and its predicted successful responses a second, mean latency, and p95 latency by endpoint."""

    load: float
    throughput_rps: float
    mean_ms: float
    p95_ms: dict[str, float]

    @property
    def slowest_ms(self) -> float:
        """The p95 latency of the slowest endpoint."""
        return max(self.p95_ms.values())


@dataclass(frozen=True)
class DeploymentModel:
    """A queueing model of a deployment, calibrated from one run under a low load.

    `load` gives the shares of the endpoints, the think time and the duration of every predicted load. The hit ratios of
    caches are the measured ones, or `hit_ratios` where they are given; where the settings of the caches changed
    (`cache_changed`), they follow from the lifetimes.
    """

    server: ServerModel
    demands: Demands
    load: Load
    settings: Mapping
    hit_ratios: Mapping[str, float] | None
    cache_changed: bool

    @classmethod
    def from_run(
        cls,
        run: Run,
        settings: Mapping | None = None,
        *,
        hash_ms: float | None = None,
        hit_ratios: Mapping[str, float] | None = None,
    ) -> "DeploymentModel":
        """The model of the run's deployment, or of one with these recorded `settings`.

        hash_ms: CPU time of a hash there; else as in the run
        hit_ratios: share of the requests to an endpoint that its cache answers; else as in the run, or computed from
            the settings

        Raises `PredictionError`.
        """
        recorded = preconditions.settings_of(run)
        settings = recorded if settings is None else settings
        preconditions.check_run(run)
        load = preconditions.steady_load(run)
        preconditions.check_settings(recorded, settings, hash_ms, hit_ratios)
        preconditions.check_unsaturated(run)
        demands = calibrate(run)
        if demands is None:
            raise PredictionError(f"{run.name} does not show the service demands of its requests")
        if hash_ms is not None:
            demands = demands.with_hash_factor(_hash_factor(hash_ms, demands))
        demands = demands.with_longer_round_trip(settings["round_trip_ms"] - recorded["round_trip_ms"])
        server = ServerModel.from_run(run, settings, worker_shares(run).to_list())
        cache_changed = any(recorded[name] != settings[name] for name in preconditions.CACHE_SETTINGS)
        if cache_changed and hit_ratios is None:
            preconditions.check_search_terms(run, settings)
        return cls(server, demands, load, settings, hit_ratios, cache_changed)

    def with_duration(self, warmup_s: float, duration_s: float) -> "DeploymentModel":
        """The same, for loads of this duration."""
        return replace(self, load=replace(self.load, warmup_s=warmup_s, duration_s=duration_s))

    def predict(self, family: Family, number: float, replications: int = REPLICATIONS) -> LoadPrediction:
        """The prediction for a number of users (`sustained`) or requests a second (`open`).

        Means over so many simulations; of each p95 the median. Raises `PredictionError`.
        """
        return finished(self.prediction_steps(family, number, replications))

    def prediction_steps(
        self, family: Family, number: float, replications: int = REPLICATIONS
    ) -> Generator[None, None, LoadPrediction]:
        """Make the prediction of `predict` in steps of one simulation each; a caller can do other things between."""
        simulated = []
        for rows in islice(self._simulate(family, number), replications):
            simulated += [] if rows.empty else [rows]
            yield
        if not simulated:
            raise PredictionError(f"a load of {number:g} is too small: no request would be measured")
        p95_ms = pd.DataFrame([_p95_ms(rows) for rows in simulated]).median()
        return LoadPrediction(
            number,
            fmean(_throughput_rps(rows) for rows in simulated),
            fmean(float(rows["latency_ms"].mean()) for rows in simulated),
            {name: float(p95_ms[name]) for name in self.load.shares if name in p95_ms},
        )

    def capacity(self, family: Family, highest: float, p95_ms: float = MAX_P95_MS) -> float | None:
        """The largest load, at most `highest`, at which p95 of every endpoint is below `p95_ms`.

        None where the smallest load, one user or one request in two seconds, is not sustained. Raises
        `PredictionError`.
        """
        return finished(self.capacity_steps(family, highest, p95_ms))

    def capacity_steps(
        self,
        family: Family,
        highest: float,
        p95_ms: float = MAX_P95_MS,
        *,
        max_ratio: float = MAX_RATIO,
        replications: int = REPLICATIONS,
    ) -> Generator[None, None, float | None]:
        """Search the capacity in steps of one simulation each, and return it; a caller can do other things between.

        It lies between the returned load and `max_ratio` times that. Of so many `replications` of a load most decide.
        """
        lower, step = MIN_LOAD[family], MIN_STEP[family]
        is_sustained = partial(self._is_sustained, family, p95_ms=p95_ms, replications=replications)
        upper = min(highest, max(2 * lower, self._saturating_load(family)))
        if not (yield from is_sustained(lower)):
            return None
        while (yield from is_sustained(upper)):
            if upper >= highest:
                return highest
            lower, upper = upper, min(highest, 2 * upper)
        while upper / lower > max_ratio and upper - lower > step:
            middle = max((lower * upper) ** 0.5, upper / MAX_STEP_DOWN)
            if (yield from is_sustained(middle)):
                lower = middle
            else:
                upper = middle
        return lower

    def _is_sustained(
        self, family: Family, number: float, p95_ms: float, replications: int
    ) -> Generator[None, None, bool]:
        """Return True where p95 stays below the bound in most simulations; stop as soon as that is decided."""
        below = 0
        for simulated, rows in enumerate(self._simulate(family, number), 1):
            ratio = 0.0 if rows.empty else _p95_ms(rows).max() / p95_ms
            below += ratio < 1
            yield
            if not 1 / DECISIVE < ratio < DECISIVE:
                return ratio < 1
            if max(below, simulated - below) > replications / 2:
                break
        return below > replications / 2

    def _simulate(self, family: Family, number: float) -> Iterator[pd.DataFrame]:
        load = self._load(family, number)
        demands = self._demands_under(load)
        return (Simulation(self.server, demands, seed).steady(load) for seed in range(REPLICATIONS))

    def _load(self, family: Family, number: float) -> Load:
        load = replace(self.load, family=family, number=number)
        preconditions.check_load(load, self.demands)
        return load

    def _saturating_load(self, family: Family) -> float:
        """About the load at which the cores are saturated; with a cache, which helps more at larger loads, less."""
        demands = self._demands_under(self._load(family, 1.0))
        cpu_ms = demands.cpu_ms(self.load.shares)
        rps = SATURATION_FACTOR * SECOND_MS * self.server.cores / cpu_ms if cpu_ms else MAX_RPS
        return rps if family == "open" else rps * self.load.mean_think_s

    def _demands_under(self, load: Load) -> Demands:
        if self.hit_ratios is None and not self.cache_changed:
            return self.demands
        ratios = self._computed_hit_ratios(load) if self.hit_ratios is None else self.hit_ratios
        try:
            return self.demands.with_hit_ratios(ratios)
        except ValueError as error:
            raise PredictionError(str(error)) from None

    def _computed_hit_ratios(self, load: Load) -> dict[str, float]:
        """By cached endpoint, where every user asks it for the same."""
        settings = {name: setting for name, setting in CACHE_LIFETIME_SETTINGS.items() if name in load.shares}
        if self.settings["cache"] == "off":
            return dict.fromkeys(settings, 0.0)
        caches = self.settings["workers"] if self.settings["cache"] == "process" else 1
        rate_rps = load.number if load.family == "open" else load.number / load.mean_think_s
        total = sum(load.shares.values())
        return {
            name: hit_ratio(rate_rps * load.shares[name] / total / caches, self.settings[setting])
            for name, setting in settings.items()
        }


def hit_ratio(rate_rps: float, ttl_s: float) -> float:
    """The share of requests that a cache answers: λT / (1 + λT).

    λ: Poisson arrivals of requests for the same answer, a second; T: lifetime of a cached answer, s. A miss is followed
    by the λT requests that arrive within the lifetime of its answer, all hits (a renewal process).
    """
    return rate_rps * ttl_s / (1 + rate_rps * ttl_s)


def _hash_factor(hash_ms: float, demands: Demands) -> float:
    recorded_ms = demands.hash_ms()
    if recorded_ms is None:
        raise PredictionError("no request of the run computed a hash, so the time of a hash cannot be changed")
    return hash_ms / recorded_ms


def _throughput_rps(rows: pd.DataFrame) -> float:
    passed_ms = (rows["start_ms"] + rows["latency_ms"]).max() - rows["start_ms"].min()
    return float(SECOND_MS * len(rows) / passed_ms) if passed_ms else 0.0


def _p95_ms(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby("endpoint")["latency_ms"].quantile(0.95)


def finished(steps: Generator[None, None, Result]) -> Result:
    """The result of steps, all of them taken."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
