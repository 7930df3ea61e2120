"""Query plans: how PostgreSQL executes the large statements of the published set-up, and where others do otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.deployment_plans import ExperimentPlans, MeasuredStatement, StatementPair
from analysis.findings.plan_explanations import opening
from analysis.plan_comparison import PlanChange
from analysis.plan_tree import CHANGED_MARK
from workbench.arms import BASELINE

from ..markup import Html, escaped
from ..numerals import SECTION
from ..tables import Quantity, table
from .comparison import Report, join, main_first, percent, plural, prose
from .names import set_up

TEXT = (
    "Statements with at least 5 % of the database's time were executed once more after a load, with values that it "
    "had sent, and rolled back. ≠ marks the nodes that differ. Rows are those of one loop; estimated rows stand where "
    "they are wrong by a factor of 10 or more. Blocks: hit in memory, or read."
)
NOTE = "Calls and share are of the run whose statement was executed; the time is that of one execution, no interval."


@dataclass
class _Plan:
    """A plan of a statement, with the deployments that have it; the one of the baseline has no `change` of its own.

    `same_as_before` are those that execute the statement as the baseline does.
    """

    statement: MeasuredStatement
    deployments: list[str]
    change: PlanChange | None = None
    is_after: bool = False
    has_same_values: bool = False
    same_as_before: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.statement.nodes)

    def label(self) -> str:
        """Its set-ups in words."""
        names = ", ".join(map(set_up, self.deployments))
        return f"{names}, and {plural(len(self.same_as_before), 'other')} alike" if self.same_as_before else names


def query_plans(report: Report) -> Html:
    """A table of the large statements with calls, share and time, and the tree of each plan."""
    plans = _plans(report)
    if not plans:
        return Html("")
    rows = [_row(text, plan) for text, group in plans.items() for plan in group]
    trees = [_tree(text, plan) for text, group in plans.items() for plan in group]
    return join(
        prose(TEXT), table(pd.DataFrame(rows, dtype=object), "Large statements and their plans", note=NOTE), *trees
    )


def _plans(report: Report) -> dict[str, list[_Plan]]:
    """The plans of each large statement, equal ones once: that of the baseline first."""
    plans: dict[str, list[_Plan]] = {}
    deployments = {run.deployment for run in report.experiment.usable}
    if BASELINE not in deployments:
        return plans
    recorded = ExperimentPlans(report.experiment)
    for deployment in main_first(deployments - {BASELINE}) or [BASELINE]:
        for pair in recorded.pairs(BASELINE, deployment):
            if pair.is_large and any(side and side.nodes for side in (pair.before, pair.after)):
                _add(plans.setdefault(pair.statement, []), pair, deployment)
    return plans


def _add(group: list[_Plan], pair: StatementPair, deployment: str) -> None:
    """Add what the deployment has to the plans of a statement."""
    if pair.before and not group:
        group.append(_Plan(pair.before, [BASELINE]))
    if pair.after is None or deployment == BASELINE or not pair.after.nodes:
        return
    if pair.change and pair.change.is_same:
        group[0].same_as_before.append(deployment)
        return
    if pair.before and pair.change and group[0].change is None:
        # The marks are those of this pair's plan: another run may have executed the statement with other values.
        group[0].statement, group[0].change = pair.before, pair.change
    added = _Plan(pair.after, [deployment], pair.change, is_after=True, has_same_values=pair.is_measured)
    alike = next((plan for plan in group if plan.is_after and plan.shape == added.shape), None)
    if alike:
        alike.deployments.append(deployment)
    else:
        group.append(added)


def _row(text: str, plan: _Plan) -> dict:
    measured = plan.statement
    return {
        "statement; set-up": f"{opening(text)}; {plan.label()}",
        "calls": measured.plan.calls,
        "of the time of requests": percent(measured.request_share),
        "one execution (ms)": Quantity.optional(measured.plan.execution_ms, "{:,.1f}"),
        "reads": _reading(plan),
    }


def _reading(plan: _Plan) -> str | None:
    """What a plan reads in another way than the baseline; what differs may also come from other values."""
    if plan.change is None or not plan.is_after:
        return None
    return plan.change.sentence() if plan.has_same_values else f"with other values: {plan.change.sentence()}"


def _tree(text: str, plan: _Plan) -> Html:
    """A plan under the name of its statement and set-ups."""
    lines = plan.statement.text(plan.change, is_after=plan.is_after).splitlines()
    return join(prose(f"{opening(text)}; {plan.label()}; {plan.statement.kind}:"), _preformatted(lines))


def _preformatted(lines: Iterable[str] | Sequence[str]) -> Html:
    shown = (f"<b>{escaped(line)}</b>" if line.startswith(CHANGED_MARK) else escaped(line) for line in lines)
    content = "\n".join(shown)
    return Html(f'<pre tabindex="0" data-source="{SECTION}"><code>{content}</code></pre>')
