"""The use of each resource during the measured part of a run, by the USE method (Gregg 2013).

For each resource: utilisation, waiting (Gregg's saturation) and errors. Waiting is counted in requests: the time that
all of them waited over the length of the load is the mean number that waited (Little 1961).
"""

from dataclasses import dataclass

import pandas as pd

from workbench import validity
from workbench.recording import Run
from workbench.server_kinds import LOOPS, THREADED

from . import cpu_metrics
from .arm_metrics import measured_totals, worker_shares

MIN_UTILISATION, MIN_WAITING = 0.85, 0.5  # of a saturated resource
MS_PER_S, US_PER_MS, US_PER_S, NS_PER_S = 1e3, 1e3, 1e6, 1e9
IDLE_WAITS = (
    "none",
    "Client",
    "Activity",
    "Timeout",
)  # types of waits in which a session waits for no other and no disk


@dataclass(frozen=True)
class ResourceUse:
    """The use of one resource during the measured part of a run; None stands for not measured.

    `utilisation` is a share of `capacity`, the total amount of the resource in words. `waiting` is the mean
    number of requests that waited for it; of the CPU it is the share of the time in which something waited for a core.
    `errors` is the number of requests that failed for want of it.
    """

    resource: str
    utilisation: float | None
    waiting: float | None
    errors: int | None
    capacity: str

    @property
    def is_saturated(self) -> bool:
        """True if nearly all of it was in use and, where waiting was measured, requests waited for it."""
        is_busy = (self.utilisation or 0.0) >= MIN_UTILISATION
        return is_busy and (self.waiting is None or self.waiting >= MIN_WAITING)


def resource_use(run: Run) -> list[ResourceUse]:
    """Return the use of the resources of a run with measured requests, from the load generator to the innermost."""
    return [_generator(run), _worker(run), _pool(run), _database(run), _cpu(run)]


def _generator(run: Run) -> ResourceUse:
    gates = {gate["name"]: gate["value"] for gate in run.record.get("gates", [])}
    failures = gates.get(validity.GENERATOR_FAILURES.name)
    share = gates.get(validity.GENERATOR_CPU.name)
    errors = None if failures is None else int(failures)
    return ResourceUse("load generator", share, None, errors, "one core of each process")


def _worker(run: Run) -> ResourceUse:
    """A worker, or one of its threads, is in use from a request's entry to its response."""
    totals = measured_totals(run)
    utilisation, capacity = _worker_utilisation(run)
    waiting = _share(totals["queue_ms"], MS_PER_S * totals["makespan_s"])
    errors = None if run.defect_of("status") else int(totals["unanswered"])
    return ResourceUse("worker", utilisation, waiting, errors, capacity)


def _worker_utilisation(run: Run) -> tuple[float | None, str]:
    """Utilisation of the workers by the kind of server, and how much capacity they have."""
    settings, totals = run.record["deployment"]["settings"], measured_totals(run)
    if "workers" not in settings:
        return None, "the workers of a foreign application"
    workers = settings["workers"]
    if settings["server"] in LOOPS:
        return _busiest_loop(run), f"the event loop of the busiest of {workers} workers, at most a core"
    if settings["server"] in THREADED:
        share = _share(totals["application_ms"], MS_PER_S * workers * settings["threads"] * totals["makespan_s"])
        return share, f"{settings['threads']} threads in each of {workers} workers"
    share = _share(totals["application_ms"], MS_PER_S * workers * totals["makespan_s"])
    return share, f"{workers} worker{'s' if workers != 1 else ''}, one request at a time in each"


def _busiest_loop(run: Run) -> float | None:
    """CPU time of the busiest event loop, of a core: its share of the requests times the CPU time of all workers."""
    shares, cpu = worker_shares(run), _cpu_share(run, "server", 1)
    return None if cpu is None or shares.empty else min(1.0, cpu * float(shares.max()))


def _cores(count: int) -> str:
    return f"{count} core{'s' if count != 1 else ''}"


