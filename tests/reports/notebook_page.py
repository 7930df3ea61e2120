"""The page of an experiment as 03-report makes it, cell by cell, without a kernel."""

import re
from pathlib import Path

import nbformat

from analysis.findings.finding import Finding
from reports import sections
from reports.render import render
from workbench.paths import REPOSITORY
from workbench.recording import Experiment

NOTEBOOK = REPOSITORY / "notebooks" / "03-report.ipynb"
SECTION = re.compile(r"sections\.(\w+)\(report\)")


def write(experiment: Experiment, findings: list[Finding], page: Path) -> str:
    """Write the page of an experiment, and return its text."""
    report = sections.Report(experiment, findings)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and (shown := SECTION.fullmatch(cell.source)):
            html = str(getattr(sections, shown[1])(report))
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/html": html, "text/plain": "<Html>"})]
    notebook.cells[-1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "'report complete'"})]
    executed = page.with_suffix(".ipynb")
    nbformat.write(notebook, executed)
    render(executed, page, sections.title(report))
    return page.read_text(encoding="utf-8")
