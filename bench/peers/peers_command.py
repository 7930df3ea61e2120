"""Load generators and ways to a page side by side, on a page of their own."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from loadgen import environment, machine_lock
from reports import index_page
from reports.build import HTML
from reports.peers import peer_results, peers_page
from reports.peers.peer_results import COMPLETE, AccuracyRun, CapacityRun, PageRun, Peer, PeerResults
from reports.peers.peer_wording import verdict_sentence
from workbench.temporary_folder import temporary_folder
from workbench.terminal import FiniteRange, echo

from . import installation, page_makers, rounds
from .counting_server import CountingServer, counting_server
from .load_generators import GENERATORS, LoadGenerator, find_program
from .page_makers import MAKERS
from .placement import two_cores
from .planned_load import MEAN_SERVICE_S, PlannedLoad
from .rounds import Setup

CAPACITY, ACCURACY, PAGES = PARTS = ("capacity", "accuracy", "pages")
CONNECTIONS = 50
LOAD = PlannedLoad(rate_rps=400, duration_s=10, stall_at_s=4)
AnyRun = CapacityRun | AccuracyRun | PageRun


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS), metavar="[PART]...")
@click.option("--rounds", "number", type=click.IntRange(1, 50), default=5, show_default=True, help="Rounds.")
@click.option("--seconds", type=FiniteRange(1, 60), default=6, show_default=True, help="Measured time at saturation.")
@click.option("--large", is_flag=True, help="Pages of 100 million rows too: some GiB on disk, and minutes.")
@click.option("--install", is_flag=True, help="Install autocannon and Polars into temporary folders.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False, resolve_path=True), default=HTML,
              help="Folder of the page.")  # fmt: skip
def main(parts: tuple[str, ...], number: int, seconds: float, large: bool, install: bool, output: Path) -> None:
    """Compare with other load generators, and from rows to a page; PART is capacity, accuracy or pages.

    Half an hour. What is not installed is left out, and named with the command that installs it.
    """
    with ExitStack() as stack:
        stack.enter_context(machine_lock.sole_use())
        more_folders = stack.enter_context(installation.autocannon()) if install else ""
        if install:
            stack.enter_context(installation.polars())
        located = {each.name: find_program(each, more_folders) for each in GENERATORS}
        programs = {name: path for name, path in located.items() if path is not None}
        setup = Setup(GENERATORS, programs, two_cores(), number, seconds, CONNECTIONS, LOAD)
        results = _measure(setup, parts or PARTS, large=large)
    page = peers_page.write(results, output)
    index_page.write(output)
    echo(verdict_sentence(results))
    click.echo(page)


def _measure(setup: Setup, parts: Collection[str], *, large: bool) -> PeerResults:
    """Measure the parts; what is measured is on disk at once. Returns the results as they were stored."""
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("bench"))
        server = stack.enter_context(counting_server(folder, setup.cores.server)) if CAPACITY in parts else None
        results = _begin(setup, server.label if server else "")
        for peer in (*results.generators, *results.makers):
            if peer.missing:
                echo(f"{peer.label} is not installed: {peer.missing}")
        for part, run in _runs(setup, parts, server, large=large):
            longer: dict[str, Any] = {part: (*getattr(results, part), run)}
            results = replace(results, **longer)
            peer_results.write(results)
            echo(_line(run))
    peer_results.write(replace(results, status=COMPLETE))
    return peer_results.read(results.bench)


def _runs(
    setup: Setup, parts: Collection[str], server: CountingServer | None, *, large: bool
) -> Iterator[tuple[str, AnyRun]]:
    """Yield the field of the results and the run, for each run of the parts."""
    if server:
        yield from ((CAPACITY, run) for run in rounds.capacity_runs(setup, server))
    if ACCURACY in parts:
        yield from ((ACCURACY, run) for run in rounds.accuracy_runs(setup))
    if PAGES in parts:
        makers = [maker for maker in MAKERS if not maker.peer().missing]
        sizes = [*page_makers.ROWS, *([page_makers.LARGE_ROWS] if large else [])]
        yield from ((PAGES, run) for run in rounds.page_runs(makers, sizes, setup.rounds))


def _begin(setup: Setup, server: str) -> PeerResults:
    """The results before anything is measured."""
    now = datetime.now(UTC)
    load = setup.load
    return PeerResults(
        bench=f"{now:%Y%m%d-%H%M%S}",
        started=f"{now:%Y-%m-%dT%H:%M:%S.000Z}",
        environment=environment.describe(None),
        settings={
            "rounds": setup.rounds, "measured_s": setup.measured_s, "connections": setup.connections,
            "rate_rps": load.rate_rps, "duration_s": load.duration_s, "stall_at_s": load.stall_at_s or 0.0,
            "stall_s": load.stall_s, "mean_service_ms": 1000 * MEAN_SERVICE_S,
        },
        server=server,
        generators=tuple(_peer(each, setup.programs.get(each.name)) for each in setup.generators),
        makers=tuple(maker.peer() for maker in MAKERS),
    )  # fmt: skip


def _peer(generator: LoadGenerator, program: str | None) -> Peer:
    rate_kind = generator.rate_kind or ""
    if program is None:
        return Peer(name=generator.name, label=generator.label, rate_kind=rate_kind, missing=generator.package)
    return Peer(name=generator.name, label=generator.label, rate_kind=rate_kind, version=generator.version(program))


def _line(run: AnyRun) -> str:
    """A line about a run for the terminal."""
    if isinstance(run, PageRun):
        line, values = f"page of {run.rows:,} rows, {run.maker}", f"{run.seconds:.1f} s, {run.peak_mib:,.0f} MiB"
    elif isinstance(run, CapacityRun):
        line = f"round {run.round + 1}, at saturation, {run.generator}"
        values = "" if run.problem else f"{run.requests / run.seconds:,.0f} requests/s"
    else:
        line = f"round {run.round + 1}, at a fixed rate{', with a stall' if run.stall else ''}, {run.generator}"
        pairs = ((name, value, run.true_ms[name]) for name, value in run.reported_ms.items())
        values = ", ".join(f"{name} {value:.1f} ms ({true:.1f})" for name, value, true in pairs)
    return f"{line}: {run.problem or values}"
