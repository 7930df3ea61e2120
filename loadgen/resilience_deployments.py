"""The deployments of the profile `resilience`. They are rows of `loadgen.deployments.DEPLOYMENTS` like all others."""

from workbench.arms import TUNED, TUNED_IN_512_MIB

from .deployment import Deployment

RESILIENCE = {
    TUNED_IN_512_MIB: Deployment("Tuned with 512 MiB for all of its processes.", TUNED, {"memory_limit_mib": 512}),
}
