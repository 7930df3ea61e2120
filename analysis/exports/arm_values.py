"""The values of the arms of an experiment, each with its interval, for formats that hold single numbers."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from workbench.aggregates import READS
from workbench.endpoints import READS as READ_ENDPOINTS
from workbench.recording import Experiment, arm

from ..metrics import arm_estimates
from ..metrics.arm_estimates import RESPONSE
from ..stats.confidence import Estimate
from .distinct_names import distinct_names

# Of an arm, by name with its unit: the function that estimates it.
OF_ARM: dict[str, Callable[[Experiment, str, str], Estimate | None]] = {
    "duration_s": arm_estimates.duration_s,
    "throughput_rps": arm_estimates.throughput_rps,
    "success_ratio": arm_estimates.success_ratio,
}
STATISTICS = ("mean_ms", "median_ms", "p95_ms", "p99_ms")  # of the latency of an endpoint, and of its response time
ALL = ""  # the endpoint of values that are of all requests


class ArmValue(NamedTuple):
    """One value of an arm: of all its requests, or of one endpoint.

    `endpoint` is `ALL`, `reads` for all reads together, or a name that can be shown. `metric` ends with its unit.
    """

    deployment: str
    scenario: str
    endpoint: str
    metric: str
    estimate: Estimate


def arm_values(experiment: Experiment) -> Iterator[ArmValue]:
    """Yield the values of each arm that has a usable run.

    The response time, `response_<statistic>`, is of open load only.
    """
    shown = distinct_names([READS, *experiment.by_arm["endpoint"]])
    for deployment, scenario in dict.fromkeys((run.deployment, run.scenario) for run in experiment.usable):
        for metric, estimate in OF_ARM.items():
            if value := estimate(experiment, deployment, scenario):
                yield ArmValue(deployment, scenario, ALL, metric, value)
        for endpoint, metric, value in _of_endpoints(experiment, deployment, scenario):
            yield ArmValue(deployment, scenario, shown[endpoint], metric, value)


def _of_endpoints(experiment: Experiment, deployment: str, scenario: str) -> Iterator[tuple[str, str, Estimate]]:
    is_open = any(run.is_open for run in experiment.find(deployment, scenario))
    endpoints = [name for name in arm(experiment.by_arm, deployment, scenario)["endpoint"] if name != READS]
    for prefix in ("", RESPONSE) if is_open else ("",):
        if set(endpoints) & set(READ_ENDPOINTS):
            reads = arm_estimates.reads_p95_ms(experiment, deployment, scenario, prefix)
            if reads:
                yield READS, f"{prefix}p95_ms", reads
        for endpoint in endpoints:
            for statistic in STATISTICS:
                name = f"{prefix}{statistic}"
                if value := arm_estimates.latency(experiment, deployment, scenario, endpoint, name):
                    yield endpoint, name, value
