"""Capacity of each deployment: the loads that were tried, and the bracket that they give."""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from analysis import bottleneck
from analysis.capacity.bracket import UNITS, CapacityResult, Probe, capacity_results
from analysis.capacity.predictions import PredictedCapacity, predicted_capacities
from analysis.findings import explanations
from analysis.queueing import closed_load
from workbench.recording import Experiment

from ..markup import Html
from ..tables import Quantity, Verdict, behind, table
from .comparison import OF_SUCCESSES, Report, join, main_first, prose
from .names import set_up

LOADS = {"open": "requests/s", "sustained": "users"}


def capacity(report: Report) -> Html:
    """A row for each capacity search: its bracket, and what decided it."""
    results = capacity_results(report.experiment)
    if not results:
        return prose("This experiment has no capacity search; make report PROFILE=capacity measures one.")
    predictions = {
        (prediction.result.deployment, prediction.result.family): prediction
        for prediction in predicted_capacities(report.experiment)
    }
    rows = [
        {report.noun: set_up(result.deployment), **_row(result, predictions.get((result.deployment, result.family)))}
        for result in results
    ]
    brackets = table(
        pd.DataFrame(rows, dtype=object),
        f"Capacity of each {report.noun}",
        note=_note(report, results, bool(predictions)),
    )
    closed = main_first(result.deployment for result in results if result.family == "sustained")
    reasons = table(
        pd.DataFrame([_reasons(report, result) for result in results], dtype=object),
        "What decided the bounds",
    )
    decided = behind(("what decided the bounds, and invalid runs", join(reasons, _invalid_runs(report, results))))
    return join(brackets, decided, *_closed_predictions(report.experiment, closed))


def _row(result: CapacityResult, prediction: PredictedCapacity | None) -> dict:
    bracket = result.bracket
    return {
        "load": LOADS[result.family],
        "capacity": f"({bracket})" if bracket.ends else Verdict.INCONCLUSIVE,
        "predicted": prediction and Quantity(prediction.capacity, "{:,.0f}"),
        "sustained": bracket.lower_bound,
        "not sustained": bracket.upper_bound,
        "runs": len(result.probes),
    }


def _reasons(report: Report, result: CapacityResult) -> dict:
    bracket, saturated = result.bracket, explanations.run_at_upper_bound(report.experiment, result)
    return {
        report.noun: set_up(result.deployment),
        "load": LOADS[result.family],
        "p95 when sustained": _median_reason(result.probes_at(bracket.lower_bound)),
        "p95 or failure when not": _median_reason(result.probes_at(bracket.upper_bound)),
        "saturated resource": saturated and (bottleneck.find_bottleneck(saturated).resource or "none"),
    }


def _median_reason(probes: Sequence[Probe]) -> str | None:
    """The reason of the median probe by p95, of the valid ones; a failed load counts as the slowest."""
    valid = [probe for probe in probes if probe.sustained is not None]
    valid.sort(key=lambda probe: math.inf if probe.slowest_ms is None else probe.slowest_ms)
    return valid[len(valid) // 2].reason if valid else None


def _invalid_runs(report: Report, results: Sequence[CapacityResult]) -> Html:
    """A row for each search with invalid runs: their loads, and the reason of the one under the smallest load."""
    rows = []
    for result in results:
        invalid = sorted((probe for probe in result.probes if probe.sustained is None), key=lambda probe: probe.load)
        if invalid:
            loads = ", ".join(dict.fromkeys(f"{probe.load:,.0f}" for probe in invalid))
            rows.append(
                {
                    report.noun: set_up(result.deployment),
                    "invalid runs": len(invalid),
                    "under": f"{loads} {UNITS[result.family]}",
                    "the first, for": invalid[0].reason,
                }
            )
    return table(pd.DataFrame(rows, dtype=object), "Invalid runs of the searches") if rows else Html("")


def _note(report: Report, results: Sequence[CapacityResult], has_predictions: bool) -> str:
    blocks = max(result.blocks for result in results)
    has_sentinel = blocks > 1 and report.experiment.record.get("sentinel")
    pieces = (
        (
            "A load is sustained if no request failed or was dropped, and p95 of the response time of every endpoint "
            f"was below {results[0].p95_ms:g} ms."
        ),
        kinds_of_load(report),
        _replication(blocks),
        "A block does not count if the sentinel load before or after it took another time." if has_sentinel else "",
        "Loads that were not tried have no verdict.",
        "Without an upper bound, the search reached its own end, or the largest load that the generator makes.",
        "Predicted: by simulation from a small load, before the search." if has_predictions else "",
    )
    return " ".join(filter(None, pieces))


def kinds_of_load(report: Report) -> str:
    """What requests a second and users are, in a sentence."""
    if report.arms:
        return "Requests/s are of open load; users wait as their class says, and 1–3 s where it says nothing."
    return "Requests/s are of open load; users have 1–3 s of think time."


def _replication(blocks: int) -> str:
    if blocks == 1:
        return "In brackets are the bounds, each measured in one run."
    return (
        f"In brackets are the bounds, each measured in {blocks} blocks: the load was sustained in all of them, or in "
        f"none. A load that is sustained in half of its runs would be taken for one of them once in {2**blocks} each."
    )


def _closed_predictions(experiment: Experiment, deployments: Sequence[str]) -> Iterator[Html]:
    """For each deployment the throughput and latency predicted from its smallest number of users."""
    for deployment in deployments:
        predictions = closed_load.prediction_table(experiment, deployment)
        if not predictions.empty:
            yield _closed_prediction(deployment, predictions)


def _closed_prediction(deployment: str, predictions: pd.DataFrame) -> Html:
    rows = [
        {
            "users": row["users"],
            "predicted (requests/s)": Quantity(row["predicted_rps"], "{:,.1f}"),
            "measured (requests/s)": Quantity(row["measured_rps"], "{:,.1f}"),
            "prediction error": Quantity(row["predicted_rps"] / row["measured_rps"] - 1, "{:+.1%}"),
            "predicted mean latency (ms)": Quantity(row["predicted_ms"], "{:,.1f}"),
            "measured mean latency (ms)": Quantity.optional(row["measured_ms"], "{:,.1f}"),
            "failures": Quantity(row["failures"], "{:,.0f}"),
        }
        for row in predictions.to_dict("records")
    ]
    note = (
        f"{OF_SUCCESSES} Mean-value analysis of a closed network, with service demands from the run with "
        f"{predictions['from_users'].iloc[0]} users alone. It predicts the steady state: where more users come than "
        "are served, a run of seconds ends before their queue has its full length."
    )
    caption = f"Closed load predicted from its smallest number of users, {set_up(deployment)}"
    return table(pd.DataFrame(rows, dtype=object), caption, note=note)
