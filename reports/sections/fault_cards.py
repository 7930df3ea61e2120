"""The cards of the first screen where an experiment put set-ups under faults, and none under a burst of users."""

from analysis.findings.finding import PASS, Finding
from analysis.findings.overload_claims import share_id
from workbench.arms import LIMITED

from ..markup import Html
from ..numerals import MISSING, SECTION, number, of_finding, sentence
from ..tables import cards
from .comparison import Report
from .faults import DECIDED, ending, losses


def fault_cards(report: Report) -> Html:
    """What the tuned and the published set-up withstand, what was lost, and what an overload leaves of the goodput."""
    share = report.finding(share_id(LIMITED))
    lost = losses(report)
    return cards(
        [
            ("Faults withstood, tuned", *_withstood(report.of_kind("fault"), ending(report))),
            ("Faults withstood, published settings", *_withstood(report.of_kind("published-fault"))),
            (
                "Acknowledged writes lost or stored twice",
                MISSING if lost is None else number(str(lost), SECTION),
                sentence("in all runs under faults"),
            ),
            (
                "Goodput at 5 times the sustained load",
                of_finding(share, "{:.0%}"),
                sentence("of its maximum, with admission control"),
            ),
        ]
    )


def _withstood(findings: list[Finding], of_recording: int = 0) -> tuple[Html, Html]:
    """The number of faults with every target met, out of the faults that were injected in valid runs.

    `of_recording` of them end the measurement; the headline is about the others.
    """
    made = [finding for finding in findings if finding.verdict in DECIDED]
    passed = sum(finding.verdict == PASS for finding in made)
    value = sentence("{passed} of {made}", passed=number(str(passed), SECTION), made=number(str(len(made)), SECTION))
    detail = sentence("every target met")
    if of_recording:
        detail = sentence("every target met; {n} of them end the measurement", n=number(str(of_recording), SECTION))
    return (value if made else MISSING), detail
