"""`summary.md` and `junit.xml`: the findings for people in a terminal and for CI."""

from pathlib import Path
from xml.etree import ElementTree

from analysis.findings.finding import Finding

TITLES = {
    "checklist": "The published checklist",
    "figure": "The published figures",
    "declared": "What the published report says of its set-up",
    "objective": "Objectives",
    "effect": "What changes are worth (with the change over without it, 95 % intervals)",
    "cause": "Why loads took as long as they did",
    "capacity": "How much deployments hold",
    "prediction": "What was foretold",
}


def write(experiment: str, findings: list[Finding], directory: Path) -> None:
    """Write both views beside the page."""
    (directory / "summary.md").write_text(summary(experiment, findings))
    tree = ElementTree.ElementTree(junit(experiment, findings))
    ElementTree.indent(tree)
    tree.write(directory / "junit.xml", encoding="utf-8", xml_declaration=True)


def summary(experiment: str, findings: list[Finding]) -> str:
    """The findings as Markdown: a table for each kind of them."""
    lines = [f"# TraceTrack performance, experiment {experiment}"]
    for kind, title in TITLES.items():
        of = [finding for finding in findings if finding.kind == kind]
        lines += ["", f"## {title}", "", *_table(of)] if of else []
    return "\n".join(lines) + "\n"


def _table(findings):
    cells = ([finding.claim, finding.verdict, finding.evidence] for finding in findings)
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return ["| claim | verdict | evidence |", "| --- | --- | --- |", *rows]


def junit(experiment: str, findings: list[Finding]) -> ElementTree.Element:
    """A test case a claim: an objective can fail, a line of the checklist is skipped with its reason."""
    findings = [finding for finding in findings if finding.kind in ("checklist", "objective")]
    suite = ElementTree.Element("testsuite", name=f"tracetrack {experiment}", tests=str(len(findings)))
    failures = skipped = 0
    for finding in findings:
        case = ElementTree.SubElement(suite, "testcase", classname=finding.kind, name=f"{finding.id}: {finding.claim}")
        if finding.verdict == "pass":
            continue
        failed = finding.kind == "objective" and finding.verdict == "fail"
        failures, skipped = failures + failed, skipped + (not failed)
        message = f"{finding.verdict}: {finding.evidence}"
        ElementTree.SubElement(case, "failure" if failed else "skipped", message=message)
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    return suite
