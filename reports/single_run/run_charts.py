"""Figures of a run's page: rate and latency over time, percentiles, and where the time went."""

import pandas as pd

from analysis.faults.bands_of_run import fault_bands
from analysis.figures.latency import endpoint_percentiles
from analysis.figures.load_over_time import load_over_time
from analysis.figures.palette import LINE_COLOURS
from analysis.figures.time_split import endpoint_split
from analysis.metrics import run_metrics
from workbench import imported
from workbench.recording import Run
from workbench.request_schema import MEASURE

from ..markup import Html
from ..sections.comparison import prose
from ..svg import inline

MAX_BARS = 12


def over_time(run: Run) -> Html:
    """Rate by outcome and latency, of all phases; what was not measured has a grey ground."""
    if not imported.knows(run.record, imported.SENDS):
        return prose("The imported file does not say when a request was sent.")
    rows, width_s = run_metrics.over_time(run)
    phases = run_metrics.phases(run)
    other = phases[phases["phase"] != MEASURE]
    unmeasured_s = list(zip(other["start_s"], other["end_s"], strict=True))
    bands = fault_bands(run)
    grounds = f" Grey: {', '.join(other['phase'])}, which enters no table." if unmeasured_s else ""
    red = " Red: the fault." if bands else ""
    return inline(
        lambda: load_over_time(rows, width_s, unmeasured_s, bands),
        "over-time",
        "Rate and latency over time",
        f"Requests by the time of their send, in intervals of {_interval(width_s)}.{grounds}{red}",
    )


def percentiles(run: Run) -> Html:
    """The percentile curve of the most frequent endpoints and of all requests."""
    rows = run_metrics.latency_by_endpoint(run)
    names = list(rows["endpoint"].iloc[:-1][: len(LINE_COLOURS)])
    curves = [run_metrics.percentile_curve(run, name).assign(endpoint=name) for name in (*names, None)]
    hidden = len(rows) - 1 - len(names)
    shown = f" The {len(names)} most frequent of {len(rows) - 1} endpoints are shown." if hidden else ""
    return inline(
        lambda: endpoint_percentiles(pd.concat(curves, ignore_index=True)),
        "percentiles",
        "Latency percentiles",
        f"Successful responses. The axis is stretched towards the tail.{shown}",
    )


def where_time_went(run: Run) -> Html:
    """Mean parts of the time of successful responses, as the application reported them."""
    rows = run_metrics.time_parts(run)
    if rows.empty and imported.is_imported(run.record):
        return prose("Imported results do not have the parts of a request's time.")
    if rows.empty:
        return prose("The application did not report where its time went: its responses have no Server-Timing header.")
    names = rows["endpoint"].unique()
    hidden = f" The {MAX_BARS} most frequent of {len(names)} endpoints." if len(names) > MAX_BARS else ""
    return inline(
        lambda: endpoint_split(rows[rows["endpoint"].isin(names[:MAX_BARS])]),
        "time-split",
        "Where the time went",
        "Means of the successful responses that carry the times of the application: queue, its parts, the rest of the "
        f"application, and the residual outside of both.{hidden}",
    )


def _interval(width_s: float) -> str:
    return f"{1000 * width_s:g} ms" if width_s < 1 else f"{width_s:g} s"
