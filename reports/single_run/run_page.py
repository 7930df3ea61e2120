"""The page of one run: everything that can be said of it, and no more."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from workbench import atomic
from workbench.arms import START
from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.recording import Run
from workbench.text_cleaning import Target, cleaned

from ..markup import Html
from ..page_frame import Section, page
from ..page_names import RESERVED
from ..sections.comparison import join, prose
from ..tables import remark
from . import run_charts, run_tables
from .run_description import description, subtitle, title
from .run_hosts import hosts
from .run_verdict import first_screen

MAX_NAME_CHARACTERS = 150
# Of a run with measured requests; each is a function of the run.
MEASURED: dict[str, tuple[Callable[[Run], Html], ...]] = {
    "Latency": (run_tables.latency, run_charts.percentiles),
    "Failures": (run_tables.failures,),
    "Over time": (run_charts.over_time, run_tables.phases),
    "Where the time went": (run_charts.where_time_went,),
}


def write(run: Run, folder: Path) -> Path:
    """Write the page of the run into the folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / page_name(run.directory)
    atomic.write_text(path, html(run))
    return path


def page_name(directory: Path) -> str:
    """The name of the page of a run in this directory; that of a run of an experiment begins with the experiment's."""
    resolved = directory.resolve()
    name = resolved.name if resolved.parent.name == SINGLE_RUNS else f"{resolved.parent.name}-{resolved.name}"
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:MAX_NAME_CHARACTERS] or "run"
    return f"{f'run-{safe}' if RESERVED.fullmatch(safe) else safe}.html"


def html(run: Run) -> str:
    """The page of the run."""
    sections = [
        *_measured(run),
        Section("What was run", join(description(run), hosts(run))),
        Section("Validity", run_tables.gates(run)),
        Section("What one run cannot say", _limits(run)),
    ]
    return page(title(run), join(first_screen(run), remark(subtitle(run))), sections)


def _measured(run: Run) -> list[Section]:
    """The sections about requests; of a run that measured none the phases, if it sent any."""
    if run.record["scenario"]["kind"] == START or not run.is_readable():
        return []
    if run.totals is None:
        return [Section("Over time", run_tables.phases(run))]
    return [Section(heading, join(*(piece(run) for piece in pieces))) for heading, pieces in MEASURED.items()]


def _limits(run: Run) -> Html:
    """Why there is no interval, and the commands that go on from here."""
    name = shlex.quote(_reference(run.directory))
    return join(
        prose(
            "This is one run, so no value here has an interval. The requests of a run depend on each other: an "
            "interval computed from them would be far too narrow. Another run of the same load would give other "
            "values, and one run does not say how far apart they lie. A difference between two such pages is therefore "
            "no finding. Intervals and verdicts come from an experiment of at least four blocks."
        ),
        Html(
            "<ul>\n"
            f"<li>The same in the terminal: {_code(f'python -m analysis show {name}')}</li>\n"
            f"<li>This page again: {_code(f'python -m reports build --run {name}')}</li>\n"
            f"<li>An experiment with intervals: {_code('make report PROFILE=requests')}</li>\n"
            "</ul>"
        ),
    )


def _reference(directory: Path) -> str:
    """The run as commands take it: its id below the folder of the runs, or its path."""
    resolved = directory.resolve()
    runs = runs_directory()
    return str(resolved.relative_to(runs) if resolved.is_relative_to(runs) else resolved)


def _code(command: str) -> str:
    return f"<code>{cleaned(command, Target.HTML)}</code>"
