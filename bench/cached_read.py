"""Throughput and CPU time of a cached read, against the least that a request can cost: an empty route.

One worker of the deployment `tuned` answers both with the same session, in slices of some hundred requests in random
order, over several connections, so that it is never out of work. It is started anew for each block. Where neither the
worker nor the client is on a core for most of the time, others were, and the ratio of CPU is more exact than that of
throughput.
"""

import itertools
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from reference_app.settings import Settings
from workbench.arms import TUNED
from workbench.endpoints import CACHE_LIFETIME_SETTINGS, DASHBOARD, SEARCH

from . import empty_route
from .http_client import CheckedRequest, Connections
from .interval import Ratio
from .served_worker import Worker, backing_services, serve

BLOCKS, ROUNDS, WARM_UP = 8, 16, 4  # starts of the worker, slices of each route after one, unmeasured ones before them
REQUESTS, CONNECTIONS = 100, 8  # of a slice
MIN_THROUGHPUT = 0.7  # as a share of the empty route's
EMPTY = "empty"
READS = {DASHBOARD.name: DASHBOARD.path, SEARCH.name: f"{SEARCH.path}?q=M444"}
FOREVER_S = 3600  # no response gets too old in a block: the hits of the cache are measured


class Slice(NamedTuple):
    """Requests to one route: throughput (1/s), CPU time of the worker a request, and shares of the time on a core."""

    throughput: float
    cpu_us: float
    worker_share: float
    client_share: float


Round = dict[str, Slice]  # one slice of each route, by its name


def main() -> None:
    """Print, for each cache, throughput and CPU time of the cached reads and of the empty route, and their ratios."""
    lifetimes = dict.fromkeys(CACHE_LIFETIME_SETTINGS.values(), FOREVER_S)
    with backing_services(TUNED, workers=1, **lifetimes) as settings:
        for cache in ("process", "shared"):
            _print(cache, [_block(replace(settings, cache=cache), number) for number in range(BLOCKS)])


def _block(settings: Settings, number: int) -> list[Round]:
    """The rounds of one worker from its start to its end."""
    with serve(settings, empty_route.WSGI_APP) as worker, Connections(worker, CONNECTIONS) as connections:
        requests = {EMPTY: CheckedRequest.get(worker, empty_route.PATH, b'{"success":true}')}
        requests |= {name: CheckedRequest.cached(worker, path) for name, path in READS.items()}
        rounds = [_round(worker, connections, requests, f"({number}, {turn})") for turn in range(WARM_UP + ROUNDS)]
    return rounds[WARM_UP:]


def _round(worker: Worker, connections: Connections, requests: Mapping[str, CheckedRequest], seed: str) -> Round:
    order = random.Random(seed).sample(list(requests), len(requests))
    return {name: _slice(worker, connections, requests[name]) for name in order}


def _slice(worker: Worker, connections: Connections, request: CheckedRequest) -> Slice:
    start_s, start_cpu_ns, start_client_s = time.perf_counter(), worker.cpu_ns(), time.process_time()
    connections.send(request, REQUESTS)
    duration_s, cpu_s = time.perf_counter() - start_s, (worker.cpu_ns() - start_cpu_ns) / 1e9
    client_s = time.process_time() - start_client_s
    return Slice(REQUESTS / duration_s, cpu_s / REQUESTS * 1e6, cpu_s / duration_s, client_s / duration_s)


def _print(cache: str, blocks: Sequence[Sequence[Round]]) -> None:
    slices = f"{len(blocks)} blocks of {ROUNDS} interleaved slices of {REQUESTS} requests, {CONNECTIONS} connections"
    print(f"cached read, cache {cache}, one worker of tuned; {slices}:")
    for name in (EMPTY, *READS):
        column = [slices_by_route[name] for slices_by_route in itertools.chain(*blocks)]
        throughput, cpu_us, worker, client = (statistics.median(values) for values in zip(*column, strict=True))
        print(
            f"  {name:<10} {throughput:5.0f} requests/s, {cpu_us:.0f} µs CPU a request (medians); "
            f"worker on a core {worker:.0%}, client {client:.0%}"
        )
    target = f" (at least {MIN_THROUGHPUT:.0%})" if cache == "process" else ""
    for name in READS:
        print(f"  {name} to empty, throughput  {_ratio(blocks, name, 'throughput').as_share()}{target}")
        print(f"  {name} to empty, CPU         {_ratio(blocks, name, 'cpu_us').as_share()}")


def _ratio(blocks: Sequence[Sequence[Round]], name: str, metric: Literal["throughput", "cpu_us"]) -> Ratio:
    """The ratio of a route's metric to the empty route's."""
    pairs = [[(getattr(slices[EMPTY], metric), getattr(slices[name], metric)) for slices in block] for block in blocks]
    return Ratio.from_blocks(pairs)
