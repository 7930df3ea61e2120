"""How much load each deployment holds: the loads that were tried, and the bracket that they leave."""

import math
from collections.abc import Iterator

import pandas as pd

from analysis import bottleneck
from analysis.capacity.bracket import Found, found
from analysis.capacity.predictions import Outcome, outcomes
from analysis.findings import explanations
from analysis.queueing import closed_load

from ..tables import Html, Quantity, table
from .comparison import Report, join, main_first, prose

LOADS = {"open": "open, requests a second", "sustained": "closed, users with 1–3 s of think time"}


def capacity(report: Report) -> Html:
    """A row for each search: the largest load that held, the smallest that did not, and what gave way there."""
    searches = found(report.experiment)
    if not searches:
        return prose("A search for it was no part of this experiment; make report PROFILE=capacity makes one.")
    foretold = {(of.found.deployment, of.found.family): of for of in outcomes(report.experiment)}
    rows = [_row(report.experiment, search, foretold.get((search.deployment, search.family))) for search in searches]
    held = table(pd.DataFrame(rows, dtype=object), "How much each deployment holds", note=_note(searches))
    return join(held, *_predicted(report, {search.deployment for search in searches if search.family == "sustained"}))


def _note(searches):
    blocks = max(search.blocks for search in searches)
    times = "in one run, so there is no interval"
    if blocks > 1:
        times = (
            f"once in each of {blocks} blocks, and held in all of them or in none (a load that holds in half of its "
            f"runs would do the one once in {2**blocks}, and the other as seldom)"
        )
    return (
        "A load holds if no request failed or stayed unsent, and p95 of every endpoint was under "
        f"{searches[0].p95_ms:g} ms, from when a request was due. Both figures were tried, each {times}; nothing is "
        "said of loads that were not tried. Where no load is known that does not hold, the search had come to its end "
        "or to what the load generator, on the same cores, can make. Foretold by simulation from a small load, before "
        "the search."
    )


def _predicted(report, deployments) -> Iterator[Html]:
    """For each deployment what the fewest users foretell of more."""
    for deployment in main_first(deployments):
        frame = closed_load.predicted(report.experiment, deployment)
        if frame.empty:
            continue
        rows = [
            {
                "users": row.users,
                "predicted (requests/s)": Quantity(row.predicted_rps, "{:,.1f}"),
                "measured (requests/s)": Quantity(row.measured_rps, "{:,.1f}"),
                "error": Quantity(row.predicted_rps / row.measured_rps - 1, "{:+.1%}"),
                "predicted mean latency (ms)": Quantity(row.predicted_ms, "{:,.1f}"),
                "measured mean latency (ms)": Quantity(row.measured_ms, "{:,.1f}"),
            }
            for row in frame.itertuples()
        ]
        note = (
            f"Mean-value analysis of a closed network, its demands from the run with {frame['from_users'].iloc[0]} "
            "users alone. It is of the steady state: where more users come than are served, a run of seconds ends "
            "before their queue is as long as it would get."
        )
        caption = f"What the fewest users foretell of more, {deployment}"
        yield table(pd.DataFrame(rows, dtype=object), caption, note=note)


def _row(experiment, search: Found, foretold: Outcome | None) -> dict:
    bracket, broken = search.bracket, explanations.refuted(experiment, search)
    return {
        "deployment": search.deployment,
        "load": LOADS[search.family],
        "foretold": foretold and Quantity(foretold.capacity, "{:,.0f}"),
        "holds": bracket.certified,
        "does not hold": bracket.refuted,
        "there": _said(search.at(bracket.certified)),
        "what gave way": _said(search.at(bracket.refuted)),
        "at its limit there": broken and (bottleneck.limit(broken).resource or "nothing"),
        "runs": len(search.probes),
        "of them not to be believed": _unjudged(search.probes),
    }


def _said(probes):
    """What the probes of one load said, those that cannot be believed left out; of several the one in the middle, with
    those that failed as the slowest."""
    believed = [probe for probe in probes if probe.met is not None]
    believed.sort(key=lambda probe: math.inf if probe.slowest_ms is None else probe.slowest_ms)
    return believed[len(believed) // 2].said if believed else None


def _unjudged(probes):
    """The loads whose runs are invalid, from the smallest on, and why that one is."""
    probes = sorted((probe for probe in probes if probe.met is None), key=lambda probe: probe.load)
    loads = ", ".join(f"{probe.load:,.0f}" for probe in probes)
    return f"{loads} (the first for {probes[0].said})" if probes else None
