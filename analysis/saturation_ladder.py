"""The ladder of limits: which resource of a set-up saturates first as users are added, and which one next.

By the asymptotic bounds of a closed network (Denning and Buzen 1978): a resource with c servers and the demand D of a
request saturates at X = c/D requests a second, and users with think time Z reach that rate at N = X·(Z + ΣD), with ΣD
the demand of all resources together. Beyond the smallest N latency grows with every user.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.arms import SINGLE
from workbench.endpoints import READ_SHARES
from workbench.recording import Experiment, Run

from .metrics import arm_metrics
from .queueing.calibration import calibrate
from .queueing.mva import Station, solve
from .queueing.server_model import ServerModel
from .queueing.service_demands import Demands, ServiceDemand

THINK_MS = 2000.0  # the mean of `sustained-<users>`
SUSTAINED = "sustained-"


@dataclass(frozen=True)
class Limit:
    """A resource, the throughput and number of users at which it saturates, and the run with the demands."""

    resource: str
    throughput_rps: float
    users: float
    run: Run


def limits(experiment: Experiment, deployment: str) -> list[Limit]:
    """The limits of a deployment, the lowest first; empty where its demands are not known.

    The demands are those of a run with think time, or else of single requests with the same shares of endpoints.
    """
    run = _demand_run(experiment, deployment)
    stations = [] if run is None else list(_stations(run))
    if run is None or not stations:
        return []
    total_ms = sum(station.demand_ms for station in stations if station.name != "worker")
    unsorted = [
        Limit(
            station.name,
            1000 * station.servers / station.demand_ms,
            station.servers / station.demand_ms * (THINK_MS + total_ms),
            run,
        )
        for station in stations
        if station.servers and station.demand_ms > 0
    ]
    return sorted(unsorted, key=lambda limit: limit.users)


def mean_latency_ms(experiment: Experiment, deployment: str, users: int) -> float | None:
    """The mean latency that mean-value analysis predicts for so many users with think time; None without demands."""
    run = _demand_run(experiment, deployment)
    stations = [] if run is None else list(_stations(run))
    return solve(_in_series(stations), users, THINK_MS).response_ms if stations else None


def _demand_run(experiment: Experiment, deployment: str) -> Run | None:
    """The run with the fewest users with think time, or one of single requests."""
    runs = [run for run in experiment.runs_of(deployment) if run.scenario.removeprefix(SUSTAINED).isdigit()]
    runs.sort(key=lambda run: int(run.scenario.removeprefix(SUSTAINED)))
    return next(iter([*runs, *experiment.find(deployment, SINGLE)]), None)


def _stations(run: Run) -> Iterator[Station]:
    """The cores, the workers where each answers one request at a time, the busiest event loop, and the hash slots."""
    demands = calibrate(run)
    if demands is None:
        return
    server = ServerModel.from_run(run)
    yield Station("CPU cores", demands.cpu_ms(READ_SHARES), server.cores)
    if server.threads == 1:
        yield Station("worker", _occupied_ms(demands), server.workers)
    elif server.threads is None:
        shares = arm_metrics.worker_shares(run)
        busiest = 1.0 if shares.empty else float(shares.max())
        yield Station("busiest event loop", busiest * demands.mean_ms(_python_ms, READ_SHARES), 1)
    if server.hash_slots:
        hash_ms = demands.mean_ms(lambda demand: demand.hash_ms, READ_SHARES)
        yield Station("hash slots", hash_ms, server.workers * server.hash_slots)


def _occupied_ms(demands: Demands) -> float:
    """The time for which a request keeps a worker that answers one at a time: all but what the generator needs."""
    return demands.mean_ms(
        lambda demand: demand.cpu_ms() - demand.send_ms - demand.receive_ms + demand.database_wait_ms, READ_SHARES
    )


def _python_ms(demand: ServiceDemand) -> float:
    return demand.python_ms + demand.database_client_ms + demand.hash_ms + demand.after_ms


def _in_series(stations: list[Station]) -> list[Station]:
    """The stations of the model: the worker holds a request while the cores compute it, so the tighter one counts."""
    tightest = max(stations, key=lambda station: station.demand_ms / (station.servers or 1))
    rest_ms = max(0.0, max(station.demand_ms for station in stations) - tightest.demand_ms)
    return [tightest, Station("delay", rest_ms, None)]
