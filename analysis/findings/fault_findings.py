"""What each fault did to a set-up: pass where all targets are met in every run of it, see `analysis.faults`."""

from collections.abc import Iterator

from workbench.faults import RUN_ENDS
from workbench.recording import Experiment

from ..faults.fault_arms import FaultArm, fault_arms
from ..faults.fault_targets import EXPECTED, MAX_RECOVERY_MS, MAX_REQUEST_MS
from ..faults.fault_wording import outcome_line
from .finding import FAIL, INVALID, PASS, Claim, Finding
from .wording import counted

KIND, PUBLISHED_KIND = "fault", "published-fault"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each arm with a fault, also for an arm that was left out."""
    for arm in fault_arms(experiment):
        yield evaluate(arm)


def finding_id(arm: FaultArm) -> str:
    """The id of the finding of an arm."""
    return f"{arm.scenario}-{arm.deployment}"


def evaluate(arm: FaultArm) -> Finding:
    """The finding of an arm: *not measured* where it was not run or its fault could not be made."""
    claim = Claim(arm.experiment, PUBLISHED_KIND if arm.is_published else KIND, finding_id(arm), _claim(arm))
    if arm.not_run:
        return claim.not_measured(f"not run: {arm.not_run}")
    if arm.invalid:
        return claim.finding(INVALID, arm.invalid)
    if arm.worst is None:
        return claim.not_measured("no run of it")
    runs, missed = [run for run, _ in arm.made], arm.missed
    text = f"missed: {'; '.join(missed)}. " if missed else ""
    if len(runs) > 1:
        text += f"Worst of {counted(len(runs), 'run')}: "
    return claim.finding(
        FAIL if missed else PASS, f"{text}{outcome_line(arm.worst)}", runs, effect=float(len(missed)), bound=0.0
    )


def _claim(arm: FaultArm) -> str:
    expected = EXPECTED[arm.kind.promise]
    if arm.kind.promise == RUN_ENDS:
        return f"{arm.kind.title}, {arm.deployment}: {expected}"
    return (
        f"{arm.kind.title}, {arm.deployment}: {expected}, no request takes over {MAX_REQUEST_MS / 1000:.0f} s, p95 is "
        f"back within {MAX_RECOVERY_MS / 1000:.0f} s, and nothing is leaked or lost"
    )
