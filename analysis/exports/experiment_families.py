"""The OpenMetrics families of an experiment: a gauge for each metric of its arms, with the ends of its interval."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from workbench.recording import Experiment
from workbench.text_cleaning import Target, cleaned

from ..metrics.arm_estimates import RESPONSE
from .arm_values import ArmValue, arm_values

LABELS = ("experiment", "deployment", "scenario")


class Family(NamedTuple):
    """A family: its name without the unit, its unit, its help text, and what a value is divided by."""

    name: str
    unit: str
    text: str
    divisor: float = 1.0


OF_METRICS = {
    "duration_s": Family("workbench_arm_duration", "seconds", "From the first send to the last response."),
    "throughput_rps": Family(
        "workbench_arm_throughput", "requests_per_second", "Successful responses a second of the duration."
    ),
    "success_ratio": Family("workbench_arm_success", "ratio", "Share of the requests that were successful."),
}
LATENCY = Family("workbench_arm_latency", "seconds", "Of the successful responses, from the actual send.", 1000.0)
RESPONSE_TIME = Family("workbench_arm_response_time", "seconds", "The same, from the intended send.", 1000.0)


def experiment_families(experiment: Experiment, instant_s: float | None) -> Iterator[Metric]:
    """Yield the families; the label `estimate` is `value`, or `lower` or `upper` for an end of its interval."""
    values = list(arm_values(experiment))
    for family in (*OF_METRICS.values(), LATENCY, RESPONSE_TIME):
        if of_family := [value for value in values if _family(value) == family]:
            yield _gauge(experiment, family, of_family, instant_s)


def _family(value: ArmValue) -> Family:
    return OF_METRICS.get(value.metric) or (RESPONSE_TIME if value.metric.startswith(RESPONSE) else LATENCY)


def _gauge(experiment: Experiment, family: Family, values: list[ArmValue], instant_s: float | None) -> Metric:
    gauge = GaugeMetricFamily(
        family.name, family.text, labels=[*LABELS, "endpoint", "statistic", "blocks", "estimate"], unit=family.unit
    )
    experiment_name = cleaned(experiment.name, Target.LINE)
    for value in values:
        estimate = value.estimate
        ends = {"value": estimate.value, "lower": estimate.low, "upper": estimate.high}
        statistic = value.metric.removeprefix(RESPONSE).removesuffix("_ms") if family.divisor > 1 else ""
        labels = [experiment_name, value.deployment, value.scenario, value.endpoint, statistic, str(estimate.blocks)]
        for name, number in ends.items():
            if number is not None:
                gauge.add_metric([*labels, name], number / family.divisor, timestamp=instant_s)
    return gauge
