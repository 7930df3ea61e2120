"""The profile `operations`: tuned on other servers, under the published burst."""

from workbench.arms import BURST_50, TUNED
from workbench.primary_metrics import PrimaryMetric

from .operations_deployments import SERVERS
from .profile import Arm, Profile

BLOCKS = 4  # the fewest that give an interval

OPERATIONS = Profile(
    "tuned on other servers, in four blocks",
    "production",
    (
        Arm(TUNED, BURST_50, BLOCKS, 0.5, replicated=True),
        *(Arm(deployment, BURST_50, BLOCKS, 0.6) for deployment in SERVERS),
    ),
    primary=tuple(PrimaryMetric(metric, BURST_50, tuple(SERVERS)) for metric in ("makespan_s", "cpu_ms")),
)
