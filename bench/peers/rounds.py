"""The rounds of a bench against peers: every generator in every kind of load, in an order drawn for each round.

What a round measures is handed on at once, so that an interrupted bench keeps it.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from reports.peers.peer_estimates import PLAIN, RECORDED, WORKBENCH
from reports.peers.peer_results import AccuracyRun, CapacityRun, PageRun
from workbench.temporary_folder import temporary_folder

from .. import drawn_experiment
from . import generator_runs
from .counting_server import CountingServer
from .generator_runs import SPARE_S, WARM_UP_S, RunFailed
from .load_generators import Job, LoadGenerator
from .page_makers import PageMaker, make_page
from .placement import Cores
from .planned_load import PlannedLoad
from .timed_service import timed_service

SEED = 7
SLOW_ROWS = 100_000_000
Item = TypeVar("Item")


@dataclass(frozen=True)
class Setup:
    """What all rounds have in common; `programs` has the path of each generator that is there, by its name."""

    generators: Sequence[LoadGenerator]
    programs: Mapping[str, str]
    cores: Cores
    rounds: int
    measured_s: float
    connections: int
    load: PlannedLoad

    def present(self) -> list[LoadGenerator]:
        """The generators that are installed."""
        return [generator for generator in self.generators if generator.name in self.programs]


def capacity_runs(setup: Setup, server: CountingServer) -> Iterator[CapacityRun]:
    """Yield the runs at saturation, round by round."""
    for number in range(setup.rounds):
        for group in _shuffled(_neighbours(setup.present()), f"capacity {number}"):
            for generator in _shuffled(group, f"neighbours {number}"):
                yield replace(_saturate(setup, generator, server), round=number)


def _neighbours(generators: Sequence[LoadGenerator]) -> list[list[LoadGenerator]]:
    """The users with and without recording together, and each other generator.

    Their ratio is near 1: minutes between them would hide it, because the speed of a shared machine changes.
    """
    together = [each for each in generators if each.name in (PLAIN, RECORDED, WORKBENCH)]
    return [together, *([each] for each in generators if each not in together)]


def accuracy_runs(setup: Setup) -> Iterator[AccuracyRun]:
    """Yield the runs at the fixed rate, without a stall and with one, round by round."""
    paced = [generator for generator in setup.present() if generator.rate_kind]
    calm = replace(setup.load, stall_at_s=None)
    for number in range(setup.rounds):
        cases = [(generator, load) for generator in paced for load in (calm, setup.load)]
        for generator, load in _shuffled(cases, f"accuracy {number}"):
            yield replace(_keep_pace(setup, generator, load), round=number)


def page_runs(makers: Sequence[PageMaker], rows: Sequence[int], repeats: int) -> Iterator[PageRun]:
    """Yield the pages of drawn runs with so many rows; each is made `repeats` times, in random order.

    One of `SLOW_ROWS` or more is made once.
    """
    for size in rows:
        with temporary_folder("bench") as folder:
            run = folder / drawn_experiment.NAME
            drawn_experiment.create_run(run, size)
            fitting = [maker for maker in makers if size <= maker.max_rows]
            for number in range(1 if size >= SLOW_ROWS else repeats):
                for maker in _shuffled(fitting, f"pages {size} {number}"):
                    page = make_page(maker, run, folder / f"{maker.name}-{number}", size)
                    yield replace(page, round=number)


def _saturate(setup: Setup, generator: LoadGenerator, server: CountingServer) -> CapacityRun:
    duration_s = WARM_UP_S + setup.measured_s + SPARE_S
    with temporary_folder("bench") as folder:
        job = Job(server.url, folder, duration_s, setup.connections, program=setup.programs[generator.name])
        try:
            return generator_runs.saturate(generator, job, server, setup.cores.generator, setup.measured_s)
        except RunFailed as failure:
            return CapacityRun(generator=generator.name, problem=f"at saturation {failure}")


def _keep_pace(setup: Setup, generator: LoadGenerator, load: PlannedLoad) -> AccuracyRun:
    stall = load.stall_at_s is not None
    with temporary_folder("bench") as folder:
        try:
            with timed_service(load, folder, setup.cores.server) as service:
                job = Job(
                    service.url, folder, load.duration_s, setup.connections, load.rate_rps,
                    setup.programs[generator.name],
                )  # fmt: skip
                reported_ms = generator_runs.keep_pace(generator, job, load, setup.cores.generator)
            return generator_runs.beside_truth(generator, reported_ms, load, service)
        except RunFailed as failure:
            return AccuracyRun(generator=generator.name, stall=stall, problem=f"at a fixed rate {failure}")


def _shuffled(items: Sequence[Item], name: str) -> list[Item]:
    return random.Random(f"{SEED} {name}").sample(list(items), len(items))
