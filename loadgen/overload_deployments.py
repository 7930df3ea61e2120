"""Deployments that a stated limit holds to a rate which the load generator can exceed ten times on the same cores.

The limit is the way to the database: it is 5 ms away, and each worker uses one connection at a time. So what is too
much is the wait for a connection, and neither the processors nor the generator.
"""

from workbench.arms import BASELINE, LIMITED, LIMITED_PUBLISHED

from .deployment import Deployment

DISTANCE_MS = 5.0
OVERLOAD = {
    LIMITED: Deployment(
        "Tuned without caches, limited to about 150 requests/s: its database is 5 ms away, and each of 2 workers has "
        "one connection. Admission control refuses what would wait too long.",
        "tuned-without-cache",
        {
            "workers": 2,
            "pool": "fair",
            "pool_size": 1,
            "round_trip_ms": DISTANCE_MS,
            "threads": 20,  # few: each that refuses takes turns at the interpreter's lock with those that serve
            "admission_limit": 10,
            "admission_login_limit": 6,
            "hash_wait_ms": 1000,
        },
    ),
    LIMITED_PUBLISHED: Deployment(
        "The published settings under the same limit: one sync worker, which uses one connection of its pool of 30 + "
        "20, to a database 5 ms away. Nothing is refused.",
        BASELINE,
        {"round_trip_ms": DISTANCE_MS},
    ),
}
