"""What another deployment would do: what was foretold before it ran, and what came of it."""

from statistics import median

import pandas as pd

from analysis.capacity import Found
from analysis.foretold import Outcome, outcomes

from ..tables import Html, Quantity, table
from .capacity import LOADS
from .comparison import Report, join, prose

SIGNED = "{:+.0%}"


def what_if(report: Report) -> Html:
    """The capacity and the latencies that were foretold of each deployment, beside what was measured then."""
    made = outcomes(report.experiment)
    if not made:
        return prose("Nothing was foretold in this experiment; make report PROFILE=what-if does, and then runs it.")
    return join(prose(_told(made)), _capacities(made), _points(made))


def _told(made: list[Outcome]) -> str:
    """How good the predictions were, over all of them."""
    errors = [abs(outcome.error) for outcome in made if outcome.error is not None]
    within = sum(not error for error in errors)
    text = f"Of {len(errors)} capacities that were foretold and found, {within} lie in the measured bracket"
    if errors and max(errors):
        text += f"; the others miss it by up to {max(errors):.0%}"
    below = [
        abs(point.error)
        for outcome in made
        for point in outcome.points
        if point.foretold.load < outcome.capacity and point.error is not None
    ]
    if below:
        text += (
            f". Below the foretold capacity, p95 of the slowest endpoint was foretold to {median(below):.0%} (median)"
        )
    return f"{text}."


def _capacities(made):
    rows = [
        {
            "deployment": outcome.found.deployment,
            "known from": outcome.base,
            "change": _changes(outcome.changes),
            "load": LOADS[outcome.found.family],
            "foretold": Quantity(outcome.capacity, "{:,.0f}"),
            "measured": _bracket(outcome.found),
            "error": "within" if outcome.error == 0 else Quantity.of(outcome.error, SIGNED),
        }
        for outcome in made
    ]
    note = (
        f"The largest load under which p95 of every endpoint is below {made[0].found.p95_ms:g} ms. Foretold by "
        "simulation from one run of another deployment under a small load, and written down before the first run of "
        "this one. Measured are the largest load that held and the smallest that did not; the error is to the nearer."
    )
    return table(pd.DataFrame(rows, dtype=object), "What another deployment holds", note=note)


def _changes(changes):
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in changes.items()) or "none"


def _bracket(found: Found) -> str:
    ends = found.bracket.certified, found.bracket.refuted
    return "–".join("?" if end is None else f"{end:,.0f}" for end in ends)


def _points(made):
    rows = [
        {
            "run": f"{point.run.deployment}, {point.run.scenario}",
            "slowest endpoint": point.slowest,
            "p95, foretold (ms)": Quantity(point.foretold_ms, "{:,.0f}"),
            "p95, measured (ms)": Quantity.of(point.measured_ms, "{:,.0f}"),
            "error of p95": Quantity.of(point.error, SIGNED),
            "mean, foretold (ms)": Quantity(point.foretold.mean_ms, "{:,.1f}"),
            "mean, measured (ms)": Quantity(float(point.run.totals["mean_ms"]), "{:,.1f}"),
        }
        for outcome in made
        for point in outcome.points
    ]
    note = (
        "One run each, no interval. At the capacity itself, and beyond it, a percent of load changes the latency by "
        "much, so errors there are large whenever that of the capacity is not nothing."
    )
    return table(pd.DataFrame(rows, dtype=object), "The loads that were foretold, and run", note=note)
