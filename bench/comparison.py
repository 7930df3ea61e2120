"""What a setting costs a request: CPU time of two workers that differ in nothing else and answer in turns.

The order within each pair is random. A process is some per cent faster or slower than the next from its birth, so both
are started anew for each block, and a block is one observation.
"""

import itertools
import random
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from reference_app.settings import Settings

from .client import Connections, Question
from .interval import Ratio
from .worker import Worker, serve

BLOCKS = 12

Pair = tuple[float, float]


@dataclass(frozen=True)
class Load:
    """Requests of one kind: how many are one figure of a pair, how many pairs a block has, and unmeasured ones."""

    question: Callable[[Worker], Question]
    requests: int
    pairs: int
    warm_up: int


@dataclass(frozen=True)
class Cost:
    """CPU time a request in µs, without and with what is measured: the pairs of each block."""

    blocks: list[list[Pair]]

    def ratio(self) -> Ratio:
        return Ratio.of(self.blocks)

    def medians(self) -> Pair:
        without_us, with_us = zip(*itertools.chain(*self.blocks), strict=True)
        return statistics.median(without_us), statistics.median(with_us)


def compare(settings: Settings, without: dict, loads: dict[str, Load]) -> dict[str, Cost]:
    """The cost of what the changes in `without` switch off, for each load."""
    pair = replace(settings, **without), settings
    blocks = [_block(pair, loads, number) for number in range(BLOCKS)]
    return {name: Cost([block[name] for block in blocks]) for name in loads}


def _block(pair, loads, number):
    """The pairs of one life of both workers, by load."""
    with ExitStack() as stack:
        order = random.Random(number).sample([0, 1], 2)
        workers = {place: stack.enter_context(serve(pair[place])) for place in order}
        return {name: _pairs(workers, load) for name, load in loads.items()}


def _pairs(workers, load):
    with ExitStack() as stack:
        ways = {
            place: (worker, load.question(worker), stack.enter_context(Connections(worker, 1)))
            for place, worker in workers.items()
        }
        return [_pair(ways, load.requests, turn) for turn in range(load.warm_up + load.pairs)][load.warm_up :]


def _pair(ways, requests, turn):
    order = random.Random(turn).sample([0, 1], 2)
    measured = {place: _cpu_us(*ways[place], requests) for place in order}
    return measured[0], measured[1]


def _cpu_us(worker, question, connections, requests):
    """CPU time of the worker for a request, the mean of some."""
    before_ns = worker.cpu_ns()
    connections.ask(question, requests)
    return (worker.cpu_ns() - before_ns) / requests / 1000
