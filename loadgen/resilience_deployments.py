"""The deployments of the profile `resilience`. They are rows of `loadgen.deployments.DEPLOYMENTS` like all others.

For faults of a worker the database is 10 ms away: requests take longer, so that some are in flight in the worker.
"""

from workbench.arms import AT_10_MS, TUNED, TUNED_IN_512_MIB

from .deployment import Deployment

DISTANCE_MS = 10.0
RESILIENCE = {
    AT_10_MS: Deployment("Tuned, its database 10 ms away.", TUNED, {"round_trip_ms": DISTANCE_MS}),
    TUNED_IN_512_MIB: Deployment(
        "Tuned with 512 MiB for all of its processes, its database 10 ms away.",
        TUNED,
        {"memory_limit_mib": 512, "round_trip_ms": DISTANCE_MS},
    ),
}
