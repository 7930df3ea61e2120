"""Predictions of other deployments: written before their runs, shown beside the measured values."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

import pandas as pd

from analysis.capacity.bracket import UNITS
from analysis.capacity.predictions import PredictedCapacity, PredictedRun, predicted_capacities, predicted_runs
from analysis.metrics import arm_metrics
from analysis.metrics.arm_metrics import measured_totals
from workbench import display
from workbench.recording import Experiment, Run

from ..markup import Html
from ..tables import Quantity, table
from .capacity import kinds_of_load
from .comparison import Report, join, prose
from .names import set_up

SHORT_MS = 9.95  # below it a time has a decimal
SIGNED = "{:+.0%}"


def what_if(report: Report) -> Html:
    """The predicted capacity and latencies of each deployment, beside the values that were measured afterwards."""
    capacities, (_, problems) = predicted_capacities(report.experiment), predicted_runs(report.experiment)
    remarks = [prose(f"Not counted: {'; '.join(problems)}.")] if problems else []
    failures = report.experiment.record.get("prediction_failures") or []
    remarks += [prose(f"{text[0].upper()}{text[1:]}.") for text in failures]
    if not capacities:
        return join(*remarks)
    runs = [run for capacity in capacities for run in capacity.runs]
    tables = _capacity_table(report, capacities), _run_table(report.experiment, runs)
    return join(prose(_accuracy(capacities)), *remarks, *tables)


def _accuracy(capacities: Sequence[PredictedCapacity]) -> str:
    """The errors of all predictions in two sentences."""
    text = _capacity_accuracy(capacities)
    # A load that was run in several blocks has one prediction.
    below = {
        (capacity.result.deployment, run.prediction.load): abs(run.error)
        for capacity in capacities
        for run in capacity.runs
        if run.prediction.load < capacity.capacity
    }
    if below:
        error = median(below.values())
        text += f". Below the predicted capacity the median error of p95 of the slowest endpoint is {error:.0%}"
    return f"{text}."


def _capacity_accuracy(capacities: Sequence[PredictedCapacity]) -> str:
    errors = [capacity.errors for capacity in capacities if capacity.errors]
    if not errors:
        return "No predicted capacity has a measured bracket with both bounds"
    within = sum(capacity.is_within for capacity in capacities)
    largest = max(abs(error) for both in errors for error in both)
    text = (
        f"{within} of {len(errors)} predicted capacities lie in the measured bracket, and no error is larger than "
        f"{largest:.0%} of the measured value, wherever in its bracket that lies"
    )
    if without_bracket := len(capacities) - len(errors):
        text += f"; {without_bracket} more have no bracket with both bounds"
    return text


def _capacity_table(report: Report, capacities: Sequence[PredictedCapacity]) -> Html:
    rows = [
        {
            report.noun: set_up(capacity.result.deployment),
            "base": set_up(capacity.base),
            "changes": _changes(capacity.changes),
            "unit": UNITS[capacity.result.family],
            "predicted": Quantity(capacity.capacity, "{:,.0f}"),
            "measured": str(capacity.result.bracket),
            "prediction error": capacity.errors and " to ".join(map(_signed, capacity.errors)),
        }
        for capacity in capacities
    ]
    result = capacities[0].result
    blocks = "in one run each" if result.blocks == 1 else f"in {result.blocks} blocks each"
    note = (
        f"{kinds_of_load(report)} Capacity is the largest load under which p95 of every endpoint is below "
        f"{result.p95_ms:g} ms. Predicted: by simulation from one run of the base under a small load, written before "
        "any run of this search. Measured: the largest load that was sustained and the smallest that was not, "
        f"{blocks}. The error is given against both, because the capacity lies between them."
    )
    return table(pd.DataFrame(rows, dtype=object), "Predicted and measured capacity", note=note)


def _changes(changes: Mapping[str, tuple]) -> str:
    """`workers 1 → 2`; cache lifetimes are left out where the cache is off."""
    without_cache = changes.get("cache", ("", ""))[1] == "off"
    shown = {name: values for name, values in changes.items() if not (without_cache and name.startswith("cache_"))}
    return ", ".join(f"{name} {before} → {after}" for name, (before, after) in shown.items()) or "none"


def _signed(error: float) -> str:
    text = SIGNED.format(error)
    return "0%" if text in ("+0%", "-0%") else text


def _run_table(experiment: Experiment, runs: Sequence[PredictedRun]) -> Html:
    rows = [
        {
            "run": run.run.name,
            "load": Quantity(run.prediction.load, "{:,.0f}"),
            "predicted p95 of the slowest (ms)": _time(run.predicted_ms, math.nan, _digits(run)),
            "measured (ms)": _time(run.measured_ms, run.largest_ms, _digits(run)),
            "prediction error": Quantity.optional(run.error if math.isfinite(run.error) else None, SIGNED),
            "predicted mean (ms)": Quantity(run.prediction.mean_ms, "{:,.1f}"),
            "measured mean (ms)": _measured_mean(run.run),
            "failures": arm_metrics.failures(experiment, run.run.deployment, run.run.scenario),
        }
        for run in runs
    ]
    note = (
        "One run each, no interval. At the capacity and beyond it a percent of load changes the latency by a large "
        "factor, so errors there are large whenever the error of the capacity is not 0."
    )
    return table(pd.DataFrame(rows, dtype=object), "Predicted loads, measured", note=note)


def _measured_mean(run: Run) -> Quantity | str | None:
    totals = measured_totals(run)
    return _time(float(totals["mean_ms"]), float(totals["sent_mean_ms"]), 1)


def _digits(run: PredictedRun) -> int:
    """How many decimals show the difference of its two times."""
    return int(min(run.predicted_ms, run.measured_ms) < SHORT_MS)


def _time(value_ms: float, bound_ms: float, digits: int) -> Quantity | str | None:
    """A time; `> x` where it reaches into dropped arrivals."""
    if math.isinf(value_ms):
        return display.bounded_text(value_ms, bound_ms, digits)
    return Quantity.optional(value_ms, f"{{:,.{digits}f}}")