def _pool(run: Run) -> ResourceUse:
    """Each worker has its own pool, and nothing balances requests between them: the busiest is the limit."""
    readings = measured_readings(run, run.pool)
    if readings["at_us"].nunique() < 2:  # a short run of several workers may have one instant for all
        return ResourceUse("pool", None, None, None, "the pool's connections")
    last, first = (readings.groupby("worker").nth(place).set_index("worker") for place in (-1, 0))
    growth = (last - first)[["use_ns", "wait_ns", "timeouts"]]
    time_s, timeouts = (readings["at_us"].max() - readings["at_us"].min()) / US_PER_S, int(growth["timeouts"].sum())
    if not last["limit"].all():
        return ResourceUse("pool", None, None, timeouts, "no pool: a connection for each use")
    utilisation = (growth["use_ns"] / (NS_PER_S * time_s * last["limit"])).astype(float)
    connections = int(last["limit"][utilisation.idxmax()])
    of_pool = "that it may open" if len(utilisation) == 1 else f"of the busiest of {len(utilisation)} workers"
    capacity = f"{connections} connection{'s' if connections != 1 else ''} {of_pool}"
    waiting = _share(growth["wait_ns"].sum(), NS_PER_S * time_s)
    return ResourceUse("pool", float(utilisation.max()), waiting, timeouts, capacity)


def _database(run: Run) -> ResourceUse:
    """Its CPU of all cores; its sessions wait for a lock, the disk or each other."""
    activity = activity_readings(run)
    wait_types = activity["metric"].str.split(":").str[0]
    waiting = activity[(activity["name"] == "active") & ~wait_types.isin(IDLE_WAITS)]
    readings = number_of_readings(run, activity)
    lost = run.record.get("database_lost")
    cores = run.record["environment"]["cpu_count"]
    return ResourceUse(
        "database",
        _cpu_share(run, "database", cores),
        float(waiting["value"].sum() / readings) if readings else None,
        None if lost is None else int(lost),
        f"PostgreSQL, of {_cores(cores)}",
    )


def _cpu(run: Run) -> ResourceUse:
    """The CPU time of all processes that belong to the run, of all cores.

    Of an application that the workbench did not start no process is known: then that of the whole machine.
    """
    cores = run.record["environment"]["cpu_count"]
    known = set(run.process["role"])
    roles = sorted(known - {cpu_metrics.MACHINE}) if "server" in known else [cpu_metrics.MACHINE]
    shares = [share for role in roles if (share := _cpu_share(run, role, cores)) is not None]
    capacity = _cores(cores) if "server" in known else f"{_cores(cores)} of the machine of the load generator"
    return ResourceUse("CPU", sum(shares) if shares else None, _stalled_share(run), None, capacity)


def _cpu_share(run: Run, role: str, cores: int) -> float | None:
    """CPU time of a role over the cores' time, from the first send to the last response.

    The warm-up is included: CPU time is known between two readings only.
    """
    totals = measured_totals(run)
    return _share(cpu_metrics.cpu_ms(run, role), cores * (totals["last_ms"] - totals["first_ms"]))


def _stalled_share(run: Run) -> float | None:
    """Share of the time in which something waited for a core, by the kernel's own count; None without readings."""
    if "stalled_us" not in run.process:
        return None
    readings = measured_readings(run, run.process[run.process["role"] == cpu_metrics.MACHINE])
    if len(readings) < 2:
        return None
    growth = readings[["at_us", "stalled_us"]].iloc[-1] - readings[["at_us", "stalled_us"]].iloc[0]
    return float(growth["stalled_us"] / growth["at_us"])


def activity_readings(run: Run) -> pd.DataFrame:
    """Return the readings of the server's sessions during the measured part of a run, as on disk."""
    return measured_readings(run, run.database[run.database["source"] == "activity"])


def number_of_readings(run: Run, activity: pd.DataFrame) -> int:
    """Return how many times the sessions were read.

    A reading without a session has no row; the processes are read as many times.
    """
    return max(activity["at_us"].nunique(), measured_readings(run, run.process)["at_us"].nunique())


def measured_readings(run: Run, readings: pd.DataFrame) -> pd.DataFrame:
    """Return the readings taken between the first send and the last response of the measured requests, by time."""
    totals = measured_totals(run)
    start_us = US_PER_MS * totals["measured_start_ms"]
    span_us = start_us, start_us + US_PER_S * totals["makespan_s"]
    return readings[readings["at_us"].between(*span_us)].sort_values("at_us")


def _share(part: float | None, whole: float) -> float | None:
    return None if part is None or pd.isna(part) or not whole else float(part / whole)
