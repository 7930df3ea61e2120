"""The capacity of each deployment that was searched for it, and whether its prediction was right."""

from collections.abc import Iterator

from workbench.recording import Experiment

from ..capacity.bracket import UNITS, capacity_results
from ..capacity.predictions import predicted_capacities
from .finding import FAIL, INCONCLUSIVE, PASS, Claim, Finding


def capacities(experiment: Experiment) -> Iterator[Finding]:
    """The capacity of each deployment that was searched for it; the interval is the bracket."""
    for result in capacity_results(experiment):
        bracket, unit = result.bracket, UNITS[result.family]
        name = f"capacity-{result.deployment}-{result.family}"
        claim = Claim(experiment, "capacity", name, f"capacity of {result.deployment}, {unit}")
        text = (
            f"with p95 of every endpoint below {result.p95_ms:g} ms and no failure the largest sustained load is "
            f"{bracket.lower_text}; the smallest load that is not sustained: {bracket.upper_text}"
        )
        effect = 0.0 if bracket.lower_bound is None and bracket.upper_bound is not None else bracket.lower_bound
        yield claim.reported(text, result.usable_runs(experiment), effect=effect, interval=bracket.ends)


def predictions(experiment: Experiment) -> Iterator[Finding]:
    """Each capacity that was predicted before its search; it passes if it lies in the measured bracket."""
    for predicted in predicted_capacities(experiment):
        result = predicted.result
        text = f"{result.deployment} sustains {predicted.capacity:,.0f} {UNITS[result.family]}, as predicted"
        claim = Claim(experiment, "prediction", f"prediction-{result.deployment}-{result.family}", text)
        verdict = INCONCLUSIVE if predicted.errors is None else PASS if predicted.is_within else FAIL
        evidence = f"measured {result.bracket}, predicted from {predicted.base}"
        yield claim.finding(verdict, evidence, [each.run for each in predicted.runs], effect=predicted.capacity)
