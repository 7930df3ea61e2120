"""`index.html`: every recorded experiment and single run, with a link to its page where it has one."""

import re
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from analysis.findings import findings_file
from workbench import atomic, run_record
from workbench.errors import RecordingError
from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.text_cleaning import Target, cleaned

from .build import FINDINGS, PAGE
from .choice import BUILD, single_runs
from .markup import Html
from .page_frame import Section, page
from .sections.comparison import join, prose
from .single_run.run_page import page_name
from .tables import Verdict, table

INDEX = "index.html"
MAX_RUNS = 200  # the newest ones
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
HEAD_BYTES = 65_536  # a page's title stands in the first of them, before its style sheet


def write(folder: Path) -> Path:
    """Write the index of the folder of pages, and return its path."""
    path = folder / INDEX
    atomic.write_text(path, html(folder))
    return path


def html(folder: Path) -> str:
    """The index of the pages in a folder and of what is recorded."""
    experiments, runs = _experiments(folder), single_runs()
    shown = runs[:MAX_RUNS]
    linked = {PAGE, INDEX, *map(page_name, shown)}
    others = [path for path in sorted(folder.glob("*.html")) if path.name not in linked]
    sections = [
        Section("Experiments", _table(experiments, "Recorded experiments", "No experiment is recorded.")),
        Section("Single runs", _single_runs(folder, shown, len(runs) - len(shown))),
    ]
    if others:
        rows = [{"page": _link(path, _title(path))} for path in others]
        sections.append(Section("Other pages", _table(rows, "Pages of other runs", "")))
    return page("TraceTrack performance: all pages", _lead(folder), sections)


def _lead(folder: Path) -> Html:
    if not (folder / PAGE).exists():
        return prose("There is no report of an experiment yet: make report measures and renders one.")
    return join(Html(f'<p class="verdict">{_link(folder / PAGE, "The report")}</p>'), prose(_reported(folder)))


def _reported(folder: Path) -> str:
    name = _reported_experiment(folder)
    return f"It shows experiment {name}." if name else "The findings that it shows are not beside it."


def _reported_experiment(folder: Path) -> str:
    """The experiment of the report in the folder; empty where that is not known."""
    try:
        return findings_file.read(folder / FINDINGS)[0]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _experiments(folder: Path) -> list[dict]:
    reported = _reported_experiment(folder) if (folder / PAGE).exists() else ""
    paths = sorted(runs_directory().glob("*/experiment.json"), key=lambda path: path.parent.name, reverse=True)
    return [_experiment_row(path.parent, folder, reported) for path in paths]


def _experiment_row(directory: Path, folder: Path, reported: str) -> dict:
    name = _link(folder / PAGE, directory.name) if directory.name == reported else directory.name
    try:
        record = run_record.read(directory, "experiment").content
    except RecordingError as error:
        return {"experiment": name, "status": f"cannot be read: {error}"}
    return {
        "experiment": name,
        "profile": record["profile"],
        "scale": record["scale"],
        "planned runs": len(record["runs"]),
        "status": record["status"],
    }


def _single_runs(folder: Path, runs: Iterable[Path], hidden: int) -> Html:
    note = f"A run without a link has no page yet: {BUILD} --run {SINGLE_RUNS}/<run>"
    if hidden:
        note += f" The {MAX_RUNS} newest are listed, {hidden} older ones are not."
    rows = [_run_row(directory, folder) for directory in runs]
    return _table(rows, "Runs that belong to no experiment", "No single run is recorded.", note)


def _run_row(directory: Path, folder: Path) -> dict:
    path = folder / page_name(directory)
    name = _link(path, directory.name) if path.exists() else directory.name
    try:
        record = run_record.read(directory, "run").content
    except RecordingError as error:
        return {"run": name, "status": f"cannot be read: {error}"}
    started = record.get("started")
    return {
        "run": name,
        "under load": record["deployment"]["settings"].get("url") or record["deployment"]["name"],
        "scenario": record["scenario"]["name"],
        "started (UTC)": started[:16].replace("T", " ") if isinstance(started, str) else None,
        "requests": record.get("rows"),
        "status": "cut off" if record["status"] == "running" else record["status"],
        "valid": Verdict.VALID if record["valid"] else Verdict.INVALID,
    }


def _table(rows: list[dict], caption: str, empty: str, note: str = "") -> Html:
    return table(pd.DataFrame(rows, dtype=object), caption, note=note) if rows else prose(empty)


def _link(path: Path, text: str) -> Html:
    return Html(f'<a href="{cleaned(quote(path.name), Target.HTML)}">{cleaned(text, Target.HTML)}</a>')


def _title(path: Path) -> str:
    """The title of a page, its file name where it has none."""
    with path.open("rb") as file:
        match = TITLE.search(file.read(HEAD_BYTES).decode(errors="replace"))
    return unescape(match[1]).strip() if match else path.name
