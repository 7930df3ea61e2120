"""Names of the deployments and scenarios that more than one part of the workbench refers to.

`loadgen.deployments` and `loadgen.scenarios` define what they are. A deployment that differs from another in one thing
is named `<other>-with-<thing>` or `<other>-without-<thing>`.
"""

# The published set-up: as it ran, as it was described, as it is advised for production; and ours.
BASELINE = "as-measured"
CLAIMED = "as-claimed"
ADVISED = "as-advised"
TUNED = "tuned"
GEVENT_BLOCKING = "gevent-blocking"
ON_RDS = "as-measured-on-rds"  # the baseline, its database under a host name of RDS
MONITORED = "tuned-with-monitor"
# Under a memory limit.
CONSTRAINED = "constrained"
CONSTRAINED_GEVENT, CONSTRAINED_GEVENT_1_GIB = "constrained-gevent", "constrained-gevent-in-1-gib"
MAIN_DEPLOYMENTS = (BASELINE, CLAIMED, ADVISED, GEVENT_BLOCKING, TUNED)

TUNED_IN_512_MIB = "tuned-in-512-mib"
AT_10_MS = "tuned-at-10-ms"
# Tuned with such short lifetimes that connections, sessions and cached answers are replaced many times in a soak.
FOR_SOAK, FOR_SOAK_WITH_FILES = "tuned-for-soak", "tuned-for-soak-with-session-files"

# Tuned on an event loop, with the same driver in threads, and both with their database at a distance.
SYNC_WORKERS = "tuned-with-sync-workers"
ASYNC, PSYCOPG3 = "async-quart", "tuned-with-psycopg3"
GEVENT, MORE_THREADS = "tuned-with-gevent", "tuned-with-256-threads"
DISTANT, DISTANT_ASYNC = "tuned-without-cache-with-5-ms", "async-quart-without-cache-with-5-ms"

# Under a stated limit, for overload.
LIMITED = "limited"
OVERLOADS = {times: f"overload-{times}" for times in (1, 2, 5, 10)}  # by the multiple of the base rate

# What people read in the place of these names.
LABELS = {
    BASELINE: "published set-up, run here",
    CLAIMED: "published set-up with its caches",
    ADVISED: "published advice: 8 gevent workers",
    GEVENT_BLOCKING: "8 gevent workers, blocking driver",
    TUNED: "tuned",
}

WITH, WITHOUT = "-with-", "-without-"
TOGETHER = "-and-"  # between two optimisations that are left out together

SINGLE = "single"
READS = "reads"
BURST_25, BURST_50, BURST_100 = "burst-25", "burst-50", "burst-100"
BURST_50_MIX = "burst-50-mix"
BURST_50_SHARED_JAR = "burst-50-shared-jar"
BURST_10_MIX = "burst-10-mix"
SUSTAINED_100 = "sustained-100"
SUSTAINED_100_WRITE = "sustained-100-write"
MISSING_TABLE = "missing-table"
SLOW_STATEMENT = "slow-statement"
START = "start"
HEAVY_SEARCH_2 = "heavy-search-2"
UPSTREAM_50, UPSTREAM_300 = "upstream-50", "upstream-300"
SOAK = "soak"
