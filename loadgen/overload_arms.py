"""The arms of the overload: two deployments under multiples of the rate that each sustains."""

from workbench.arms import BASELINE, LIMITED, OVERLOADS

from .overload import AFTER_S, BASE_RPS, BEFORE_S, OVERLOAD_S
from .profile import Arm

# Of the 100 that `limited` sustains, and the 60 that as-measured does: the generator makes ten times that.
SUSTAINED_RPS = {LIMITED: 80.0, BASELINE: 50.0}
# The published set-up refuses nothing: at ten times the rate 500 requests a second wait, each for a user of its own, of
# whom there are 900. Their patience is longer than any objective.
PATIENCE_S = {BASELINE: 1.4}
LOAD_S = 3.0 + BEFORE_S + OVERLOAD_S + AFTER_S  # the warm-up first


def _changes(deployment: str) -> dict[str, float]:
    """The fields of the scenario that are the deployment's own."""
    base_rps = SUSTAINED_RPS[deployment]
    own = {"base_rps": base_rps} if base_rps != BASE_RPS else {}
    return own | ({"client_timeout_s": PATIENCE_S[deployment]} if deployment in PATIENCE_S else {})


OVERLOAD_ARMS = tuple(
    Arm(deployment, scenario, 1, LOAD_S, changes=_changes(deployment))
    for deployment in SUSTAINED_RPS
    for scenario in OVERLOADS.values()
)
