"""Experiments whose truth is known, because they were drawn: requests that queue for one server.

Times between arrivals and services are exponential (M/M/1), and the queue is in its steady state from the first request
on, so a request's time in the system is exponential with mean `1 / (1 - utilisation)` services, however much the
requests of a block depend on each other.
"""

import math

import numpy as np


def responses(
    random: np.random.Generator,
    shape: tuple[int, ...],
    requests: int,
    utilisation: float,
    speed: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Times in the system (in mean services) of successive requests, for an array of independent queues.

    The last axis of the result is the request. `speed` multiplies all times of a queue. By Lindley's recursion: the
    waiting time of a request is the time in the system of the request before, less the time between their arrivals, or
    0 if that is negative.
    """
    served = random.exponential(1.0, (requests, *shape))
    between = random.exponential(1.0 / utilisation, (requests, *shape))
    busy = random.random(shape) < utilisation
    waiting = np.where(busy, random.exponential(1.0 / (1.0 - utilisation), shape), 0.0)
    taken = np.empty((requests, *shape))
    for number in range(requests):
        taken[number] = waiting + served[number]
        waiting = np.maximum(0.0, taken[number] - between[number])
    return np.moveaxis(taken, 0, -1) * np.asarray(speed)[..., None]


def percentile(utilisation: float, share: float) -> float:
    """The true percentile of the time in the system."""
    return -math.log(1 - share) / (1 - utilisation)
