"""How near a cached read comes to the least that a request can cost: an empty route with the same session.

One worker of the deployment `tuned` answers both, in slices of some hundred requests in random order, over several
connections, so that it is never out of work. It is started anew for each block. Where neither the worker nor the client
is on a core for most of the time, others were, and the ratio of CPU holds better than that of throughput.
"""

import itertools
import random
import statistics
import time
from dataclasses import replace
from typing import NamedTuple

from . import empty_route
from .http_client import Connections, Question
from .interval import Ratio
from .served_worker import around, serve

BLOCKS, ROUNDS, WARM_UP = 8, 16, 4  # lives of the worker, slices of each route in one, unmeasured ones before them
REQUESTS, CONNECTIONS = 100, 8  # of a slice
LOWEST_SHARE = 0.7
READS = {"dashboard": "/api/dashboard/stats", "search": "/api/bags/search?q=M444"}
FOREVER_S = 3600  # no answer gets too old in a block, as what is measured is a hit


class Slice(NamedTuple):
    """Requests to one route: a second, CPU of the worker for one, and shares of the time on a core."""

    throughput: float
    cpu_us: float
    worker_share: float
    client_share: float


def main() -> None:
    """Print, for each cache, throughput and CPU of the cached reads and of the empty route, and their ratios."""
    lifetimes = {"cache_statistics_ttl_s": FOREVER_S, "cache_search_ttl_s": FOREVER_S}
    with around("tuned", workers=1, **lifetimes) as settings:
        for cache in ("process", "shared"):
            _print(cache, [_block(replace(settings, cache=cache), number) for number in range(BLOCKS)])


def _block(settings, number):
    """The slices of one life of the worker: a dictionary by route for each round."""
    with serve(settings, empty_route.WSGI_APP) as worker, Connections(worker, CONNECTIONS) as connections:
        questions = {"empty": Question.get(worker, empty_route.PATH, b'{"success":true}')}
        questions |= {name: Question.cached(worker, path) for name, path in READS.items()}
        rounds = [_round(worker, connections, questions, (number, turn)) for turn in range(WARM_UP + ROUNDS)]
    return rounds[WARM_UP:]


def _round(worker, connections, questions, seed):
    order = random.Random(str(seed)).sample(list(questions), len(questions))
    return {name: _slice(worker, connections, questions[name]) for name in order}


def _slice(worker, connections, question):
    began_s, began_cpu_ns, own_cpu_s = time.perf_counter(), worker.cpu_ns(), time.process_time()
    connections.ask(question, REQUESTS)
    took_s, cpu_s = time.perf_counter() - began_s, (worker.cpu_ns() - began_cpu_ns) / 1e9
    own_cpu_s = time.process_time() - own_cpu_s
    return Slice(REQUESTS / took_s, cpu_s / REQUESTS * 1e6, cpu_s / took_s, own_cpu_s / took_s)


def _print(cache, blocks):
    asked = f"{len(blocks)} blocks of {ROUNDS} interleaved slices of {REQUESTS} requests, {CONNECTIONS} connections"
    print(f"cached read, cache {cache}, one worker of tuned; {asked}:")
    for name in ("empty", *READS):
        column = [measured[name] for measured in itertools.chain(*blocks)]
        throughput, cpu_us, worker, client = (statistics.median(figures) for figures in zip(*column, strict=True))
        print(
            f"  {name:<10} {throughput:5.0f} requests/s, {cpu_us:.0f} µs CPU a request (medians); "
            f"worker on a core {worker:.0%}, client {client:.0%}"
        )
    least = f" (at least {LOWEST_SHARE:.0%})" if cache == "process" else ""
    for name in READS:
        print(f"  {name} to empty, throughput  {_ratio(blocks, name, 'throughput').as_share()}{least}")
        print(f"  {name} to empty, CPU         {_ratio(blocks, name, 'cpu_us').as_share()}")


def _ratio(blocks, name, figure):
    pairs = [
        [(getattr(measured["empty"], figure), getattr(measured[name], figure)) for measured in block]
        for block in blocks
    ]
    return Ratio.of(pairs)
