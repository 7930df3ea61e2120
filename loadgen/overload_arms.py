"""The arms of the overload: two deployments under multiples of the rate that each sustains."""

from workbench.arms import BASELINE, LIMITED, OVERLOADS

from .overload import AFTER_S, BASE_RPS, BEFORE_S, OVERLOAD_S
from .profile import Arm

SUSTAINED_RPS = {LIMITED: BASE_RPS, BASELINE: 60.0}
LOAD_S = 3.0 + BEFORE_S + OVERLOAD_S + AFTER_S  # the warm-up first
OVERLOAD_ARMS = tuple(
    Arm(deployment, scenario, 1, LOAD_S, changes={} if base_rps == BASE_RPS else {"base_rps": base_rps})
    for deployment, base_rps in SUSTAINED_RPS.items()
    for scenario in OVERLOADS.values()
)
