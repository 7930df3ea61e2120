"""Service demands from one run under a low load, in which requests hardly wait for each other.

The application reports how long each request was in Python, hashed, and used a connection; the kernel counts the CPU
time of workers, PostgreSQL, session store and load generator over all requests. Calibration splits the second over the
requests. A run under a third of the deployment's capacity suits best: at lower loads a request takes more CPU time,
at higher ones requests wait.

Over the n requests of a time window (times in ms; the store counts as part of the workers, which wait for it):

    C_w, C_d, C_g   CPU time of workers and store, of PostgreSQL, of the load generator
    A               time that the requests report in Python and hashing
    r               = min(1, C_w / A), the share of reported time that was computed; the rest waited for a core
    t_i             = r · max(0, pool_i + db_i − network · trips_i), time with a connection, without the network
    d               = C_d / Σt, PostgreSQL's CPU time for each ms of t; above 1 with parallel queries
    p               = ⌈d⌉, PostgreSQL's processes for one query; at least 1, at most the number of cores
    w               = max(0, 1 − d/p), the share of t in which PostgreSQL does not compute
    u               = max(0, C_w − A), CPU time of workers that no request reports
    a               = min(u, w·Σt) / (w·Σt), the part of that share in which the worker computes (the driver, say)
    s               = (u − min(u, w·Σt)) / n, what is left of u: the server's overhead for a request
    g               = C_g / n, the load generator's CPU time for a request
    o               median of latency − app, the time of a request outside of the application
    b               = max(0, s + g − o), the overhead that does not fit into o: it follows the response

The demand of request i: python = r·(rest + cache + session)_i + s − after, hash = r·hash_i, database = d·t_i,
database client = a·w·t_i, database wait = (1 − a)·w·t_i + network·trips_i, receive = min(g/2, b),
after = min(s, b − receive), send = g − receive, delay = max(0, o − s − g). The parts of CPU time add up to C.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import pandas as pd

from workbench.recording import Run
from workbench.request_schema import MEASURE, WARM_UP

from ..metrics import cpu_metrics
from .service_demands import Demands, EndpointDemands, ServiceDemand

PYTHON_COLUMNS = ["rest_ms", "cache_ms", "session_ms"]
# At a low load no request waits for a connection: the time of the pool is that of the pre-ping.
CONNECTION_COLUMNS = ["pool_ms", "db_ms"]
REPORTED_COLUMNS = [*PYTHON_COLUMNS, *CONNECTION_COLUMNS, "hash_ms", "db_round_trips"]
REQUIRED_COLUMNS = {"app_us", "hash_us", "pool_us", "db_us", "db_round_trips", "cache"}
MIN_WINDOW_US = 5_000_000  # between the first and the last reading: so long, CPU time is known to a few percent


_calibrated: WeakKeyDictionary[Run, Demands | None] = WeakKeyDictionary()  # a run is asked for several times


def calibrate(run: Run) -> Demands | None:
    """The demands of the successful requests of a run's measured phase.

    None where nothing was measured, the application did not report its parts, or the CPU time of a process was not
    read.
    """
    if run not in _calibrated:
        _calibrated[run] = _demands(run)
    return _calibrated[run]


def _demands(run: Run) -> Demands | None:
    if run.totals is None or any(defect.column in REQUIRED_COLUMNS for defect in run.defects):
        return None
    rows = _reported(run)
    calibration = Calibration.from_run(run, run.totals, rows)
    if calibration is None or not rows["counted"].any():
        return None
    counted, warming = rows[rows["counted"]], rows[rows["warm_up_miss"]]
    return Demands(
        {
            str(endpoint): _endpoint_demands(calibration, requests, warming[warming["endpoint"] == endpoint])
            for endpoint, requests in counted.groupby("endpoint")
        }
    )


def _reported(run: Run) -> pd.DataFrame:
    """A row for each request that reported its parts; `counted` are the successful ones of the measured phase.

    `warm_up_miss` are the successful ones of the warm-up that missed a cache.
    """
    rows = run.rows.query(
        f"SELECT endpoint, start_ms, phase = '{MEASURE}' AND ok AS counted, "
        f"coalesce(cache IN ('hit', 'stale'), false) AS hit, "
        f"phase = '{WARM_UP}' AND ok AND coalesce(cache = 'miss', false) AS warm_up_miss, "
        f"latency_ms - app_ms AS outside_ms, {', '.join(REPORTED_COLUMNS)} "
        "FROM requests WHERE app_ms IS NOT NULL ORDER BY start_ms, user, sequence"
    )
    numbers = [*REPORTED_COLUMNS, "outside_ms"]
    rows[numbers] = rows[numbers].fillna(0.0).clip(lower=0.0)
    return rows


def _endpoint_demands(calibration: "Calibration", requests: pd.DataFrame, warming: pd.DataFrame) -> EndpointDemands:
    """The demands of one endpoint; where every measured request hit the cache, its misses are those of the warm-up."""
    hits, misses = requests[requests["hit"]], requests[~requests["hit"]]
    return EndpointDemands(
        calibration.demands(hits), calibration.demands(warming if misses.empty else misses), len(hits) / len(requests)
    )


@dataclass(frozen=True)
class Calibration:
    """The values that all requests of a run have in common; symbols as in the module's formulas, times in ms."""

    server_ms: float  # s
    generator_ms: float  # g
    outside_ms: float  # o
    computed_share: float  # r
    database_ratio: float  # d
    client_share: float  # a
    network_ms: float  # of one round trip to the database
    cores: int

    @classmethod
    def from_run(cls, run: Run, totals: pd.Series, rows: pd.DataFrame) -> "Calibration | None":
        """From the totals of a run and the rows of all requests; None where the CPU time of a process is not known."""
        window = _measured_window(run, totals, rows) or _whole_run(run, totals, rows)
        if window is None:
            return None
        requests, cpu_ms = window
        workers_ms = cpu_ms["server"] + cpu_ms["store"]
        reported_ms = requests[[*PYTHON_COLUMNS, "hash_ms"]].sum().sum()
        calibration = cls(
            server_ms=0.0,
            generator_ms=cpu_ms["generator"] / len(requests),
            # At a low load more than half of the requests find a free worker: the median has no wait for one in it.
            outside_ms=float(requests["outside_ms"].median()),
            computed_share=min(1.0, workers_ms / reported_ms) if reported_ms else 1.0,
            database_ratio=0.0,
            client_share=0.0,
            network_ms=run.record["deployment"]["settings"].get("round_trip_ms") or 0.0,
            cores=run.record["environment"]["cpu_count"],
        )
        return calibration._with_database(requests, cpu_ms["database"], max(0.0, workers_ms - reported_ms))

    def _with_database(self, requests: pd.DataFrame, database_ms: float, unreported_ms: float) -> "Calibration":
        """The same with d, a and s, from C_d and u."""
        connection_ms = float(self._connection_ms(requests).sum())
        known = replace(self, database_ratio=database_ms / connection_ms if connection_ms else 0.0)
        wait_ms = connection_ms * known._wait_share
        client_ms = min(unreported_ms, wait_ms)
        return replace(
            known,
            server_ms=(unreported_ms - client_ms) / len(requests),
            client_share=client_ms / wait_ms if wait_ms else 0.0,
        )

    def demands(self, requests: pd.DataFrame) -> tuple[ServiceDemand, ...]:
        """The demand of each request."""
        beyond_ms = max(0.0, self.server_ms + self.generator_ms - self.outside_ms)
        receive_ms = min(self.generator_ms / 2, beyond_ms)
        after_ms = min(self.server_ms, beyond_ms - receive_ms)
        connection_ms = self._connection_ms(requests)
        wait_ms = connection_ms * self._wait_share
        client_ms = wait_ms * self.client_share
        python_ms = requests[PYTHON_COLUMNS].sum(axis=1) * self.computed_share
        columns = {
            "python_ms": python_ms + self.server_ms - after_ms,
            "database_ms": connection_ms * self.database_ratio,
            "database_client_ms": client_ms,
            "hash_ms": requests["hash_ms"] * self.computed_share,
            "send_ms": self.generator_ms - receive_ms,
            "delay_ms": max(0.0, self.outside_ms - self.server_ms - self.generator_ms),
            "database_wait_ms": wait_ms - client_ms + self.network_ms * requests["db_round_trips"],
            "after_ms": after_ms,
            "receive_ms": receive_ms,
            "round_trips": requests["db_round_trips"],
        }
        return tuple(
            ServiceDemand(
                **dict(zip(columns, map(float, row), strict=True)), database_processes=self._database_processes
            )
            for row in pd.DataFrame(columns).itertuples(index=False)
        )

    def _connection_ms(self, requests: pd.DataFrame) -> pd.Series:
        """t_i of each request."""
        near_ms = requests[CONNECTION_COLUMNS].sum(axis=1) - self.network_ms * requests["db_round_trips"]
        return near_ms.clip(lower=0.0) * self.computed_share

    @property
    def _database_processes(self) -> int:
        """Symbol p of the formula."""
        return min(self.cores, max(1, math.ceil(self.database_ratio)))

    @property
    def _wait_share(self) -> float:
        """Symbol w of the formula."""
        return max(0.0, 1.0 - self.database_ratio / self._database_processes)


