"""Experiment profiles: which deployments run under which scenarios, in how many blocks, on which data."""

from typing import Any, Literal

from workbench.arms import (
    ADVISED,
    BASELINE,
    BURST_25,
    BURST_50,
    BURST_50_MIX,
    BURST_50_SHARED_JAR,
    BURST_100,
    CLAIMED,
    GEVENT_BLOCKING,
    MISSING_TABLE,
    READS,
    SINGLE,
    START,
    SUSTAINED_100,
    SUSTAINED_100_WRITE,
    TUNED,
)
from workbench.errors import UsageError
from workbench.primary_metrics import PrimaryMetric

from . import deployments
from .operations_profile import OPERATIONS
from .profile import Arm, Profile, Search
from .resilience_profile import RESILIENCE, RESILIENCE_SHORT

DEFAULT = "quick"

MAIN = (BASELINE, CLAIMED, ADVISED, TUNED)
WITHOUT_ONE = deployments.without_one()
ADVICE = (ADVISED, GEVENT_BLOCKING)
STORES = ("tuned-with-shared-cache", "tuned-with-cookie-sessions")
POOLS = (TUNED, "tuned-with-fifo", "tuned-with-published-pool")
REQUEST_SIDE = (BASELINE, CLAIMED, TUNED, *ADVICE, *WITHOUT_ONE, *STORES)
DATABASE_SIDE = (
    "as-measured-with-no-pool",
    "as-measured-with-no-pre-ping",
    "as-measured-with-autocommit",
    "as-measured-with-separate",
    "as-measured-with-summary",
    "as-measured-with-trigram",
)
MORE_DATABASE_SIDE = ("as-measured-with-deadlines", "as-measured-with-no-index", "cross-region")
COMPARED_BLOCKS = 6
# Of the default profile: blocks of arms whose run takes several seconds, and of those whose run takes half a second.
DEAR_BLOCKS, CHEAP_BLOCKS = 4, 8
DATABASE_METRICS = ("database_ms", "makespan_s")
REQUEST_PRIMARY = (
    *(
        PrimaryMetric(metric, BURST_50, (CLAIMED, ADVISED, TUNED, GEVENT_BLOCKING, *WITHOUT_ONE))
        for metric in ("makespan_s", "cpu_ms")
    ),
    # The changes that decide how long a cached read waits for a hash.
    PrimaryMetric("reads_p95_ms", BURST_50, ("tuned-without-workers", "tuned-without-hash-limit")),
)
DATABASE_PRIMARY = tuple(
    PrimaryMetric(metric, READS, (*DATABASE_SIDE, *MORE_DATABASE_SIDE)) for metric in DATABASE_METRICS
)
BASELINES = (BASELINE, TUNED)  # the deployments that others under the same scenario are compared with

# The base runs of predictions, at about a third of the capacity: hardly any request waits for another one, and none has
# the times of a nearly idle machine.
BASE_LOADS = {
    BASELINE: "sustained-16",
    ADVISED: SUSTAINED_100,
    TUNED: "sustained-512",
    "tuned-with-short-cache": "sustained-512",
    "tuned-without-cache": "sustained-384",
}
# The deployments whose capacity is predicted from that of another one.
WHAT_IFS = {
    BASELINE: ("as-measured-with-two-workers", "as-measured-with-two-threads", "as-measured-with-5-ms"),
    TUNED: ("tuned-with-one-worker", "tuned-with-two-threads", "tuned-without-argon2"),
    "tuned-with-short-cache": ("tuned-without-cache",),
    "tuned-without-cache": ("tuned-without-cache-with-5-ms", "tuned-without-cache-with-5-ms-and-one-connection"),
}
# Warm-up in seconds: until as many users as the deployment sustains have logged in, and the queues have drained.
LOGINS_S = {
    "as-measured-with-two-workers": 10.0,
    "as-measured-with-two-threads": 10.0,
    "as-measured-with-5-ms": 5.0,
    "tuned-with-one-worker": 15.0,
    "tuned-with-two-threads": 15.0,
    "tuned-without-argon2": 30.0,
    "tuned-without-cache": 12.0,
    "tuned-without-cache-with-5-ms": 12.0,
    "tuned-without-cache-with-5-ms-and-one-connection": 8.0,
}

