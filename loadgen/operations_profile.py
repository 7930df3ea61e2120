"""The profile `operations`: tuned on other servers, and what runs around the application."""

from workbench.arms import (
    BASELINE,
    BURST_50,
    MISSING_TABLE,
    MONITORED,
    READS,
    SLOW_STATEMENT,
    SUSTAINED_100,
    TUNED,
    WITHOUT,
)
from workbench.primary_metrics import PrimaryMetric

from .operations_deployments import SERVERS, SESSIONS
from .profile import Arm, Profile

BLOCKS = 4  # the fewest that give an interval
STEADY = {"warmup_s": 2.0, "duration_s": 8.0}  # users with think time, as short as four blocks allow
STEADY_S = 11.0
TUNED_SESSIONS, PUBLISHED_SESSIONS = SESSIONS
SUSTAINED = (f"{TUNED}{WITHOUT}shared-sessions", TUNED_SESSIONS)

SERVER_ARMS = (
    Arm(TUNED, BURST_50, BLOCKS, 0.5, replicated=True),
    *(Arm(deployment, BURST_50, BLOCKS, 0.6) for deployment in SERVERS),
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

OPERATIONS = Profile(
    "tuned on other servers, with its sessions elsewhere, and with the monitor",
    "production",
    (*SERVER_ARMS, *SESSION_ARMS, *MONITORING_ARMS),
    primary=(
        *(PrimaryMetric(metric, BURST_50, tuple(SERVERS)) for metric in ("makespan_s", "cpu_ms")),
        *(PrimaryMetric(metric, SUSTAINED_100, SUSTAINED) for metric in ("database_ms", "cpu_ms")),
        PrimaryMetric("database_ms", READS, (PUBLISHED_SESSIONS,)),
    ),
)
