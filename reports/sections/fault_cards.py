"""The cards of the first screen where an experiment put set-ups under faults, and none under a burst of users."""

from analysis.findings.finding import INVALID
from analysis.findings.overload_claims import AT_TIMES, share_id
from workbench.arms import LIMITED

from ..markup import Html
from ..numerals import MISSING, SECTION, number, of_finding, sentence
from ..tables import cards
from .comparison import Report
from .fault_rows import Row, counts, of_recording, of_system, published_rows, tuned_rows
from .fault_sentences import losses, without_verdict


def fault_cards(report: Report) -> Html:
    """Under how many faults set-ups fail cleanly and recover, what was lost, and what an overload leaves of goodput."""
    return cards(
        [
            ("Clean failure and recovery, tuned", *_clean(tuned_rows(report))),
            ("Clean failure and recovery, published settings", *_clean(published_rows(report))),
            ("Acknowledged writes lost or stored twice", *_lost(report)),
            (f"Goodput at {AT_TIMES} times the base rate", *_goodput(report)),
        ]
    )


def _clean(rows: list[Row]) -> tuple[Html, Html]:
    """The number of faults with every target met, out of those that were injected in valid runs.

    Faults that end the measurement are counted separately, as in the headline.
    """
    made, passed = counts(of_system(rows))
    if not made:
        return MISSING, sentence("no fault in a valid run")
    value = sentence("{passed} of {made}", passed=number(str(passed), SECTION), made=number(str(made), SECTION))
    details = [sentence("faults."), *without_verdict(rows)]
    if ended := of_recording(rows):
        ends, readable = (number(str(count), SECTION) for count in counts(ended))
        words = "Besides, {readable} of {ends} that end the measurement leave a record that can be read."
        details.append(sentence(words, readable=readable, ends=ends))
    return value, Html(" ".join(map(str, details)))


def _lost(report: Report) -> tuple[Html, Html]:
    written = losses(report)
    if written is None:
        return MISSING, sentence("under faults")
    detail = sentence("of {n}, in all runs under faults", n=number(f"{written.acknowledged:,}", SECTION))
    return number(str(written.lost + written.doubled), SECTION), detail


def _goodput(report: Report) -> tuple[Html, Html]:
    """What is left of the largest goodput with admission control; without a valid run that."""
    share = report.finding(share_id(LIMITED))
    if share is not None and share.verdict == INVALID:
        return sentence("no valid run"), sentence("with admission control")
    return of_finding(share, "{:.0%}"), sentence("of its maximum, with admission control")
