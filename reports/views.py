"""`summary.md` and `junit.xml`: views of `findings.json` for terminals and for CI."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from analysis.findings.finding import FAIL, KINDS, PASS, Finding
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

TEST_CASES = ("checklist", "objective")  # the kinds of which each finding is a test case of JUnit


def write(experiment: str, findings: Sequence[Finding], directory: Path) -> None:
    """Write both views beside the page."""
    (directory / "summary.md").write_text(summary(experiment, findings), encoding="utf-8")
    tree = ElementTree.ElementTree(junit(experiment, findings))
    ElementTree.indent(tree)
    tree.write(directory / "junit.xml", encoding="utf-8", xml_declaration=True)


def summary(experiment: str, findings: Sequence[Finding]) -> str:
    """The findings as Markdown: a table for each kind."""
    lines = [f"# TraceTrack performance, experiment {cleaned(experiment, Target.MARKDOWN)}"]
    for name, kind in KINDS.items():
        rows = [finding for finding in findings if finding.kind == name]
        lines += ["", f"## {kind.title}", "", *_table(rows)] if rows else []
    return "\n".join(lines) + "\n"


def _table(findings: Sequence[Finding]) -> list[str]:
    """The lines of a Markdown table."""
    cells = ([finding.claim, finding.verdict, finding.evidence] for finding in findings)
    rows = ["| " + " | ".join(cleaned(redacted(cell), Target.MARKDOWN) for cell in row) + " |" for row in cells]
    return ["| claim | verdict | evidence |", "| --- | --- | --- |", *rows]


def junit(experiment: str, findings: Sequence[Finding]) -> ElementTree.Element:
    """A JUnit suite of objectives, which pass or fail, and of the checklist, whose lines pass or are skipped."""
    findings = [finding for finding in findings if finding.kind in TEST_CASES]
    suite = ElementTree.Element("testsuite", name=_xml(f"tracetrack {experiment}"), tests=str(len(findings)))
    failures = skipped = 0
    for finding in findings:
        name = _xml(f"{finding.id}: {finding.claim}")
        case = ElementTree.SubElement(suite, "testcase", classname=finding.kind, name=name)
        if finding.verdict == PASS:
            continue
        failed = finding.kind == "objective" and finding.verdict == FAIL
        failures, skipped = failures + failed, skipped + (not failed)
        message = _xml(f"{finding.verdict}: {finding.evidence}")
        ElementTree.SubElement(case, "failure" if failed else "skipped", message=message)
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    return suite


def _xml(text: str) -> str:
    return cleaned(redacted(text), Target.XML)
