"""From rows to a page: the workbench's page of a run beside pandas, Polars and Locust's own, each in a new process."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from loadgen.subprocesses import start
from reports.peers.peer_results import PageRun, Peer
from workbench.paths import REPOSITORY
from workbench.request_schema import STORED

from .command_usage import USAGE

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
LARGE_ROWS = 100_000_000
MAX_LOCUST_ROWS = 1_000_000  # it takes microseconds for each, one after the other
MAX_PAGE_S = 1800


@dataclass(frozen=True)
class PageMaker:
    """A way from the rows of a run to a page: its command for the run's directory and the folder of the page."""

    name: str
    label: str
    command: Callable[[Path, Path], list[str]]
    package: str = ""
    max_rows: int = LARGE_ROWS

    def peer(self) -> Peer:
        """What the page says of it, with its version, or how to install it."""
        try:
            return Peer(name=self.name, label=self.label, version=version(self.package) if self.package else "")
        except PackageNotFoundError:
            install = f".venv/bin/uv pip install {self.package}"
            return Peer(name=self.name, label=self.label, missing=install)


def _workbench(run: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "reports", "build", "--run", str(run), "--output", str(folder)]


def _module(name: str) -> Callable[[Path, Path], list[str]]:
    return lambda run, folder: [
        sys.executable, "-m", f"bench.peers.{name}", str(run / STORED), str(folder / "page.html")
    ]  # fmt: skip


MAKERS = (
    PageMaker("workbench", "workbench, page of a run", _workbench),
    PageMaker("pandas", "pandas", _module("pandas_page"), "pandas"),
    PageMaker("polars", "Polars", _module("polars_page"), "polars"),
    PageMaker("locust", "Locust", _module("locust_page"), "locust", MAX_LOCUST_ROWS),
)


def make_page(maker: PageMaker, run: Path, folder: Path, rows: int) -> PageRun:
    """Make the page of a run once, and measure time and memory of the process."""
    folder.mkdir()
    command = [sys.executable, "-m", "bench.peers.command_usage", str(folder), *maker.command(run, folder)]
    with start(maker.label, command, folder / "usage.log", folder=REPOSITORY) as child:
        if not child.wait(MAX_PAGE_S):
            return PageRun(maker=maker.name, rows=rows, problem=f"it took longer than {MAX_PAGE_S} s")
        if not (folder / USAGE).exists():
            return PageRun(maker=maker.name, rows=rows, problem=child.last_line())
    usage = json.loads((folder / USAGE).read_text())
    code, last_line = usage.pop("code"), usage.pop("last_line")
    problem = f"{rows:,} rows: it ended with code {code}: {last_line}" if code else ""
    return PageRun(maker=maker.name, rows=rows, problem=problem, **usage)
