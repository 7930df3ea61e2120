"""The table that most sections are made of, a metric a row: published, the same set-up run here, and tuned."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any, TypeGuard

import pandas as pd

from analysis.findings.finding import Finding
from analysis.stats.confidence import Estimate
from workbench.arms import BASELINE, LABELS, MAIN_DEPLOYMENTS, TUNED
from workbench.declared_arms import DeclaredArm, declared
from workbench.display import seconds_form
from workbench.recording import Experiment, Run
from workbench.request_schema import LOOP
from workbench.server_kinds import LOOPS

from ..markup import Html
from ..numerals import SECTION, marked
from ..tables import Quantity, table

OF_SUCCESSES = "Latencies are of the successful responses."  # in the note of a table with latencies
RESPONSES_OF_SUCCESSES = "Response times are of the successful responses."  # in that of a table with response times
MEASURED_TO_PUBLISHED = "measured / published"  # the column of the ratio of a measured value to the published one
Cell = float | str | None  # a number, a text, or None where it was not measured or not published
Measure = Callable[[str], Cell]  # from the name of a deployment to a cell


@dataclass(frozen=True)
class Report:
    """The input of every section and chart."""

    experiment: Experiment
    findings: list[Finding]

    def finding(self, name: str) -> Finding | None:
        """The finding with this id."""
        return self._by_id.get(name)

    def measured(self, name: str) -> float | None:
        """The value of the finding with this id; None where it was not measured."""
        finding = self.finding(name)
        return None if finding is None else finding.effect

    def of_kind(self, *kinds: str) -> list[Finding]:
        """The findings of these kinds, in their order."""
        return [finding for finding in self.findings if finding.kind in kinds]

    @cached_property
    def arms(self) -> tuple[DeclaredArm, ...]:
        """The arms that the experiment declares, the baseline first; empty for one of a profile."""
        return declared(self.experiment.record)

    @property
    def noun(self) -> str:
        """What the page calls what is compared: an arm of a user's own, or a set-up of the published system."""
        return "arm" if self.arms else "set-up"

    @cached_property
    def _by_id(self) -> dict[str, Finding]:
        return {finding.id: finding for finding in self.findings}


@dataclass(frozen=True)
class MetricRow:
    """One metric of a comparison: its name with the unit, its published value, and the function that measures it.

    `form` is the `str.format` template of the numbers, published and measured.
    """

    name: str
    published: Cell
    measure: Measure
    form: str = "{:,.0f}"


def comparison(
    caption: str,
    metrics: Iterable[MetricRow],
    *,
    deployments: Sequence[str] = (BASELINE, TUNED),
    note: str = "",
    heading: str = "metric",
) -> Html:
    """Compare deployments with the published values: a row for each metric, named under `heading`.

    The value of as-measured is followed by its ratio to the published one, where both are numbers.
    """
    rows = []
    for metric in metrics:
        measured = {deployment: metric.measure(deployment) for deployment in deployments}
        row = {heading: metric.name, "published": _formatted(metric.published, metric.form)}
        for deployment in deployments:
            row[LABELS[deployment]] = _formatted(measured[deployment], metric.form)
            if deployment == BASELINE:
                row[MEASURED_TO_PUBLISHED] = _formatted(ratio(measured[BASELINE], metric.published), "{:.2f}")
        rows.append(row)
    return table(pd.DataFrame(rows, dtype=object), caption, note=note)


def settings_of(report: Report, deployment: str) -> dict[str, Any]:
    """The recorded settings of a deployment in the experiment; empty if it was not run."""
    runs = [run for run in report.experiment.runs if run.deployment == deployment]
    return runs[0].record["deployment"]["settings"] if runs else {}


def connections_allowed(report: Report, deployment: str) -> int | None:
    """The largest number of connections that the pools of all workers may open together; None if it was not run."""
    settings = settings_of(report, deployment)
    return settings["workers"] * (settings["pool_size"] + settings["pool_max_overflow"]) if settings else None


def first_run(report: Report, deployment: str, scenario: str) -> Run | None:
    """The first valid run of an arm."""
    return next(iter(report.experiment.find(deployment, scenario)), None)


def parts_are_apart(run: Run) -> bool:
    """False on an event loop where the wait for it was not measured: it is in every part of a request."""
    if run.record["deployment"]["settings"].get("server") not in LOOPS:
        return True
    return bool(run.rows.query(f"SELECT count({LOOP}_ms) AS known FROM measured")["known"].any())


def main_first(deployments: Iterable[str]) -> list[str]:
    """Sort deployments, each once: the main ones in the order of the page, then the others by name."""
    order = {name: position for position, name in enumerate(MAIN_DEPLOYMENTS)}
    return sorted(set(deployments), key=lambda name: (order.get(name, len(order)), name))


def ratio(numerator: Cell, denominator: Cell) -> float | None:
    """Divide two cells; None unless both are numbers and the denominator is not 0."""
    return numerator / denominator if _is_number(numerator) and _is_number(denominator) and denominator else None


def interval_suffix(estimate: Estimate, form: str) -> str:
    """` (17.2–20.7)`, ` (17.2–20.7 or wider)` where it is too narrow, or nothing where there is no interval."""
    if estimate.interval is None:
        return ""
    or_wider = " or wider" if estimate.is_lower_bound else ""
    return f" ({'–'.join(map(form.format, estimate.interval))}{or_wider})"


def with_interval(estimate: Estimate | None, form: str = "") -> Quantity | None:
    """A value that shows its interval beside it, where it has one; `∞` where it reaches into dropped arrivals.

    Without a `form` it has three digits.
    """
    if estimate is not None and math.isinf(estimate.value):
        return Quantity(estimate.value, "∞ (dropped arrivals)")
    if estimate is None:
        return None
    form = form or three_digits_form(estimate.value)
    return Quantity(estimate.value, form + interval_suffix(estimate, form))


def three_digits_form(value: float) -> str:
    """The `str.format` template for columns that hold hundredths and thousands."""
    return "{:,.0f}" if abs(value) >= 100 else "{:,.1f}" if abs(value) >= 10 else "{:,.2f}"


def three_digits(value: float | None) -> Quantity | None:
    """A number with three digits; None stays None."""
    return None if value is None else Quantity.optional(value, three_digits_form(value))


def burst_seconds(estimate: Estimate | None) -> Quantity | None:
    """A duration of a burst (s) with its interval, with the digits that it has everywhere on the page."""
    return None if estimate is None else with_interval(estimate, seconds_form(estimate.value).removesuffix(" s"))


def percent(value: float | None) -> str | None:
    """Format a share as a percentage with one decimal; None stays None."""
    return None if value is None else f"{value:.1%}"


def plural(count: int, noun: str) -> str:
    """`1 block`, `4 blocks`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def prose(text: str) -> Html:
    """A paragraph of a section's own; the text is escaped."""
    return Html(f"<p>{marked(text, SECTION)}</p>")


def beside(first: Html, second: Html) -> Html:
    """Two pieces in two columns, where the page is wide enough."""
    return Html(f'<div class="pair">\n<div>{first}</div>\n<div>{second}</div>\n</div>')


def join(*pieces: Html) -> Html:
    """Several pieces of the page, one below the other."""
    return Html("\n".join(str(piece) for piece in pieces))


def _formatted(value: Cell, form: str) -> Quantity | str | None:
    if isinstance(value, Quantity):  # it has a format of its own
        return value
    return Quantity.optional(value, form) if _is_number(value) else value if isinstance(value, str) else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)
