"""What a pooler before the database cost a run, and what it kept from the server."""

from typing import NamedTuple

from workbench.recording import Experiment, Run

from .arm_metrics import measured_totals, peak_connections
from .cpu_metrics import cpu_ms

ROLE = "pooler"
US_PER_MS = 1000


class Latency(NamedTuple):
    """Median and 95th percentile (ms) of all successful responses of an arm."""

    median_ms: float
    p95_ms: float


def latency(experiment: Experiment, deployment: str, scenario: str) -> Latency | None:
    """Return the latency of an arm over all of its runs; None without a success."""
    values = experiment.rows.latencies.where({"deployment": deployment, "scenario": scenario}).all()
    return Latency(values.quantile_ms(0.5), values.quantile_ms(0.95)) if values.size else None


def largest_peak_connections(experiment: Experiment, deployment: str, scenario: str) -> int | None:
    """Return the largest number of connections that the server saw in any run of an arm; None if not read."""
    peaks = (peak_connections(run) for run in experiment.find(deployment, scenario))
    return max((peak for peak in peaks if peak is not None), default=None)


def wait_ms(run: Run) -> float | None:
    """Return the mean wait (ms) of a transaction for a connection of the pooler; None without a pooler.

    Σ total_wait_time / Σ total_xact_count of its SHOW STATS, since its start.
    """
    stats = run.record.get(ROLE, {}).get("stats", [])
    transactions = sum(row.get("total_xact_count", 0) for row in stats)
    return sum(row.get("total_wait_time", 0) for row in stats) / transactions / US_PER_MS if transactions else None


def pooler_cpu_ms_per_request(run: Run) -> float | None:
    """Return the CPU time (ms) of the pooler over the number of requests that were sent; None without a pooler."""
    used_ms = cpu_ms(run, ROLE) if ROLE in set(run.process["role"]) else None
    return None if used_ms is None else used_ms / measured_totals(run)["sent"]
