"""What another deployment would do: what was foretold before it ran, and what came of it."""

from statistics import median

import pandas as pd

from analysis.capacity import predictions
from analysis.capacity.bracket import UNITS, Found
from analysis.capacity.predictions import Outcome, outcomes

from ..tables import Html, Quantity, table
from .comparison import Report, join, prose

SIGNED = "{:+.0%}"


def what_if(report: Report) -> Html:
    """The capacity and the latencies that were foretold of each deployment, beside what was measured then."""
    made, (_, wrong) = outcomes(report.experiment), predictions.read(report.experiment)
    refused = [prose(f"Not counted: {'; '.join(wrong)}.")] if wrong else []
    refused += [prose(f"{text[0].upper()}{text[1:]}.") for text in report.experiment.record.get("unforeseen") or []]
    if not made and not refused:
        none = "This experiment has nothing that was foretold and then run; make report PROFILE=what-if has."
        return prose(none)
    if not made:
        return join(*refused)
    return join(prose(_told(made)), *refused, _capacities(made), _points(made))


def _told(made: list[Outcome]) -> str:
    """How good the predictions were, over all of them."""
    found = [outcome for outcome in made if outcome.errors]
    text = "Of no capacity that was foretold both ends of the measured bracket are known"
    if found:
        within = sum(outcome.is_within for outcome in found)
        most = max(abs(error) for outcome in found for error in outcome.errors)
        text = (
            f"{within} of {len(found)} foretold capacities lie in the measured bracket, and none is off by more than "
            f"{most:.0%} of what is measured, wherever in its bracket that is"
        )
        if open_ := len(made) - len(found):
            text += f"; of {open_} more no bracket with both ends was found"
    # A load that was run in several blocks was foretold once.
    below = {
        (outcome.found.deployment, point.foretold.load): abs(point.error)
        for outcome in made
        for point in outcome.points
        if point.foretold.load < outcome.capacity
    }
    if below:
        off = median(below.values())
        text += f". Below the foretold capacity p95 of the slowest endpoint was off by {off:.0%} (median)"
    return f"{text}."


def _capacities(made):
    rows = [
        {
            "deployment": outcome.found.deployment,
            "known from": outcome.base,
            "change": _changes(outcome.changes),
            "of": UNITS[outcome.found.family],
            "foretold": Quantity(outcome.capacity, "{:,.0f}"),
            "measured": _bracket(outcome.found),
            "error": outcome.errors and " to ".join(map(_signed, outcome.errors)),
        }
        for outcome in made
    ]
    first = made[0].found
    runs = "in one run each" if first.blocks == 1 else f"in {first.blocks} blocks each"
    note = (
        "Users think for 1–3 s, requests a second are open load. The largest load under which p95 of every endpoint is "
        f"below {first.p95_ms:g} ms. Foretold by simulation from "
        "one run of the deployment that it is known from, under a small load, and written down before any run of this "
        f"search. Measured, {runs}, are the largest load that held and the smallest that did not; the error is to "
        "both, as the capacity is somewhere between them."
    )
    return table(pd.DataFrame(rows, dtype=object), "What another deployment holds", note=note)


def _changes(changes):
    off = changes.get("cache", ("", ""))[1] == "off"  # how long nothing lives is no change
    told = {name: ends for name, ends in changes.items() if not (off and name.startswith("cache_"))}
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in told.items()) or "none"


def _signed(error):
    text = SIGNED.format(error)
    return "0%" if text in ("+0%", "-0%") else text


def _bracket(found: Found) -> str:
    ends = found.bracket.certified, found.bracket.refuted
    return "–".join("?" if end is None else f"{end:,.0f}" for end in ends)


def _points(made):
    rows = [
        {
            "run": point.run.name,
            "load": Quantity(point.foretold.load, "{:,.0f}"),
            "p95 of the slowest, foretold (ms)": Quantity(point.foretold_ms, "{:,.0f}"),
            "measured (ms)": Quantity(point.measured_ms, "{:,.0f}"),
            "error": Quantity(point.error, SIGNED),
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
