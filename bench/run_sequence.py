"""Runs of `burst-50` one after another on one server, as an experiment carries them out, and what they took."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from instrumentation import deadlines
from loadgen import deployments, locust_runner, run, services
from loadgen.run_database import RunDatabases
from loadgen.run_spec import RunSpec, run_name
from workbench.arms import BASELINE, BURST_50
from workbench.paths import data_directory

SYSTEM = ("server", "database", "store")  # the roles of the system under test


class Step(NamedTuple):
    """A run to carry out: its deployment, and whether its load generator is forked or started anew."""

    deployment: str
    is_forked: bool = True


class MeasuredRun(NamedTuple):
    """What a run took, in s: its load, what is beside it, its stages, CPU of the system under test and of Locust."""

    step: Step
    load_s: float
    beside_s: float
    stages_s: dict[str, float]
    system_cpu_s: float
    generator_cpu_s: float


def run_sequence(steps: Sequence[Step]) -> Iterator[MeasuredRun]:
    """Carry out the runs, each with a seed of its own, and yield what each of them took."""
    deadlines.install(True)
    connections = deployments.settings_for(BASELINE).max_connections
    specs = [
        RunSpec(deployment=step.deployment, scenario=BURST_50, scale="production", seed=number, position=number)
        for number, step in enumerate(steps)
    ]
    with ExitStack() as stack:
        forks = stack.enter_context(locust_runner.fork_server())
        server = stack.enter_context(services.database_server(data_directory() / "postgres", connections))
        databases = stack.enter_context(RunDatabases(server))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "bench"
        for step, spec, following in zip(steps, specs, [*specs[1:], None], strict=True):
            directory = folder / run_name(spec)
            start_s = time.monotonic()
            record = run.execute(databases, spec, directory, forks if step.is_forked else None, following)
            yield _measured(step, time.monotonic() - start_s, record, directory)


def _measured(step: Step, total_s: float, record: dict, directory: Path) -> MeasuredRun:
    load_s = _load_s(directory)
    generator_s = record["generator"]["cpu_ms"] / 1000  # from the start signal on
    return MeasuredRun(step, load_s, total_s - load_s, record["stages_s"], _system_cpu_s(directory), generator_s)


def _load_s(directory: Path) -> float:
    """The time from the first send to the last response."""
    rows = pq.read_table(directory / "requests.parquet", columns=["start_us", "latency_us"]).to_pandas()
    return float((rows["start_us"] + rows["latency_us"]).max() - rows["start_us"].min()) / 1e6


def _system_cpu_s(directory: Path) -> float:
    """The CPU time of the system under test from the first reading to the last."""
    rows = pq.read_table(directory / "process.parquet", columns=["role", "cpu_us"]).to_pandas()
    return float(rows[rows["role"].isin(SYSTEM)].groupby("role")["cpu_us"].max().sum()) / 1e6
