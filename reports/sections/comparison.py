"""The table that every section is made of: a figure a row, published beside reproduced beside tuned."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from numbers import Real

import pandas as pd

from analysis.findings.finding import Finding
from analysis.stats.confidence import Estimate
from workbench.recording import Experiment, Run

from ..tables import Html, Quantity, table

BASE, CLAIMED, OURS = "as-measured", "as-claimed", "tuned"
MAIN = (BASE, CLAIMED, "as-advised", "gevent-blocking", OURS)
COLUMNS = {BASE: "reproduced", CLAIMED: "as claimed", OURS: "tuned"}


@dataclass(frozen=True)
class Report:
    """What the page is made of."""

    experiment: Experiment
    findings: list[Finding]


@dataclass(frozen=True)
class Line:
    """One figure: its name with the unit, what was published (None: nothing), and how a deployment's is measured.

    `measure` takes the deployment's name and gives a number, a text, or None where it was not measured. `form` is
    the format of the numbers, published and measured.
    """

    name: str
    published: float | str | None
    measure: Callable[[str], float | str | None]
    form: str = "{:,.0f}"


def comparison(
    caption: str,
    lines: Iterable[Line],
    *,
    deployments: Sequence[str] = (BASE, OURS),
    note: str = "",
    of: str = "figure",
) -> Html:
    """The lines as a table; after the reproduced figure comes its ratio to the published one, if both are numbers."""
    rows = []
    for line in lines:
        measured = {deployment: line.measure(deployment) for deployment in deployments}
        row = {of: line.name, "published": _shown(line.published, line.form)}
        for deployment in deployments:
            row[COLUMNS[deployment]] = _shown(measured[deployment], line.form)
            if deployment == BASE:
                row["reproduced / published"] = _shown(ratio(measured[BASE], line.published), "{:.2f}")
        rows.append(row)
    return table(pd.DataFrame(rows, dtype=object), caption, note=note)


def settings_of(report: Report, deployment: str) -> dict:
    """The recorded settings of a deployment in the experiment; empty if it was not run."""
    runs = [run for run in report.experiment.runs if run.deployment == deployment]
    return runs[0].record["deployment"]["settings"] if runs else {}


def connections_allowed(report: Report, deployment: str) -> int | None:
    """What the pools of all workers may open together."""
    settings = settings_of(report, deployment)
    return settings["workers"] * (settings["pool_size"] + settings["pool_max_overflow"]) if settings else None


def first_run(report: Report, deployment: str, scenario: str) -> Run | None:
    """The first valid run of an arm."""
    return next(iter(report.experiment.find(deployment, scenario)), None)


def main_first(deployments: Iterable[str]) -> list[str]:
    """Each deployment once: the main ones in the order of the page, then the others by name."""
    order = {name: place for place, name in enumerate(MAIN)}
    return sorted(set(deployments), key=lambda name: (order.get(name, len(order)), name))


def ratio(ours: object, theirs: object) -> float | None:
    """Ours over theirs; None unless both are numbers and theirs is not 0."""
    return ours / theirs if _is_number(ours) and _is_number(theirs) and theirs else None


def seconds(value: float | None) -> str | None:
    return None if value is None or pd.isna(value) else f"{value:.2f} s"


def interval_of(estimate: Estimate, form: str) -> str:
    """` (17.2–20.7)`, or nothing where there is no interval."""
    return "" if estimate.interval is None else f" ({'–'.join(map(form.format, estimate.interval))})"


def with_interval(estimate: Estimate | None, form: str) -> Quantity | None:
    """A figure that shows its interval beside it, where it has one."""
    return None if estimate is None else Quantity(estimate.value, form + interval_of(estimate, form))


def percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.1%}"


def prose(text: str) -> Html:
    return Html(f"<p>{escape(text)}</p>")


def join(*pieces: Html) -> Html:
    return Html("\n".join(str(piece) for piece in pieces))


def _shown(value, form):
    if isinstance(value, Quantity):  # it brings its own
        return value
    return Quantity.of(value, form) if _is_number(value) else value if isinstance(value, str) else None


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool) and not pd.isna(value)
