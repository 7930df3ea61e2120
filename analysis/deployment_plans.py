"""The plans of the statements of a deployment, each beside its calls and its share of the time of requests.

A statement is executed for its plan in one run of a deployment: its calls and shares are those of that run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import product

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
    def is_measured(self) -> bool:
        """True if both plans were executed with the same values: then a difference comes from the deployments."""
        before, after = self.before, self.after
        return before is not None and after is not None and _have_same_values(before.plan, after.plan)


class ExperimentPlans:
    """The plans of an experiment, each file read once.

    Runs whose scenario changes the data before the load have plans of their own, and do not count.
    """

    def __init__(self, experiment: Experiment):
        self._experiment = experiment
        self._deployments: dict[str, dict[str, list[MeasuredStatement]]] = {}

    def statements(self, deployment: str) -> dict[str, MeasuredStatement]:
        """The statements of a deployment by text, the largest share of the database's time first.

        Of several runs the first with an executed plan counts, otherwise the one with the largest share.
        """
        best = {text: max(candidates, key=_rank) for text, candidates in self._candidates(deployment).items()}
        return dict(sorted(best.items(), key=lambda item: -_share(item[1])))

    def pairs(self, before: str, after: str) -> list[StatementPair]:
        """The statements of two deployments side by side, the largest share of the database's time first.

        Plans that were executed with the same values come before others.
        """
        chosen: list[Mapping[str, MeasuredStatement]] = [self.statements(name) for name in (before, after)]
        result = [
            self._measured_pair(text, before, after) or StatementPair(text, *(side.get(text) for side in chosen))
            for text in dict.fromkeys([*chosen[0], *chosen[1]])
        ]
        return sorted(result, key=lambda pair: -max(_share(side) for side in (pair.before, pair.after) if side))

    def _measured_pair(self, text: str, before: str, after: str) -> StatementPair | None:
        """The pair of executed plans with the same values; of several the one with the largest shares."""
        sides = (self._candidates(name).get(text, []) for name in (before, after))
        pairs = [StatementPair(text, *pair) for pair in product(*sides)]
        return max((pair for pair in pairs if pair.is_measured), key=_sum_of_shares, default=None)

    def _candidates(self, deployment: str) -> dict[str, list[MeasuredStatement]]:
        """What the runs of a deployment recorded of each statement, by text."""
        if deployment not in self._deployments:
            candidates: dict[str, list[MeasuredStatement]] = {}
            for measured in self._read(deployment):
                candidates.setdefault(measured.plan.statement, []).append(measured)
            self._deployments[deployment] = candidates
        return self._deployments[deployment]

    def _read(self, deployment: str) -> Iterator[MeasuredStatement]:
        """Yield the recorded plans of a deployment, run by run; files of another shape have none."""
        for run in self._experiment.runs_of(deployment):
            if run.record["scenario"].get("sql_before"):
                continue
            with suppress(RecordingError, OSError):
                yield from measured_statements(run, statement_plans.read(run.directory) or ())


def measured_statements(run: Run, plans: Sequence[StatementPlan]) -> list[MeasuredStatement]:
    """The plans of a run, with the shares of their statements in the time of requests."""
    time_ms = application_ms(run) if plans else None
    return [MeasuredStatement(plan, run, plan.total_ms / time_ms if time_ms else None) for plan in plans]


def _have_same_values(before: StatementPlan, after: StatementPlan) -> bool:
    return before.is_executed and after.is_executed and before.values == after.values


def _rank(measured: MeasuredStatement) -> tuple[bool, bool, float]:
    """What makes a plan the one to show: that it was executed, that it is there, and the share of its statement."""
    plan = measured.plan
    return plan.is_executed, bool(plan.nodes), 0.0 if plan.is_executed else plan.share or 0.0


def _sum_of_shares(pair: StatementPair) -> float:
    return sum(_share(side) for side in (pair.before, pair.after) if side)


def _share(statement: MeasuredStatement) -> float:
    return statement.plan.share or 0.0


def application_ms(run: Run) -> float | None:
    """The time that all requests of a run spent in the application; None where it is not known."""
    if not run.is_readable() or run.defect_of("app_us"):
        return None
    total = run.rows.answer("SELECT sum(app_sum) / 1000 AS total_ms FROM cells", cells=run.rows.cells)["total_ms"].iloc[
        0
    ]
    return float(total) if total == total and total else None