# Computes on all cores for about a second and a half. No other profile has this load, so no table shows it.
SENTINEL = Arm(TUNED, "burst-200", 1, 2)
SHORT = {"warmup_s": 3.0, "duration_s": 15.0}
DATABASE_ARMS = (
    Arm(BASELINE, READS, COMPARED_BLOCKS, 5, replicated=True),
    *(Arm(deployment, READS, COMPARED_BLOCKS, 5) for deployment in (*DATABASE_SIDE, *MORE_DATABASE_SIDE)),
    *(Arm(deployment, SUSTAINED_100_WRITE, 1, 36) for deployment in POOLS),
    *(Arm(deployment, START, 1, 1) for deployment in (ADVISED, "as-advised-at-default")),
    Arm("as-measured-on-rds", MISSING_TABLE, 1, 1),
)


def _base_run(deployment: str) -> Arm:
    """The run under a low load that a model of the deployment is calibrated from."""
    return Arm(deployment, BASE_LOADS[deployment], 1, 35, changes={"warmup_s": 5.0, "duration_s": 30.0})


def _capacity(
    deployment: str, family: Literal["open", "sustained"], first: int, base: str | None = None, **fields: Any
) -> Search:
    base = base or deployment
    return Search(deployment, family, first, base=base, base_scenario=BASE_LOADS[base], **fields)


