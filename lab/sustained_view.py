"""A verdict on a load in sentences, and its endpoints as a table."""

import math

import pandas as pd

from analysis.stats.confidence import MIN_BLOCKS, Estimate
from analysis.sustained_load import (
    INCONCLUSIVE,
    INVALID,
    NOT_SUSTAINED,
    EndpointResult,
    SustainedLoad,
    sustained_load,
)
from workbench.recording import Experiment

from . import texts
from .shown import Shown

COLUMNS = ["endpoint", "p95_ms", "low", "high", "blocks", "requests", "failures"]
MAX_REASONS = 5


def sustained(experiment: Experiment, deployment: str, scenario: str, bound_ms: float) -> Shown:
    """Whether an arm sustains its load, with the p95 response time of every endpoint below a bound (ms)."""
    result = sustained_load(experiment, deployment, scenario, bound_ms)
    return Shown(sentences(result, scenario, deployment), pd.DataFrame(map(_row, result.endpoints), columns=COLUMNS))


def sentences(result: SustainedLoad, scenario: str, application: str) -> list[str]:
    """The verdict first, then each endpoint with its interval, and the resource at its limit."""
    blocks = f"{result.blocks} of {texts.counted(result.planned, 'block')} valid"
    reasons = [f"{reason}." for reason in result.reasons[:MAX_REASONS]]
    if result.verdict == INVALID:
        first = f"{scenario} on {application}: the measurement is invalid ({blocks}, and it takes {MIN_BLOCKS})."
        return [first, *reasons]
    bound = f"p95 of every endpoint below {texts.milliseconds(result.bound_ms)}"
    first = f"{scenario} on {application} with {bound}: {result.verdict} ({blocks})."
    more = ["An interval reaches across the bound: more blocks make it narrower."]
    return [
        first,
        *reasons,
        *(more if result.verdict == INCONCLUSIVE else []),
        *(_line(endpoint, result.bound_ms) for endpoint in result.endpoints),
        *([f"What limited it: {result.limit}."] if result.limit and result.verdict == NOT_SUSTAINED else []),
    ]


def _row(result: EndpointResult) -> tuple:
    low, high = result.p95.interval or (float("nan"), float("nan"))
    return result.endpoint, result.p95.value, low, high, result.p95.blocks, result.requests, result.failures


def _line(result: EndpointResult, bound_ms: float) -> str:
    failed = f"; {result.failures:,} of {result.requests:,} requests failed" if result.failures else ""
    if math.isnan(result.p95.value):
        return f"{result.endpoint}: no successful response{failed}."
    if math.isinf(result.p95.value):
        return f"{result.endpoint}: p95 above every latency that was observed, as arrivals were dropped{failed}."
    side = "below" if result.p95.value < bound_ms else "not below"
    return f"{result.endpoint}: p95 {_measured(result.p95)}, {side} the bound{failed}."


def _measured(estimate: Estimate) -> str:
    """Value, interval and number of blocks."""
    interval = "no interval"
    if estimate.interval is not None:
        wider = " or wider" if estimate.is_lower_bound else ""
        interval = f"95 % {texts.number(estimate.interval[0])} to {texts.number(estimate.interval[1])} ms{wider}"
    return f"{texts.milliseconds(estimate.value)} ({interval}, n = {texts.counted(estimate.blocks, 'block')})"
