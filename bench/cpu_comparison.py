"""What a setting costs a request: CPU time of a worker that has two applications, which differ in nothing else.

They answer in turns, in random order within each pair. The worker is started anew for each block, and a block is one
observation.
"""

import itertools
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

from reference_app.settings import Settings

from .http_client import Connections, Question
from .interval import Ratio
from .paired_apps import WITHOUT, wsgi_app
from .served_worker import Worker, serve

BLOCKS = 8

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
    blocks = [_block(settings, without, loads, number) for number in range(BLOCKS)]
    return {name: Cost([block[name] for block in blocks]) for name in loads}


def _block(settings, without, loads, number):
    """The pairs of one life of the worker, by load."""
    with serve(settings, wsgi_app(**without)) as worker, Connections(worker, 1) as connections:
        return {name: _pairs(worker, connections, load, number) for name, load in loads.items()}


def _pairs(worker, connections, load, number):
    questions = load.question(replace(worker, twin=WITHOUT)), load.question(worker)
    turns = [
        _pair(worker, connections, questions, load.requests, f"{number} {turn}")
        for turn in range(load.warm_up + load.pairs)
    ]
    return turns[load.warm_up :]


def _pair(worker, connections, questions, requests, seed):
    order = random.Random(seed).sample([0, 1], 2)
    measured = {place: _cpu_us(worker, connections, questions[place], requests) for place in order}
    return measured[0], measured[1]


def _cpu_us(worker, connections, question, requests):
    """CPU time of the worker for a request, the mean of some."""
    before_ns = worker.cpu_ns()
    connections.ask(question, requests)
    return (worker.cpu_ns() - before_ns) / requests / 1000
