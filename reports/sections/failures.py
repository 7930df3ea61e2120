"""What failed, by name, for the first screen."""

from analysis.findings.finding import FAIL
from analysis.findings.resource_growth import STAYS_FLAT

from ..decision import FAILED, GROWTH, OVERLOAD, decides
from ..markup import Html
from ..numerals import marked, sentence
from .comparison import Report
from .names import CLAIMS, in_labels

TITLES = {
    "Targets missed under overload": (OVERLOAD,),
    "Resources that grow in a soak": (GROWTH,),
    "Objectives missed": ("objective",),
    "Published claims that do not hold": CLAIMS,
}


def failures(report: Report) -> Html:
    """Every objective, fault, target under overload, resource of a soak and published claim that failed, by name."""
    lines = []
    if missed := [finding for finding in report.of_kind("fault") if finding.verdict == FAIL]:
        named = "; ".join(str(marked(finding.claim.partition(":")[0])) for finding in missed)
        lines.append(f"<b>Faults with a missed target:</b> {named}.")
    for title, kinds in TITLES.items():
        failed = [finding for finding in report.of_kind(*kinds) if finding.verdict in FAILED]
        failed = [finding for finding in failed if kinds == CLAIMS or decides(finding)]
        if failed:
            form = "“{claim}”" if kinds == CLAIMS else "{claim}"
            claims = (finding.claim.partition(STAYS_FLAT)[0] for finding in failed)
            named = "; ".join(str(sentence(form, claim=in_labels(claim))) for claim in claims)
            lines.append(f"<b>{title}:</b> {named}.")
    return Html(f'<p class="failures">{"<br>".join(lines)}</p>') if lines else Html("")
