"""Bencher Metric Format: JSON of the arms of an experiment, benchmark by measure by value."""

import json
import math
from typing import Any

from workbench.recording import Experiment

from .arm_values import ArmValue, arm_values


def bencher_text(experiment: Experiment) -> str:
    """Return the JSON text of the arms' metrics; `lower_value` and `upper_value` are the ends of the interval.

    A benchmark is `<deployment>/<scenario>` or `<deployment>/<scenario>/<endpoint>`, a measure is a metric with its
    unit. A value that reaches into dropped arrivals is infinite, which JSON cannot say: it is left out.
    """
    benchmarks: dict[str, dict[str, dict[str, float]]] = {}
    for value in arm_values(experiment):
        if math.isfinite(value.estimate.value):
            benchmarks.setdefault(_benchmark(value), {})[value.metric] = _metric(value)
    return json.dumps(benchmarks, indent=2, allow_nan=False) + "\n"


def _benchmark(value: ArmValue) -> str:
    return "/".join(filter(None, (value.deployment, value.scenario, value.endpoint)))


def _metric(value: ArmValue) -> dict[str, Any]:
    metric = {"value": value.estimate.value}
    if value.estimate.interval:
        metric["lower_value"], metric["upper_value"] = value.estimate.interval
    return metric
