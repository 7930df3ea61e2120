"""The profile `resilience`: what happens under faults, on tuned and on the published settings."""

from workbench.arms import BASELINE, TUNED, TUNED_IN_512_MIB, WITHOUT
from workbench.faults import DATABASE, KINDS, PREFIX, FaultKind

from . import fault_scenarios
from .profile import Arm, Profile

# Deployments that have what the fault is about, where tuned has it not.
OTHERS = {"sessions-full": f"{TUNED}{WITHOUT}shared-sessions", "worker-out-of-memory": TUNED_IN_512_MIB}


def _arm(deployment: str, kind: FaultKind) -> Arm:
    load_s = fault_scenarios.WARMUP_S + fault_scenarios.BEFORE_S + kind.duration_s + fault_scenarios.AFTER_S
    return Arm(deployment, f"{PREFIX}{kind.name}", 1, load_s)


FAULT_ARMS = (
    *(_arm(OTHERS.get(kind.name, TUNED), kind) for kind in KINDS.values()),
    *(_arm(BASELINE, kind) for kind in KINDS.values() if kind.concerns == DATABASE),
)

RESILIENCE = Profile(
    "tuned and the published settings under faults: what fails, for how long, and what is lost",
    "small",
    FAULT_ARMS,
)
