"""`index.html`: what changed over experiments, all built reports, the newest first, comparisons, and all else."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from workbench import atomic, run_record
from workbench.declared_arms import scale_of
from workbench.errors import RecordingError
from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from . import comparison_page, report_entry
from .choice import BUILD, single_runs
from .history_section import history_section
from .markup import Html
from .page_frame import Section, page
from .page_names import PAGE
from .peers import peer_results, peer_tables
from .peers.peer_page_names import PEERS_PAGE, peers_page_name
from .report_entry import ReportEntry
from .report_list import entries_html
from .sections.comparison import join, plural, prose
from .single_run.run_page import page_name
from .tables import Verdict, remark, table

INDEX = "index.html"
MAX_RUNS = 200  # the newest ones
STYLES = ("rows.css", "sparks.css", "trends.css")


def write(folder: Path) -> Path:
    """Write the index of the folder of pages, and return its path."""
    path = folder / INDEX
    atomic.write_text(path, html(folder))
    return path


def html(folder: Path) -> str:
    """The index of the pages in a folder and of what is recorded."""
    entries, problems = report_entry.read_all(folder)
    comparisons, more_problems = comparison_page.stored(folder)
    benches, bench_problems = peer_results.read_all()
    runs = single_runs()
    shown = runs[:MAX_RUNS]
    sections = [
        *history_section(),
        *_reports(folder, entries),
        *_section("Comparisons", _comparison_rows(folder, comparisons), "Comparisons of two experiments"),
        *_section("Benches against peers", [_bench_row(each, folder) for each in benches],
                  "Load generators and pages beside their peers"),
        *_unreported(entries),
        *_section("Single runs", [_run_row(run, folder) for run in shown], "Runs that belong to no experiment",
                  _single_runs_note(len(runs) - len(shown))),
        *_others(folder, {PAGE, INDEX, PEERS_PAGE, *(entry.page for entry in entries),
                          *(each.page for each in comparisons), *(peers_page_name(each.bench) for each in benches),
                          *map(page_name, shown)}),
    ]  # fmt: skip
    lead = join(_lead(folder, entries), *map(remark, (*problems, *more_problems, *bench_problems)))
    return page("TraceTrack performance: all pages", lead, sections, STYLES)


def _lead(folder: Path, entries: Sequence[ReportEntry]) -> Html:
    has_page = (folder / PAGE).exists()
    if not entries and not has_page:
        return prose("There is no report of an experiment yet: make report measures and renders one.")
    last = f"The report that was built last: {_link(folder / PAGE, PAGE)}." if has_page else ""
    if entries:
        return Html(f"<p>{plural(len(entries), 'report')}, the newest measurement first. {last}</p>")
    return Html(f"<p>{last} An older version built it, so that its facts are not beside it: make render adds them.</p>")


def _reports(folder: Path, entries: Sequence[ReportEntry]) -> list[Section]:
    return [Section("Reports", entries_html(folder, entries))] if entries else []


def _comparison_rows(folder: Path, comparisons: Sequence[comparison_page.StoredComparison]) -> list[dict]:
    return [
        {
            "comparison": _link(folder / each.page, f"{each.before} → {each.after}"),
            "result": each.sentence,
        }
        for each in comparisons
        if (folder / each.page).exists()
    ]


def _bench_row(results: peer_results.PeerResults, folder: Path) -> dict:
    path, started = folder / peers_page_name(results.bench), results.started[:16].replace("T", " ")
    return {"bench (UTC)": _link(path, started) if path.exists() else started, **peer_tables.history_row(results)}


def _unreported(entries: Sequence[ReportEntry]) -> list[Section]:
    """The experiments that are recorded and have no report here."""
    reported = {entry.experiment for entry in entries}
    paths = sorted(runs_directory().glob("*/experiment.json"), key=lambda path: path.parent.name, reverse=True)
    rows = [_experiment_row(path.parent) for path in paths if path.parent.name not in reported]
    note = f"A report of a complete one: {BUILD} --experiment <experiment>"
    return _section("Experiments without a report", rows, "Recorded experiments without a report here", note)


def _experiment_row(directory: Path) -> dict:
    try:
        record = run_record.read(directory, "experiment").content
    except RecordingError as error:
        return {"experiment": directory.name, "status": f"cannot be read: {error}"}
    return {
        "experiment": directory.name,
        "profile": record["profile"],
        "scale": scale_of(record),
        "planned runs": len(record["runs"]),
        "status": record["status"],
    }


def _single_runs_note(hidden: int) -> str:
    note = f"A run without a link has no page yet: {BUILD} --run {SINGLE_RUNS}/<run>"
    if hidden:
        note += f" The {MAX_RUNS} newest are listed, {hidden} older ones are not."
    return note


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


def _others(folder: Path, linked: Iterable[str]) -> list[Section]:
    """Pages of which no facts are stored: those of runs within experiments, and of older versions."""
    known = set(linked)
    rows = [{"page": _link(path, path.stem)} for path in sorted(folder.glob("*.html")) if path.name not in known]
    return _section("Other pages", rows, "Pages of runs of experiments, and of other versions")


def _section(heading: str, rows: list[dict], caption: str, note: str = "") -> list[Section]:
    """A section with one table; none without rows."""
    return [Section(heading, table(pd.DataFrame(rows, dtype=object), caption, note=note))] if rows else []


def _link(path: Path, text: str) -> Html:
    return Html(f'<a href="{cleaned(quote(path.name), Target.HTML)}">{cleaned(redacted(text), Target.HTML)}</a>')
