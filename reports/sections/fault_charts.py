"""Charts of runs under faults: rate and latency over time, with the fault as a band."""

from collections.abc import Sequence

from analysis.faults.bands_of_run import fault_bands
from analysis.faults.fault_arms import FaultArm
from analysis.figures.load_over_time import load_over_time
from analysis.metrics import run_metrics
from workbench.recording import Run
from workbench.request_schema import WARM_UP

from ..markup import Html
from ..svg import inline
from ..tables import remark
from .comparison import join
from .names import set_up

WIDTH_S = 0.5
NOTE = (
    f"Intervals of {WIDTH_S:g} s, by the time of the send; the fault has a red ground. What misses a target comes "
    "first, then the longest requests."
)


def charts(arms: Sequence[FaultArm], number: int) -> Html:
    """A chart for each fault that misses a target, then for those with the longest requests, so many in all."""
    made = [arm for arm in arms if arm.worst is not None and fault_bands(_run(arm))]
    if not made:
        return Html("")
    return join(remark(NOTE), *(_chart(arm) for arm in sorted(made, key=_urgency)[:number]))


def _urgency(arm: FaultArm) -> tuple[int, float]:
    longest_ms = arm.worst.longest_ms if arm.worst else None
    return -len(arm.missed), -(longest_ms or 0.0)


def _run(arm: FaultArm) -> Run:
    """The run of the worst outcome."""
    return next(run for run, outcome in arm.made if outcome is arm.worst)


def _chart(arm: FaultArm) -> Html:
    run = _run(arm)
    rows, width_s = run_metrics.over_time(run, WIDTH_S)
    load_s = _load_start_s(run)
    rows = rows[rows["at_s"] >= load_s].assign(at_s=lambda rows: rows["at_s"] - load_s)
    bands = [band._replace(start_s=band.start_s - load_s, end_s=band.end_s - load_s) for band in fault_bands(run)]
    return inline(
        lambda: load_over_time(rows, width_s, faults=bands, since="the load began"),
        f"{arm.scenario}-{arm.deployment}",
        f"{arm.kind.title}, {set_up(arm.deployment)}",
        f"Run {run.name}.",
    )


def _load_start_s(run: Run) -> float:
    """When the load began, after the logins of the users: the start of an interval, in s since the first request."""
    phases = run_metrics.phases(run).set_index("phase")["start_s"]
    return float(phases.get(WARM_UP, 0.0)) // WIDTH_S * WIDTH_S