PROFILES = {
    "quick": Profile(
        "the published tables, what is behind them, and what each change is worth, in eight minutes",
        "production",
        (
            Arm(BASELINE, BURST_50, DEAR_BLOCKS, 6.5, replicated=True),
            Arm(CLAIMED, BURST_50, DEAR_BLOCKS, 4.5),
            Arm(ADVISED, BURST_50, DEAR_BLOCKS, 4),
            Arm(TUNED, BURST_50, CHEAP_BLOCKS, 0.5, replicated=True),
            *(Arm(deployment, BURST_50, CHEAP_BLOCKS, 0.6) for deployment in WITHOUT_ONE),
            Arm(BASELINE, READS, DEAR_BLOCKS, 2, replicated=True),
            *(Arm(deployment, READS, DEAR_BLOCKS, 1.5) for deployment in DATABASE_SIDE),
            *(Arm(BASELINE, scenario, DEAR_BLOCKS, 4) for scenario in (SINGLE, BURST_25)),
            *(Arm(TUNED, scenario, DEAR_BLOCKS, 0.5) for scenario in (SINGLE, BURST_25)),
            *(Arm(deployment, SUSTAINED_100, 1, 19, changes=SHORT) for deployment in (ADVISED, TUNED)),
            Arm(TUNED, SUSTAINED_100_WRITE, 1, 19, changes=SHORT),
            Arm("as-measured-on-rds", MISSING_TABLE, 1, 1),
            Arm("as-advised-at-default", START, 1, 1),
        ),
        primary=(*REQUEST_PRIMARY, *DATABASE_PRIMARY),
    ),
    "requests": Profile(
        "the effect of each choice on the request side, in six blocks",
        "production",
        (
            *(
                Arm(deployment, BURST_50, COMPARED_BLOCKS, 3, replicated=deployment in BASELINES)
                for deployment in REQUEST_SIDE
            ),
            Arm(TUNED, SINGLE, 4, 3),
            Arm(TUNED, SUSTAINED_100, 4, 38),
        ),
        primary=REQUEST_PRIMARY,
    ),
    "database": Profile(
        "the effect of each choice on the route to the database, in six blocks",
        "production",
        DATABASE_ARMS,
        primary=DATABASE_PRIMARY,
    ),
    "ablation": Profile(
        "tuned without one optimisation at a time, and without two pairs of them, in six blocks",
        "production",
        tuple(
            Arm(deployment, scenario, COMPARED_BLOCKS, 3, replicated=deployment == TUNED)
            for deployment in (TUNED, *WITHOUT_ONE, *deployments.without_two())
            for scenario in (BURST_50, READS)
        ),
        primary=(*REQUEST_PRIMARY, *(PrimaryMetric(metric, READS, WITHOUT_ONE) for metric in DATABASE_METRICS)),
    ),
    "capacity": Profile(
        "how many requests a second, and how many users, a deployment sustains: load after load until it is known",
        "production",
        tuple(_base_run(deployment) for deployment in (BASELINE, ADVISED, TUNED)),
        (
            _capacity(BASELINE, "open", 8, blocks=5),
            _capacity(ADVISED, "open", 32, blocks=5),
            _capacity(TUNED, "open", 128, blocks=5),
            _capacity(BASELINE, "sustained", 16, blocks=5),
            # The logins of all users take longer than the usual warm-up.
            _capacity(TUNED, "sustained", 256, blocks=5, warmup_s=15.0),
        ),
        SENTINEL,
    ),
    "what-if": Profile(
        "the capacity with another number of workers, threads or connections, another cache, hash or route to the "
        "database: predicted, then measured",
        "production",
        tuple(_base_run(deployment) for deployment in WHAT_IFS),
        tuple(
            _capacity(other, "sustained", 8, base=base, warmup_s=LOGINS_S[other])
            for base, others in WHAT_IFS.items()
            for other in others
        ),
        SENTINEL,
    ),
    "full": Profile(
        "the main deployments under every load, bursts in four blocks or six, and what database and requests add",
        "production",
        (
            *(
                Arm(deployment, scenario, 4 if scenario.startswith("burst") else 1, 20)
                for deployment in MAIN
                for scenario in (SINGLE, BURST_25, BURST_100, BURST_50_MIX, SUSTAINED_100)
            ),
            *(
                Arm(deployment, BURST_50, COMPARED_BLOCKS, 20, replicated=deployment in BASELINES)
                for deployment in MAIN
            ),
            *(Arm(deployment, BURST_50, COMPARED_BLOCKS, 3) for deployment in (GEVENT_BLOCKING, *WITHOUT_ONE, *STORES)),
            Arm(BASELINE, BURST_50_SHARED_JAR, 1, 12),
            Arm(BASELINE, SUSTAINED_100_WRITE, 1, 50),
            *DATABASE_ARMS,
        ),
        primary=(*REQUEST_PRIMARY, *DATABASE_PRIMARY),
    ),
    "operations": OPERATIONS,
    "resilience": RESILIENCE,
    "resilience-short": RESILIENCE_SHORT,
    "smoke": Profile(
        "the smallest experiment that fills most sections of the report, on small data; its values mean nothing",
        "small",
        (
            Arm(BASELINE, SINGLE, 1, 5),
            Arm(TUNED, SINGLE, 1, 2),
            Arm(BASELINE, BURST_25, 1, 4),
            Arm(TUNED, BURST_25, 1, 1),
            Arm(BASELINE, BURST_50, 1, 8),
            Arm(TUNED, BURST_50, 1, 1),
            Arm(BASELINE, READS, 1, 1, replicated=True),
            Arm("as-measured-on-rds", MISSING_TABLE, 1, 1),
            Arm("as-advised-at-default", START, 1, 1),
            Arm(TUNED, "sustained-24", 1, 4, changes={"warmup_s": 1.0, "duration_s": 3.0}),
        ),
        (Search(TUNED, "open", 4, most=8, warmup_s=0.5, duration_s=2.0, base=TUNED, base_scenario="sustained-24"),),
    ),
}


def find(name: str) -> Profile:
    """The profile of this name. Raises `UserError` for an unknown name."""
    if name not in PROFILES:
        raise UsageError(f"there is no profile {name!r}; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]
