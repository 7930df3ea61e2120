"""The CPU time that a setting costs a request: one worker has two applications that differ in that setting only.

They answer in turn, in random order within each pair. The worker is started anew for each block, and a block is one
observation.
"""

import itertools
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reference_app.settings import Settings

from .http_client import CheckedRequest, Connections
from .interval import Ratio
from .paired_apps import CHANGED, wsgi_app
from .served_worker import Worker, serve

BLOCKS = 8

Pair = tuple[float, float]


@dataclass(frozen=True)
class Workload:
    """Requests of one kind: `requests` for one value of a pair, `pairs` a block, after `warm_up` unmeasured ones."""

    make_request: Callable[[Worker], CheckedRequest]
    requests: int
    pairs: int
    warm_up: int


@dataclass(frozen=True)
class CpuCost:
    """CPU time a request in µs, of the application without and with the setting: the pairs of each block."""

    blocks: list[list[Pair]]

    def ratio(self) -> Ratio:
        """The time with the setting to that without."""
        return Ratio.from_blocks(self.blocks)

    def medians(self) -> Pair:
        """The medians of all pairs, without and with the setting."""
        without_us, with_us = zip(*itertools.chain(*self.blocks), strict=True)
        return statistics.median(without_us), statistics.median(with_us)


def print_cost(name: str, workload: Workload, cost: CpuCost, limit: float) -> None:
    """Print the CPU time a request of a workload without and with the setting, and its cost beside the `limit`."""
    off_us, on_us = cost.medians()
    pairs = f"{workload.pairs} interleaved pairs of {workload.requests} requests"
    print(f"  {name}, {len(cost.blocks)} blocks of {pairs}:")
    print(f"    CPU a request  off {off_us:.0f} µs, on {on_us:.0f} µs (medians)")
    print(f"    it costs       {cost.ratio().as_change()} (at most {limit:.0%})")


def compare(settings: Settings, without: Mapping[str, Any], workloads: Mapping[str, Workload]) -> dict[str, CpuCost]:
    """Measure, for each workload, the cost of what `without` switches off, the changes of `paired_apps.create_app`."""
    blocks = [_block(settings, without, workloads, number) for number in range(BLOCKS)]
    return {name: CpuCost([block[name] for block in blocks]) for name in workloads}


def _block(
    settings: Settings, without: Mapping[str, Any], workloads: Mapping[str, Workload], number: int
) -> dict[str, list[Pair]]:
    """The pairs of one worker from its start to its end, by workload."""
    with serve(settings, wsgi_app(**without)) as worker, Connections(worker, 1) as connections:
        return {name: _pairs(worker, connections, workload, number) for name, workload in workloads.items()}


def _pairs(worker: Worker, connections: Connections, workload: Workload, number: int) -> list[Pair]:
    changed = replace(worker, application=CHANGED)
    requests = workload.make_request(changed), workload.make_request(worker)
    pairs = [
        _pair(worker, connections, requests, workload.requests, f"{number} {pair}")
        for pair in range(workload.warm_up + workload.pairs)
    ]
    return pairs[workload.warm_up :]


def _pair(
    worker: Worker, connections: Connections, requests: tuple[CheckedRequest, CheckedRequest], times: int, seed: str
) -> Pair:
    order = random.Random(seed).sample([0, 1], 2)
    cpu_us = {place: _cpu_us(worker, connections, requests[place], times) for place in order}
    return cpu_us[0], cpu_us[1]


def _cpu_us(worker: Worker, connections: Connections, request: CheckedRequest, times: int) -> float:
    """The worker's mean CPU time for a request."""
    before_ns = worker.cpu_ns()
    connections.send(request, times)
    return (worker.cpu_ns() - before_ns) / times / 1000
