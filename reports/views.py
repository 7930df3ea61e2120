"""`summary.md` and `junit.xml`: views of findings and of the decision on them, for terminals and for CI."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from analysis.findings.finding import Finding
from workbench import atomic
from workbench.recording import Experiment

from .decision import Decision
from .junit import junit
from .page_names import JUNIT, SUMMARY
from .pull_request_summary import summary


def write(decision: Decision, experiment: Experiment | None, findings: Sequence[Finding], directory: Path) -> None:
    """Write both views into the folder of the page; `experiment` is None where none could be read."""
    atomic.write_text(directory / SUMMARY, summary(decision, experiment, findings))
    tree = junit(decision, experiment.name if experiment else "", findings)
    ElementTree.indent(tree)
    text = ElementTree.tostring(tree, encoding="unicode")
    atomic.write_text(directory / JUNIT, f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')
