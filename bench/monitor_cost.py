"""CPU time that recording for the monitor costs a request, while a page is open and Prometheus scrapes.

One worker of *tuned* has the application with the recording, and beside it one without; both answer in turn. The
monitor is a process of its own, whose CPU time is printed beside it: in seconds of each minute, as it does not depend
on the requests.
"""

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import psutil

from loadgen import services
from workbench.arms import TUNED, WITHOUT
from workbench.endpoints import DASHBOARD

from .cpu_comparison import Workload, compare, print_cost
from .http_client import CheckedRequest
from .served_worker import backing_services

CACHED = {
    "cached read": Workload(
        lambda worker: CheckedRequest.cached(worker, DASHBOARD.path), requests=40, pairs=40, warm_up=10
    ),
}
UNCACHED = {
    "read of the database": Workload(
        lambda worker: CheckedRequest.get(worker, DASHBOARD.path), requests=20, pairs=40, warm_up=10
    ),
}
MAX_COST = 0.01
SCRAPE_S = 1.0


def main() -> None:
    """Print the CPU time a request with and without the recording, their ratio, and what the monitor itself takes."""
    print("monitor, one worker of tuned:")
    for deployment, workloads in ((TUNED, CACHED), (f"{TUNED}{WITHOUT}cache", UNCACHED)):
        with backing_services(deployment, workers=1, cache_statistics_ttl_s=3600) as settings:
            settings = replace(settings, monitor=True, monitor_port=services.free_port())
            with scraped(settings.monitor_port) as shares:
                costs = compare(settings, {"monitor": False}, workloads)
        for name, workload in workloads.items():
            print_cost(name, workload, costs[name], MAX_COST)
        if shares:
            print(f"  its own process: {60 * sum(shares) / len(shares):.2f} s of CPU a minute, scraped each second")


@contextmanager
def scraped(port: int) -> Iterator[list[float]]:
    """Scrape the monitors that come and go on a port for the block; yields the shares of a core that they took."""
    ended = threading.Event()
    shares: list[float] = []

    def scrape() -> None:
        monitor: psutil.Process | None = None
        while not ended.wait(SCRAPE_S):
            with suppress(OSError, psutil.Error):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).close()
                if monitor and monitor.is_running():
                    shares.append(monitor.cpu_percent() / 100)
                else:
                    monitor = _monitor_on(port)
                    monitor.cpu_percent()

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield shares
    finally:
        ended.set()
        thread.join()


def _monitor_on(port: int) -> psutil.Process:
    """The process that listens on a port. Raises `ProcessLookupError` if there is none that may be looked at."""
    for process in psutil.process_iter(["cmdline"]):
        if "instrumentation.monitor" in (process.info["cmdline"] or ()):
            with suppress(psutil.Error):
                if any(each.laddr.port == port for each in process.net_connections("tcp")):
                    return process
    raise ProcessLookupError(port)
