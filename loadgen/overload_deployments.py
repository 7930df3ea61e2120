"""The deployment that a stated limit holds to a rate which the load generator can exceed ten times on the same cores.

The limit is the way to the database: it is 5 ms away, and each worker has one connection. So what is too much waits for
a connection, and not for the processors, which the generator shares. The published set-up needs no further limit: its
one worker serves one request at a time.
"""

from workbench.arms import LIMITED

from .deployment import Deployment

DISTANCE_MS = 5.0
OVERLOAD = {
    LIMITED: Deployment(
        "Tuned without caches, limited to about 150 requests/s by one connection in each of 2 workers to a database "
        "5 ms away; admission control refuses what would wait too long.",
        "tuned-without-cache",
        {
            "workers": 2,
            "pool": "fair",
            "pool_size": 1,
            "round_trip_ms": DISTANCE_MS,
            "threads": 16,  # few: each that refuses takes turns at the interpreter's lock with those that serve
            "admission_limit": 6,
            "admission_login_limit": 4,
            "hash_wait_ms": 1000,
        },
    ),
}
