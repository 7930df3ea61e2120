"""A burst of users on one server that takes requests in the order of their arrival.

A synchronous worker answers one request at a time, so a request waits for all that were sent before it. When all users
start at one instant, the whole burst is in the queue from the first moment, and users see waiting, not work. Nothing in
this model is random: the latencies follow from the service times.
"""

import math
from collections import deque
from collections.abc import Mapping

import pandas as pd

from workbench.arms import BASELINE, SINGLE
from workbench.endpoints import PUBLISHED
from workbench.recording import Experiment

from ..metrics.arm_metrics import latency


def replay_burst(service_ms: Mapping[str, float], users: int) -> pd.DataFrame:
    """A row for each request of a burst, in the order of service.

    All users send their login at time 0, in the order of their number, and each sends the next request (dashboard, then
    search) at the instant of the previous response, to the end of the queue. A request takes the endpoint's
    `service_ms` (milliseconds); the network takes no time.

    Columns: `user` (from 0), `endpoint`, `start_ms` (sent, since the start of the burst) and `latency_ms` (from the
    send to the response: waiting plus service). Raises ValueError for fewer than one user, and for a service time that
    is missing or no duration.
    """
    _check(service_ms, users)
    queue = deque((user, 0, 0.0) for user in range(users))
    now_ms = 0.0
    rows = []
    while queue:
        user, step, start_ms = queue.popleft()
        # The server is never idle before the end: a user sends the next request at the instant of the response.
        now_ms += service_ms[PUBLISHED[step]]
        rows.append((user, PUBLISHED[step], start_ms, now_ms - start_ms))
        if step + 1 < len(PUBLISHED):
            queue.append((user, step + 1, now_ms))
    return pd.DataFrame(rows, columns=["user", "endpoint", "start_ms", "latency_ms"])


def burst_means(service_ms: Mapping[str, float], users: int) -> dict[str, float]:
    """The mean latency by endpoint, and as `duration` the time until the last response; milliseconds."""
    requests = replay_burst(service_ms, users)
    means = requests.groupby("endpoint")["latency_ms"].mean()
    last_ms = (requests["start_ms"] + requests["latency_ms"]).max()
    return {**{endpoint: float(means[endpoint]) for endpoint in PUBLISHED}, "duration": float(last_ms)}


def _check(service_ms: Mapping[str, float], users: int) -> None:
    if users < 1:
        raise ValueError(f"a burst needs at least one user, not {users}")
    for endpoint in PUBLISHED:
        if endpoint not in service_ms:
            raise ValueError(f"no service time for {endpoint}")
        if not (math.isfinite(service_ms[endpoint]) and service_ms[endpoint] >= 0):
            raise ValueError(f"the service time of {endpoint} is {service_ms[endpoint]}, not a duration")


def service_ms(experiment: Experiment, deployment: str = BASELINE) -> dict[str, float]:
    """The service time of a request by endpoint: the mean latency of single requests, which wait for no other (ms)."""
    means_ms = latency(experiment, deployment, SINGLE)["mean_ms"]
    return {str(endpoint): float(mean_ms) for endpoint, mean_ms in means_ms.items() if pd.notna(mean_ms)}


def predict_burst(experiment: Experiment, users: int) -> dict[str, float]:
    """`burst_means` of `as-measured`, from its single requests; empty where an endpoint was not measured."""
    unloaded_ms = service_ms(experiment)
    return burst_means(unloaded_ms, users) if len(unloaded_ms) == len(PUBLISHED) else {}