class _Window(NamedTuple):
    """The requests of a time window, and the CPU time (ms) of each role in it."""

    requests: pd.DataFrame
    cpu_ms: dict[str, float]


def _measured_window(run: Run, totals: pd.Series, rows: pd.DataFrame) -> _Window | None:
    """From the first to the last reading of the measured phase: the logins before it wait for each other.

    None where that is too short, or the processes of a role were not read.
    """
    start_us, end_us = 1000 * totals["measured_start_ms"], 1000 * rows["start_ms"].max()
    process = run.process[run.process["role"] != cpu_metrics.MACHINE]
    readings = process[process["at_us"].between(start_us, end_us)].sort_values("at_us")
    if readings.empty or readings["at_us"].max() - readings["at_us"].min() < MIN_WINDOW_US:
        return None
    by_role = readings.groupby("role")[["at_us", "cpu_us"]].agg(["first", "last"])
    if set(by_role.index) != set(process["role"]) or "server" not in by_role.index:
        return None
    cpu_us = by_role["cpu_us", "last"] - by_role["cpu_us", "first"]
    first_us, last_us = readings["at_us"].min(), readings["at_us"].max()
    requests = rows[(1000 * rows["start_ms"]).between(first_us, last_us, inclusive="left")]
    cpu_ms = {role: float(cpu_us.get(role, 0.0)) / 1000 for role in cpu_metrics.SYSTEM_ROLES}
    cpu_ms["database"] = _without_readings_ms(run, cpu_ms["database"], last_us - first_us)
    cpu_ms["generator"] = float(cpu_us[cpu_us.index.str.startswith("generator")].sum()) / 1000
    return _Window(requests, cpu_ms) if len(requests) else None


def _whole_run(run: Run, totals: pd.Series, rows: pd.DataFrame) -> _Window | None:
    """All requests, warm-up included. None where the CPU time of a role is not known."""
    roles = {"server", *run.process["role"].unique()}
    known_ms = {role: cpu_metrics.cpu_ms(run, role) for role in cpu_metrics.WORK_BY_ROLE}
    if rows.empty or any(known_ms[role] is None for role in roles & known_ms.keys()):
        return None
    cpu_ms = {role: ms or 0.0 for role, ms in known_ms.items()}
    loaded_us = 1000 * (totals["last_ms"] - totals["first_ms"])
    cpu_ms["database"] = _without_readings_ms(run, cpu_ms["database"], loaded_us)
    return _Window(rows, cpu_ms)


def _without_readings_ms(run: Run, database_ms: float, window_us: float) -> float:
    """PostgreSQL's CPU time for requests alone: that of the workbench's own readings, at a constant rate, taken off."""
    readings_ms = (run.record.get("readings") or {}).get("database_cpu_ms") or 0.0
    run_us = run.process["at_us"].max() - run.process["at_us"].min()
    return max(0.0, database_ms - readings_ms * float(window_us / run_us)) if run_us else database_ms
