"""What the published report promises for when something fails, tested under faults with its settings."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.endpoints import DASHBOARD
from workbench.recording import Experiment

from ..faults.fault_arms import FaultArm, fault_arms
from . import published_report
from .finding import DO_NOT_FOLLOW, FOLLOW, Claim, Finding
from .missing_table import degraded_lines, runs_without
from .statement import Check, Statement
from .wording import counted

KIND = "published-setup"
MAX_NAMED = 3  # faults in the evidence
NOT_RUN = "no run under a fault with the published settings"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each promise, in the order of the published report."""
    for row in published_report.rows("resilience"):
        yield Statement(KIND, row.id, f"{row.section}: {row.claim}", CHECKS[row.id]).evaluate(experiment)


def high_availability(claim: Claim) -> Finding:
    """The advice for high availability: not to follow where a fault misses a target with the published settings."""
    arms = _published_arms(claim.experiment)
    if not arms:
        return claim.not_measured(NOT_RUN)
    missing = [arm for arm in arms if arm.missed]
    runs = [run for arm in arms for run, _ in arm.made]
    faults = counted(len(arms), "fault")
    text = f"{arms[0].deployment} meets this requirement: it fails cleanly under {faults}, and recovers"
    if missing:
        text = (
            f"{arms[0].deployment} does not meet this requirement, because it does not fail cleanly, or does not "
            f"recover in time, under {len(missing)} of {faults}{_named(missing)}"
        )
    verdict = DO_NOT_FOLLOW if missing else FOLLOW
    return claim.finding(verdict, text, runs, effect=float(len(missing)), bound=0.0)


def _published_arms(experiment: Experiment) -> list[FaultArm]:
    """The arms with a fault and published settings that have a run which can be judged."""
    return [arm for arm in fault_arms(experiment) if arm.is_published and arm.made]


def _named(arms: Sequence[FaultArm]) -> str:
    """The first faults with the first target that each misses."""
    if not arms:
        return ""
    named = "; ".join(f"{arm.kind.title}: {arm.missed[0]}" for arm in arms[:MAX_NAMED])
    others = f"; and {len(arms) - MAX_NAMED} more" if len(arms) > MAX_NAMED else ""
    return f" ({named}{others})"


def _transactions_are_safe(claim: Claim) -> Finding:
    """No acknowledged write is lost or doubled by a fault, and no transaction is left open."""
    judged = [pair for arm in _published_arms(claim.experiment) for pair in arm.made if pair[1].lost is not None]
    if not judged:
        return claim.not_measured(f"{NOT_RUN} in which writes were compared")
    runs = [run for run, _ in judged]
    lost, doubled = (sum(getattr(outcome, name) or 0 for _, outcome in judged) for name in ("lost", "doubled"))
    acknowledged, left_open = (
        sum((run.record.get(part) or {}).get(name) or 0 for run in runs)
        for part, name in (("writes", "acknowledged"), ("connections", "idle_in_transaction"))
    )
    text = (
        f"of {acknowledged:,} acknowledged writes in {counted(len(runs), 'run')} under faults {lost} were lost and "
        f"{doubled} stored twice; {counted(left_open, 'transaction')} stayed open"
    )
    return claim.pass_if(
        lost + doubled + left_open == 0, text, runs, effect=float(lost + doubled + left_open), bound=0.0
    )


def _tables_may_be_missing(claim: Claim) -> Finding:
    """A dashboard without a table answers with what there is, and names what is not."""
    runs = runs_without(claim.experiment)
    if not runs:
        return claim.not_measured("no run on a database that lacks a table")
    dashboards = [run.measured[run.measured["endpoint"] == DASHBOARD.name] for run in runs]
    sent, answered = sum(map(len, dashboards)), sum(int(rows["ok"].sum()) for rows in dashboards)
    named = sum(len(degraded_lines(run)) for run in runs)
    text = f"without the table bill {answered} of {sent} dashboards were answered, {named} with a number missing"
    return claim.pass_if(answered == sent > 0, text, runs, effect=float(answered), bound=float(sent))


CHECKS: Mapping[str, Check] = {
    "transaction-safety": _transactions_are_safe,
    "graceful-fallback": _tables_may_be_missing,
}
