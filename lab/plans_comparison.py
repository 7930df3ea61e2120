"""The plans of two deployments side by side, with the nodes that differ marked."""

from typing import Any

import ipywidgets
import pandas as pd

from analysis.deployment_plans import ExperimentPlans, MeasuredStatement, StatementPair
from analysis.plan_comparison import PlanChange
from workbench import display
from workbench.recording import Experiment

from . import plot_style, texts
from .plans_view import preformatted, shortened
from .shown import Shown, paragraphs, widget_bundle
from .table_view import table_widget

COLUMNS = ["statement", "side", "run", "calls", "of_requests", "executed_ms", "kind", "changed", "plan"]
NUMBERS = [name for name in COLUMNS if name not in ("changed", "plan")]
READING = (
    "≠ marks what differs. Rows are those of one loop; a number of estimated rows stands where it is wrong by a factor "
    "of 10 or more. Blocks: hit in memory, or read. Times are of one execution after the load."
)


class PlansComparison(Shown):
    """The large statements of two deployments, each with both plans.

        plans = exp.plans("as-measured", "tuned")
        plans.table[["statement", "side", "calls", "of_requests", "kind"]]
        print(plans)

    `table` has a row for each statement and side. `of_requests` is the share of the statement in the time of all
    requests in the application, `executed_ms` the time of the execution behind the plan, `changed` what reads in
    another way.
    """

    @property
    def widget(self) -> ipywidgets.VBox:
        """A new widget: sentences, numbers, and a fold for each statement with both plans."""
        parts: list[Any] = [ipywidgets.HTML(paragraphs(self.sentences))]
        if not self.table.empty:
            statements = [group for _, group in self.table.groupby("statement", sort=False)]
            folds = ipywidgets.Accordion([_both(group) for group in statements])
            for number, group in enumerate(statements):
                folds.set_title(number, shortened(group["statement"].iloc[0]))
            parts += [table_widget(self.table[NUMBERS]), folds]
        return plot_style.styled(parts)

    def __repr__(self) -> str:
        plans = (f"\n{row.statement}\n{row.side}, {row.kind}:\n{row.plan}" for row in self.table.itertuples())
        return "\n".join([display.text(self.sentences, self.table[NUMBERS]), *plans])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        plans = "".join(preformatted(f"{row.side}, {row.kind}:\n{row.plan}") for row in self.table.itertuples())
        html = display.html(self.sentences, self.table[NUMBERS]) + plans
        return {"text/plain": repr(self), "text/html": html, **widget_bundle(self.widget)}


def _both(group: pd.DataFrame) -> ipywidgets.Widget:
    """Both plans of a statement beside each other; below each other where the cell is narrow."""
    sides = [ipywidgets.HTML(preformatted(f"{row.side}, {row.kind}:\n{row.plan}")) for row in group.itertuples()]
    return ipywidgets.HBox(sides, layout={"flex_flow": "row wrap"})


def compared(experiment: Experiment, before: str, after: str) -> PlansComparison:
    """The statements with a twentieth of the database's time on either deployment."""
    large = [pair for pair in ExperimentPlans(experiment).pairs(before, after) if pair.is_large]
    table = pd.DataFrame([row for pair in large for row in _rows(pair, before, after)], columns=COLUMNS)
    if not large:
        sentence = f"No plan was recorded of a large statement of {before} or {after}."
        return PlansComparison([sentence], table)
    return PlansComparison([_headline(large, before, after), *_changes(large), READING], table)


def _rows(pair: StatementPair, before: str, after: str) -> list[tuple[Any, ...]]:
    sides = ((before, pair.before, False), (after, pair.after, True))
    return [_row(pair, name, side, is_after) for name, side, is_after in sides if side]


def _row(pair: StatementPair, name: str, side: MeasuredStatement, is_after: bool) -> tuple[Any, ...]:
    change = pair.change
    return (
        pair.statement, name, side.run.name, side.plan.calls, side.request_share, side.plan.execution_ms, side.kind,
        change.sentence() if change else "", _plan_text(side, change, is_after),
    )  # fmt: skip


def _plan_text(side: MeasuredStatement, change: PlanChange | None, is_after: bool) -> str:
    tree = side.text(change, is_after=is_after)
    return f"with {side.values}\n{tree}" if side.values else tree


def _headline(large: list[StatementPair], before: str, after: str) -> str:
    changed = sum(pair.change is not None and not pair.change.is_same for pair in large)
    alone = sum(pair.before is None or pair.after is None for pair in large)
    counted = texts.counted(len(large), "large statement")
    return f"{counted} of {before} and {after}: {changed} with another plan, {alone} on one side only."


def _changes(large: list[StatementPair]) -> list[str]:
    return [
        f"{shortened(pair.statement)}{_caveat(pair)}: {pair.change.sentence()}."
        for pair in large
        if pair.change is not None and not pair.change.is_same
    ]


def _caveat(pair: StatementPair) -> str:
    """That two plans may differ for another reason than the deployments."""
    return "" if pair.is_measured else " (not executed with the same values)"
