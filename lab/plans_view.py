"""The plans of a run's statements: what the server read for them, and which tables it reads whole."""

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import pandas as pd

from analysis.deployment_plans import MeasuredStatement, measured_statements
from analysis.query_plans import MIN_ROWS, Scan, plan_text, whole_scans
from workbench import display, statement_plans
from workbench.recording import Run
from workbench.statement_plans import StatementPlan
from workbench.text_cleaning import Target, cleaned

from . import plot_style, texts
from .shown import Shown, paragraphs, widget_bundle
from .table_view import table_widget

COLUMNS = ["statement", "calls", "mean_ms", "total_ms", "of_requests", "kind", "plan"]
MAX_STATEMENT = 70  # characters of a statement in a sentence or a title
EXECUTED = (
    "Statements with a twentieth of the database's time were executed after the load, with values of a slow execution "
    "that the load sent, and rolled back. The other plans are generic, for any values: the plan that ran may have been "
    "another one, and its rows are estimates."
)


class PlansView(Shown):
    """The statements on which the database spent the most time, each with its plan.

        plans = run.plans()
        plans.table[["statement", "calls", "mean_ms", "of_requests"]]
        print(plans.table["plan"].iloc[0])

    Times are those of the server, in ms. `of_requests` is the statement's share of the time of all requests in the
    application; `kind` says whether its plan was executed.
    """

    @property
    def widget(self) -> ipywidgets.VBox:
        """A new widget: sentences, the statements as a table, and each plan in a fold."""
        parts: list[Any] = [ipywidgets.HTML(paragraphs(self.sentences))]
        if not self.table.empty:
            folds = ipywidgets.Accordion([ipywidgets.HTML(preformatted(str(plan))) for plan in self.table["plan"]])
            for number, statement in enumerate(self.table["statement"]):
                folds.set_title(number, shortened(statement))
            parts += [table_widget(self._without_plans()), folds]
        return plot_style.styled(parts)

    def __repr__(self) -> str:
        plans = (f"\n{row.statement}\n{row.plan}" for row in self.table.itertuples())
        return "\n".join([display.text(self.sentences, self._without_plans()), *plans])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        plans = "".join(
            f"<p>{cleaned(row.statement, Target.HTML)}</p>{preformatted(str(row.plan))}"
            for row in self.table.itertuples()
        )
        html = display.html(self.sentences, self._without_plans()) + plans
        return {"text/plain": repr(self), "text/html": html, **widget_bundle(self.widget)}

    def _without_plans(self) -> pd.DataFrame:
        return self.table.drop(columns="plan")


def plans(run: Run) -> PlansView:
    """The plans of a run's statements. Raises `RecordingError` where their file is of another shape."""
    recorded = statement_plans.read(run.directory)
    if recorded is None:
        sentence = f"No plan was recorded in {run.name}: {_absence(run)}."
        return PlansView([sentence], pd.DataFrame(columns=COLUMNS))
    table = pd.DataFrame([_row(measured) for measured in measured_statements(run, recorded)], columns=COLUMNS)
    return PlansView(_sentences(run, recorded), table)


def _row(measured: MeasuredStatement) -> tuple[Any, ...]:
    plan = measured.plan
    text = plan_text(plan.nodes) if plan.nodes else f"not planned: {plan.failure}"
    text = f"with {measured.values}\n{text}" if measured.values else text
    return plan.statement, plan.calls, plan.mean_ms, plan.total_ms, measured.request_share, measured.kind, text


def _absence(run: Run) -> str:
    """Why a run has no plans."""
    if not (run.database["source"] == "statement").any():
        return "its application did not use the workbench's own PostgreSQL, or sent no statement"
    return "it was measured by a version that recorded none"


def _sentences(run: Run, recorded: Sequence[StatementPlan]) -> list[str]:
    failed = sum(not plan.nodes for plan in recorded)
    unplanned = [f"{texts.counted(failed, 'statement')} could not be planned; the reason stands in its place."]
    return [
        f"The {texts.counted(len(recorded), 'statement')} on which the database spent the most time in {run.name}.",
        *_scan_sentences(whole_scans(recorded, _rows(run))),
        *(unplanned if failed else []),
        *_not_executed(recorded),
        EXECUTED,
    ]


def _not_executed(recorded: Sequence[StatementPlan]) -> list[str]:
    """Why plans of large statements are generic, and where those are that were executed before."""
    return [
        *(
            f"{shortened(plan.statement)} was not executed: {plan.not_executed}."
            for plan in recorded
            if plan.not_executed
        ),
        *(f"{shortened(plan.statement)} was executed in {plan.executed_in}." for plan in recorded if plan.executed_in),
    ]


def _scan_sentences(scans: Sequence[Scan]) -> list[str]:
    if not scans:
        return [f"None of these plans reads a table of {MIN_ROWS:,} rows or more whole."]
    return [f"{shortened(scan.statement)} {_reading(scan)}." for scan in scans]


def _reading(scan: Scan) -> str:
    if scan.order_index:
        return f"walks {scan.table} ({scan.rows:,} rows) in the order of {scan.order_index} until it has enough rows"
    return f"reads {scan.table} ({scan.rows:,} rows) by a sequential scan"


def _rows(run: Run) -> Mapping[str, int]:
    counts = run.record["dataset"].get("counts")
    return counts if isinstance(counts, dict) else {}


def shortened(statement: str) -> str:
    """The beginning of a statement, for a sentence or a title."""
    return statement if len(statement) <= MAX_STATEMENT else f"{statement[: MAX_STATEMENT - 1]}…"


def preformatted(plan: str) -> str:
    """A plan as HTML that keeps its lines."""
    lines = (cleaned(line, Target.HTML) for line in plan.splitlines())
    return f"<pre>{'<br>'.join(lines)}</pre>"
