"""How many objectives, or claims, hold, and how many have each other verdict: the words of a card."""

from collections.abc import Sequence

from analysis.findings.finding import FAIL, INCONCLUSIVE, INVALID, NOT_MEASURED, PASS, Finding
from analysis.findings.objectives import missed_aim

from ..markup import Html
from ..numerals import SECTION, number, sentence


def passed(findings: Sequence[Finding]) -> Html:
    """`3 of 5`."""
    count = sum(finding.verdict == PASS for finding in findings)
    return sentence("{passed} of {all}", passed=number(str(count), SECTION), all=str(len(findings)))


def others(findings: Sequence[Finding]) -> Html:
    """`1 fail, 1 inconclusive`; failures also where there is none."""
    verdicts = [finding.verdict for finding in findings]
    names = {FAIL: "fail", INCONCLUSIVE: "inconclusive", NOT_MEASURED: "not measured", INVALID: "invalid"}
    counts = {verdict: verdicts.count(verdict) for verdict in names}
    texts = [
        f"{number(str(count), SECTION)} {names[verdict]}"
        for verdict, count in counts.items()
        if count or verdict == FAIL
    ]
    if short := sum(missed_aim(finding) is not None for finding in findings):
        texts.append(f"{number(str(short), SECTION)} short of the aim")
    return Html(", ".join(texts))
