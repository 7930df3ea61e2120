"""The published claims and our own objectives as a scorecard, failures first."""

import pandas as pd

from analysis.findings.finding import FAIL, INCONCLUSIVE, INVALID, NOT_MEASURED, PASS, Finding
from analysis.findings.objectives import missed_aim

from ..markup import Html
from ..numerals import PUBLISHED, SECTION, SETTING, marked, number, sentence
from ..tables import Verdict, behind, table
from .comparison import Report, join
from .missed_objectives import missed_objectives
from .names import CLAIMS, in_labels

ORDER = {FAIL: 0, INVALID: 1, INCONCLUSIVE: 2, NOT_MEASURED: 3, PASS: 4}
DECIDED = {FAIL, INVALID}


def claims(report: Report) -> Html:
    """What does not hold is open, with its evidence, and so are objectives not measured or short of their aim.

    Where no objective was measured, as by a profile of other loads, they are in a fold. Arms have their own objectives
    alone, all of which are open.
    """
    published, objectives = report.of_kind(*CLAIMS), report.of_kind("objective")
    if report.arms:
        return _scorecard("What the arms have to meet", objectives, set(ORDER))
    failed = [each for each in published if each.verdict in DECIDED]
    unmeasured = [each for each in objectives if each.verdict == NOT_MEASURED]
    folded = unmeasured if len(unmeasured) == len(objectives) else []
    missed = [each for each in objectives if each.verdict in {*DECIDED, NOT_MEASURED} or missed_aim(each)]
    met = [each for each in objectives if each not in missed]
    return join(
        _sentence(published),
        _scorecard(
            "Claims that do not hold, and objectives that are not met or short of their aim",
            failed if folded else [*failed, *missed],
            set(ORDER),
        ),
        behind(
            ("why objectives and aims are missed", join(*missed_objectives(report))),
            ("claims that hold", _scorecard("Published claims that hold", published, {PASS})),
            (
                "claims not measured or not decided",
                _scorecard("Published claims without a verdict", published, {NOT_MEASURED, INCONCLUSIVE}),
            ),
            ("objectives that are met", _scorecard("Objectives that are met", met, {PASS})),
            ("objectives not measured", _scorecard("Objectives that were not measured", folded, {NOT_MEASURED})),
        ),
    )


def _sentence(findings: list[Finding]) -> Html:
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in ORDER}
    text = sentence(
        "Claims of the published report about its own set-up: {passed} of {all} hold, {failed} do not; not measured: "
        "{missing}.",
        all=str(len(findings)), passed=number(str(counts[PASS]), SECTION),
        failed=number(str(counts[FAIL]), SECTION), missing=number(str(counts[NOT_MEASURED]), SECTION),
    )  # fmt: skip
    for verdict in (INCONCLUSIVE, INVALID):
        if counts[verdict]:
            text = Html(
                f"{text} {sentence(f'{verdict.capitalize()}: {{n}}.', n=number(str(counts[verdict]), SECTION))}"
            )
    return Html(f"<p>{text}</p>")


def _scorecard(caption: str, findings: list[Finding], verdicts: set[str]) -> Html:
    chosen = sorted((each for each in findings if each.verdict in verdicts), key=lambda each: ORDER[each.verdict])
    if not chosen:
        return Html("")
    rows = [
        {
            "claim or objective": marked(in_labels(finding.claim), PUBLISHED if finding.kind in CLAIMS else SETTING),
            "verdict": Verdict(finding.verdict),
            "evidence": marked(in_labels(finding.evidence), finding.id),
        }
        for finding in chosen
    ]
    return table(pd.DataFrame(rows, dtype=object), caption)
