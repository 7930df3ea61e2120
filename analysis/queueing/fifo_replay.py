"""What a burst of users does to one server that takes requests in the order of their arrival.

A synchronous worker answers one request at a time, so a request waits for all that were sent before it. When every
user starts at once, the whole burst is in the queue from the first moment, and waiting, not work, is what the users
see. Nothing here is random: given the service times, each latency follows.
"""

import math
from collections import deque
from collections.abc import Mapping

import pandas as pd

from workbench.recording import Experiment

from ..metrics.arm_metrics import ENDPOINTS, latency


def replay_burst(service_ms: Mapping[str, float], users: int) -> pd.DataFrame:
    """Every request of a burst, in the order of service.

    All users send their login at time 0, in the order of their number, and each sends its next request (dashboard,
    then search) the moment the previous answer arrives. That request joins the end of the queue, behind all that
    wait already. The server takes the next request at once, and holds each for the endpoint's `service_ms`
    (milliseconds). The network takes no time.

    Columns: `user` (from 0), `endpoint`, `start_ms` (sent, since the start of the burst) and `latency_ms` (from
    sending to the answer: waiting plus service).
    """
    _check(service_ms, users)
    queue = deque((user, 0, 0.0) for user in range(users))
    now_ms = 0.0
    rows = []
    while queue:
        user, step, start_ms = queue.popleft()
        # The server never idles before the end: who gets an answer sends at that same moment.
        now_ms += service_ms[ENDPOINTS[step]]
        rows.append((user, ENDPOINTS[step], start_ms, now_ms - start_ms))
        if step + 1 < len(ENDPOINTS):
            queue.append((user, step + 1, now_ms))
    return pd.DataFrame(rows, columns=["user", "endpoint", "start_ms", "latency_ms"])


def burst_means(service_ms: Mapping[str, float], users: int) -> dict[str, float]:
    """Mean latency by endpoint in milliseconds, and as `duration` the milliseconds until the last answer."""
    requests = replay_burst(service_ms, users)
    means = requests.groupby("endpoint")["latency_ms"].mean()
    last_ms = (requests["start_ms"] + requests["latency_ms"]).max()
    return {**{endpoint: float(means[endpoint]) for endpoint in ENDPOINTS}, "duration": float(last_ms)}


def _check(service_ms, users):
    if users < 1:
        raise ValueError(f"a burst needs at least one user, not {users}")
    for endpoint in ENDPOINTS:
        if endpoint not in service_ms:
            raise ValueError(f"no service time for {endpoint}")
        if not (math.isfinite(service_ms[endpoint]) and service_ms[endpoint] >= 0):
            raise ValueError(f"the service time of {endpoint} is {service_ms[endpoint]}, not a duration")


def service_ms(experiment: Experiment, deployment: str = "as-measured") -> dict[str, float]:
    """By endpoint, what one request holds the worker for: its mean latency when nobody else is there (ms)."""
    means_ms = latency(experiment, deployment, "single")["mean_ms"]
    return {endpoint: float(mean_ms) for endpoint, mean_ms in means_ms.items() if pd.notna(mean_ms)}


def predict_burst(experiment: Experiment, users: int) -> dict[str, float]:
    """`burst_means` from the experiment's own single requests; empty where they were not all measured."""
    alone_ms = service_ms(experiment)
    return burst_means(alone_ms, users) if len(alone_ms) == len(ENDPOINTS) else {}
