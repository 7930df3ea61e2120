"""The plans of the statements of a deployment, each beside its calls and its share of the time of requests.

A statement is executed for its plan in one run of a deployment: its calls and shares are those of that run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from workbench import statement_plans
from workbench.errors import RecordingError
from workbench.recording import Experiment, Run
from workbench.statement_plans import MIN_SHARE, StatementPlan

from .plan_comparison import PlanChange, compare
from .plan_tree import PlanNode, tree, tree_text


@dataclass(frozen=True)
class MeasuredStatement:
    """A statement with its plan, in the run of its deployment that has the plan.

    request_share: its time in the server over the time that all requests of the run spent in the application; None
        where the application did not report its times
    """

    plan: StatementPlan
    run: Run
    request_share: float | None

    @cached_property
    def nodes(self) -> list[PlanNode]:
        """The tree of its plan; empty where there is none."""
        return tree(self.plan.nodes)

    @property
    def kind(self) -> str:
        """`executed`, `generic`, or why there is no plan."""
        if not self.plan.nodes:
            return f"no plan: {self.plan.failure}"
        if self.plan.is_executed:
            return "executed"
        executed_in = self.plan.executed_in and f"executed in {self.plan.executed_in}"
        reason = self.plan.not_executed or executed_in
        return f"generic ({reason})" if reason else "generic"

    @property
    def values(self) -> str:
        """What the record shows of the values it was executed with: `word = %SB1%, limit = 50`."""
        return ", ".join(f"{name} = {value}" for name, value in self.plan.values.items())

    def text(self, change: PlanChange | None = None, *, is_after: bool = False) -> str:
        """The tree in few words; with a change, what differs is marked."""
        changed = () if change is None else change.changed_after if is_after else change.changed_before
        return tree_text(self.nodes, changed, executed=self.plan.is_executed) or self.kind


@dataclass(frozen=True)
class StatementPair:
    """One statement on two deployments; None where it was not sent, or took next to no time."""

    statement: str
    before: MeasuredStatement | None
    after: MeasuredStatement | None

    @cached_property
    def change(self) -> PlanChange | None:
        """How the plan differs; None where either side has none."""
        sides = [side.nodes if side else [] for side in (self.before, self.after)]
        return compare(*sides) if all(sides) else None

    @property
    def is_large(self) -> bool:
        """True if it took a share of `MIN_SHARE` of the database's time on either side."""
        return any(side is not None and _share(side) >= MIN_SHARE for side in (self.before, self.after))

    @property
    def is_executed(self) -> bool:
        """True if both plans were measured."""
        return all(side is not None and side.plan.is_executed for side in (self.before, self.after))


def statements_of(experiment: Experiment, deployment: str) -> dict[str, MeasuredStatement]:
    """The statements of a deployment by text, the largest share of the database's time first.

    Of several runs the first with an executed plan counts, otherwise the one in which the statement took the largest
    share. Runs whose scenario changes the data before the load have plans of their own, and do not count.
    """
    chosen: dict[str, tuple[Run, StatementPlan]] = {}
    for run, plan in _recorded(experiment, deployment):
        best = chosen.get(plan.statement)
        if best is None or _rank(plan) > _rank(best[1]):
            chosen[plan.statement] = run, plan
    times_ms = {run: application_ms(run) for run in {run for run, _ in chosen.values()}}
    statements = [
        MeasuredStatement(plan, run, plan.total_ms / time_ms if (time_ms := times_ms[run]) else None)
        for run, plan in chosen.values()
    ]
    return {each.plan.statement: each for each in sorted(statements, key=_share, reverse=True)}


def _recorded(experiment: Experiment, deployment: str) -> Iterator[tuple[Run, StatementPlan]]:
    """Yield the recorded plans of a deployment, run by run; files of another shape have none."""
    for run in experiment.runs_of(deployment):
        if run.record["scenario"].get("sql_before"):
            continue
        try:
            plans = statement_plans.read(run.directory) or ()
        except (RecordingError, OSError):
            continue
        yield from ((run, plan) for plan in plans)


def _rank(plan: StatementPlan) -> tuple[bool, bool, float]:
    """What makes a plan the one to show: that it was measured, that it is there, and the share of its statement."""
    return plan.is_executed, bool(plan.nodes), 0.0 if plan.is_executed else plan.share or 0.0


def _share(statement: MeasuredStatement) -> float:
    return statement.plan.share or 0.0


def pairs(experiment: Experiment, before: str, after: str) -> list[StatementPair]:
    """The statements of two deployments side by side, the largest share of the database's time first."""
    sides: list[Mapping[str, MeasuredStatement]] = [statements_of(experiment, name) for name in (before, after)]
    texts = dict.fromkeys([*sides[0], *sides[1]])
    result = [StatementPair(text, *(side.get(text) for side in sides)) for text in texts]
    return sorted(result, key=lambda pair: -max(_share(side) for side in (pair.before, pair.after) if side))


def application_ms(run: Run) -> float | None:
    """The time that all requests of a run spent in the application; None where it is not known."""
    if not run.is_readable() or run.defect_of("app_us"):
        return None
    total = run.rows.query("SELECT sum(app_ms) AS total_ms FROM requests")["total_ms"].iloc[0]
    return float(total) if total == total and total else None
