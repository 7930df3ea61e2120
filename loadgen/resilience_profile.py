"""The profiles `resilience`, on tuned and on the published settings, and `resilience-short`, for every change."""

from workbench.arms import AT_10_MS, BASELINE, LIMITED, MISSING_TABLE, OVERLOADS, TUNED, TUNED_IN_512_MIB, WITHOUT
from workbench.faults import DATABASE, KINDS, PREFIX, FaultKind

from . import fault_scenarios
from .overload_arms import OVERLOAD_ARMS
from .profile import Arm, Profile
from .soak_arms import SOAK_ARMS

# Deployments that have what the fault is about, where tuned has it not.
OTHERS = {
    "sessions-full": f"{TUNED}{WITHOUT}shared-sessions",
    "worker-out-of-memory": TUNED_IN_512_MIB,
    "worker-killed": AT_10_MS,
    "worker-stuck": AT_10_MS,
}


def _arm(deployment: str, kind: FaultKind) -> Arm:
    load_s = fault_scenarios.WARMUP_S + fault_scenarios.BEFORE_S + kind.duration_s + fault_scenarios.AFTER_S
    return Arm(deployment, f"{PREFIX}{kind.name}", 1, load_s)


FAULT_ARMS = (
    *(_arm(OTHERS.get(kind.name, TUNED), kind) for kind in KINDS.values()),
    *(_arm(BASELINE, kind) for kind in KINDS.values() if kind.concerns == DATABASE),
)

# For every change: one fault of each part, and the overload at which goodput is compared.
SHORT_FAULTS = ("idle-backends-terminated", "database-stopped", "store-away", "worker-killed", "generator-killed")

REPEATS = 2

RESILIENCE = Profile(
    "tuned and the published settings under faults and overload, and a soak: what fails, what is lost, what grows",
    "small",
    (*FAULT_ARMS, Arm(BASELINE, MISSING_TABLE, 1, 1.5), *OVERLOAD_ARMS, *SOAK_ARMS),
    repeats=REPEATS,
)
RESILIENCE_SHORT = Profile(
    "the faults and the overload that show most, for every change",
    "small",
    (
        *(_arm(OTHERS.get(name, TUNED), KINDS[name]) for name in SHORT_FAULTS),
        *(arm for arm in OVERLOAD_ARMS if (arm.deployment, arm.scenario) == (LIMITED, OVERLOADS[5])),
    ),
    repeats=REPEATS,
)
