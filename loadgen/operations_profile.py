"""The profile `operations`: tuned on other servers, also asynchronous, and what runs around the application."""

from workbench.arms import (
    ADVISED,
    ASYNC,
    BASELINE,
    BURST_50,
    CONSTRAINED,
    CONSTRAINED_GEVENT,
    CONSTRAINED_GEVENT_1_GIB,
    DISTANT,
    DISTANT_ASYNC,
    GEVENT,
    HEAVY_SEARCH_2,
    MISSING_TABLE,
    MONITORED,
    MORE_THREADS,
    PSYCOPG3,
    READS,
    SLOW_STATEMENT,
    START,
    SUSTAINED_100,
    TUNED,
    UPSTREAM_300,
    WITHOUT,
)
from workbench.primary_metrics import PrimaryMetric

from .operations_deployments import POOLERS, SERVERS, SESSIONS
from .profile import Arm, Profile, Search

BLOCKS = 4  # the fewest that give an interval
STEADY = {"warmup_s": 2.0, "duration_s": 8.0}  # users with think time, as short as four blocks allow
STEADY_S = 11.0
TUNED_SESSIONS, PUBLISHED_SESSIONS = SESSIONS
TUNED_POOLER, UNPOOLED_POOLER, ADVISED_POOLER = POOLERS
SUSTAINED = (f"{TUNED}{WITHOUT}shared-sessions", TUNED_SESSIONS, TUNED_POOLER)
UNPOOLED = f"{TUNED}{WITHOUT}pool"

SERVER_ARMS = (
    Arm(TUNED, BURST_50, BLOCKS, 0.5, replicated=True),
    *(Arm(deployment, BURST_50, BLOCKS, 0.6) for deployment in SERVERS),
)
# Open load, whose users have logged in beforehand: with users of their own a short run would measure their logins.
# Beyond 1,024 requests a second the load generator needs much of two cores.
SERVER_SEARCHES = tuple(
    Search(deployment, "open", 512, most=1024, warmup_s=3.0, duration_s=8.0) for deployment in (TUNED, *SERVERS, ASYNC)
)
SESSION_ARMS = (
    *(Arm(deployment, SUSTAINED_100, BLOCKS, STEADY_S, changes=STEADY) for deployment in (TUNED, *SUSTAINED)),
    *(Arm(deployment, READS, BLOCKS, 2) for deployment in (BASELINE, PUBLISHED_SESSIONS)),
)
MONITORING_ARMS = (
    Arm(MONITORED, BURST_50, BLOCKS, 0.6),
    Arm(MONITORED, SLOW_STATEMENT, 1, 1.5),
    Arm(BASELINE, MISSING_TABLE, 1, 1.5),
    Arm(BASELINE, BURST_50, 1, 6.5),
)
POOLER_ARMS = (
    *(Arm(deployment, BURST_50, BLOCKS, 0.8) for deployment in (TUNED_POOLER, UNPOOLED, UNPOOLED_POOLER)),
    *(Arm(deployment, BURST_50, BLOCKS, 4) for deployment in (ADVISED, ADVISED_POOLER)),
)

# In the second block runs of the first one give the costs for predictions.
MEMORY_BLOCKS = 2
MEMORY_ARMS = (
    Arm(CONSTRAINED, BURST_50, MEMORY_BLOCKS, 6.5),
    Arm(CONSTRAINED_GEVENT, BURST_50, MEMORY_BLOCKS, 8),
    Arm(CONSTRAINED_GEVENT_1_GIB, BURST_50, MEMORY_BLOCKS, 5),
    Arm("constrained-with-8-workers", BURST_50, MEMORY_BLOCKS, 8),
    Arm("constrained-with-8-workers-with-preload", BURST_50, MEMORY_BLOCKS, 6),
    Arm("constrained-gevent-in-256-mib", START, 1, 5),
)
ASYNC_ARMS = (
    *(Arm(deployment, BURST_50, BLOCKS, 0.6) for deployment in (PSYCOPG3, ASYNC)),
    # What holds up others while a search takes long.
    *(Arm(deployment, HEAVY_SEARCH_2, BLOCKS, 9) for deployment in (TUNED, *SERVERS, ASYNC)),
    *(Arm(deployment, BURST_50, BLOCKS, 1) for deployment in (DISTANT, DISTANT_ASYNC)),
    # What holds up others while many wait for another service: more than tuned has threads.
    *(Arm(deployment, UPSTREAM_300, BLOCKS, 13) for deployment in (TUNED, MORE_THREADS, GEVENT, ASYNC)),
)

OPERATIONS = Profile(
    "tuned on other servers, asynchronous too, with sessions elsewhere, a monitor, PgBouncer, and under memory limits",
    "production",
    (*SERVER_ARMS, *ASYNC_ARMS, *SESSION_ARMS, *MONITORING_ARMS, *POOLER_ARMS, *MEMORY_ARMS),
    SERVER_SEARCHES,
    primary=(
        *(PrimaryMetric(metric, BURST_50, (*SERVERS, TUNED_POOLER, UNPOOLED)) for metric in ("makespan_s", "cpu_ms")),
        *(PrimaryMetric(metric, SUSTAINED_100, SUSTAINED) for metric in ("database_ms", "cpu_ms")),
        PrimaryMetric("database_ms", READS, (PUBLISHED_SESSIONS,)),
    ),
)
