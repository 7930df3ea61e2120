"""`junit.xml`: findings as test cases, in the shape that CI servers read.

A suite for each kind. `failure` is a broken objective, a target missed under a fault or an overload, a resource that
grows in a soak, or a regression, `error` a finding that is invalid or inconclusive, and `skipped` one that was not
measured, or that the gate does not decide by: a line of the published checklist that fails, what published settings do
under a fault or an overload, a soak with session files, and a resource that is inconclusive.
"""

from collections import Counter
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from analysis import regressions
from analysis.findings import fault_findings, objectives
from analysis.findings.finding import FAIL, INCONCLUSIVE, INVALID, NOT_MEASURED, REGRESSION, REPORTED, Finding
from analysis.soak.growth import GROWS
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from .decision import FAILED, RESILIENCE, Decision, decides, is_open

CHECKLIST = "checklist"
SUITES = (objectives.KIND, *RESILIENCE, regressions.KIND, CHECKLIST, fault_findings.PUBLISHED_KIND)
ELEMENTS = {
    FAIL: "failure",
    REGRESSION: "failure",
    GROWS: "failure",
    INCONCLUSIVE: "error",
    INVALID: "error",
    NOT_MEASURED: "skipped",
}
COUNTS = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def junit(decision: Decision, experiment: str, findings: Sequence[Finding]) -> Element:
    """The `testsuites` element. An invalid decision is an error of a suite of its own, named gate."""
    suites = Element("testsuites", name=_xml(f"tracetrack {experiment}".strip()))
    for kind in SUITES:
        if of_kind := [finding for finding in findings if finding.kind == kind and finding.verdict != REPORTED]:
            _add_suite(suites, kind, [_case(finding) for finding in of_kind])
    if decision.verdict == INVALID:
        case = Element("testcase", classname="gate", name="gate")
        SubElement(case, "error", type=INVALID, message=_xml(decision.reason)).text = _xml("; ".join(decision.lines))
        _add_suite(suites, "gate", [case])
    for name in ("tests", "failures", "errors"):
        suites.set(name, str(sum(int(suite.get(name, 0)) for suite in suites)))
    return suites


def _add_suite(suites: Element, name: str, cases: Sequence[Element]) -> None:
    outcomes = Counter(child.tag for case in cases for child in case)
    counts = {attribute: str(outcomes[element]) for element, attribute in COUNTS.items()}
    suite = SubElement(suites, "testsuite", {"name": name, "tests": str(len(cases)), **counts})
    suite.extend(cases)


def _case(finding: Finding) -> Element:
    case = Element("testcase", classname=finding.kind, name=_xml(f"{finding.id}: {finding.claim}"))
    element = ELEMENTS.get(finding.verdict)
    if element and not (decides(finding) and (finding.verdict in FAILED or is_open(finding))):
        element = "skipped"
    if element == "skipped":
        SubElement(case, element, message=_xml(f"{finding.verdict}: {finding.evidence}"))
    elif element:
        SubElement(case, element, type=finding.verdict, message=_xml(f"{finding.verdict}: {finding.evidence}"))
    return case


def _xml(text: str) -> str:
    return cleaned(redacted(text), Target.XML)
