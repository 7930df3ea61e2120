"""The deployments of the scenario `soak`: tuned, with lifetimes so short that many of each end within three minutes.

They are rows of `loadgen.deployments.DEPLOYMENTS` like all others.
"""

from workbench.arms import FOR_SOAK, FOR_SOAK_WITH_FILES, TUNED

from .deployment import Deployment

_SHORT_LIFETIMES = {
    "pool_recycle_s": 15,
    "cache_statistics_ttl_s": 2,
    "cache_search_ttl_s": 3,
    "session_lifetime_s": 10,
    "session_longest_s": 30,
}
SOAK = {
    FOR_SOAK: Deployment(
        "Tuned, its connections replaced after 15 s, its sessions ended after 10 s without a request or 30 s in all, "
        "its cached answers after 2 s and 3 s.",
        TUNED,
        _SHORT_LIFETIMES,
    ),
    # Files of sessions that have ended are removed when there are more than the threshold.
    FOR_SOAK_WITH_FILES: Deployment(
        "The same with sessions in files, which are removed when there are more than 100.",
        FOR_SOAK,
        {"sessions": "filesystem", "session_threshold": 100},
    ),
}
