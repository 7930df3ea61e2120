"""The faults of an experiment with their findings, as the tables, the sentences and the cards have them."""

from collections.abc import Iterable

from analysis.faults.fault_arms import FaultArm, fault_arms
from analysis.findings.fault_findings import finding_id
from analysis.findings.finding import FAIL, INVALID, NOT_MEASURED, PASS, Finding
from workbench.arms import BASELINE, TUNED
from workbench.faults import RUN_ENDS

from .comparison import Report
from .names import set_up

ORDER = (FAIL, INVALID, PASS, NOT_MEASURED)
DECIDED = (PASS, FAIL)
Row = tuple[FaultArm, Finding]


def tuned_rows(report: Report) -> list[Row]:
    """The faults of the tuned set-up and of its variants, what fails first."""
    return sorted(_rows(report, is_published=False), key=lambda row: ORDER.index(row[1].verdict))


def published_rows(report: Report) -> list[Row]:
    """The faults of the published settings: in the order of the tuned set-up, so that both tables can be compared."""
    order = {arm.kind.name: position for position, (arm, _) in enumerate(tuned_rows(report))}
    rows = _rows(report, is_published=True)
    return sorted(rows, key=lambda row: (order.get(row[0].kind.name, len(order)), ORDER.index(row[1].verdict)))


def _rows(report: Report, *, is_published: bool) -> list[Row]:
    arms = (arm for arm in fault_arms(report.experiment) if arm.is_published == is_published)
    pairs = [(arm, report.finding(finding_id(arm))) for arm in arms]
    return [(arm, finding) for arm, finding in pairs if finding is not None]


def of_system(rows: Iterable[Row]) -> list[Row]:
    """The faults that leave the measurement alone."""
    return [row for row in rows if row[0].kind.promise != RUN_ENDS]


def of_recording(rows: Iterable[Row]) -> list[Row]:
    """The faults that end the measurement."""
    return [row for row in rows if row[0].kind.promise == RUN_ENDS]


def counts(rows: Iterable[Row]) -> tuple[int, int]:
    """The number of faults that were injected in valid runs, and the number with every target met."""
    verdicts = [finding.verdict for _, finding in rows]
    return sum(verdict in DECIDED for verdict in verdicts), verdicts.count(PASS)


def title(arm: FaultArm) -> str:
    """The fault, and the set-up where it is none of the two that have a table."""
    return arm.kind.title if arm.deployment in (TUNED, BASELINE) else f"{arm.kind.title} ({set_up(arm.deployment)})"
