"""Experiments whose truth is known, because they were drawn: requests that queue for one server.

Times between arrivals and services are exponential (M/M/1), and the queue is in its steady state from the first request
on, so a request's time in the system is exponential with mean `1 / (1 - utilisation)` services, however much the
requests of a block depend on each other.
"""

import math
from collections.abc import Callable

import numpy as np

Service = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]  # draws times with mean 1
WARMUP = 1500  # requests until a queue of general service is in its steady state


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


def hyperexponential(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Times with a squared coefficient of variation of 4: one of two exponential distributions, balanced means."""
    share = 0.5 * (1 + math.sqrt(3 / 5))
    is_short = random.random(shape) < share
    return random.exponential(1.0, shape) / np.where(is_short, 2 * share, 2 * (1 - share))


def pareto(index: float) -> Service:
    """Times of a Pareto distribution with this tail index."""
    return lambda random, shape: (random.pareto(index, shape) + 1) * (index - 1) / index


def general_responses(
    random: np.random.Generator, shape: tuple[int, ...], requests: int, utilisation: float, service: Service
) -> np.ndarray:
    """Times in the system as of `responses`, for any distribution of service times, after `WARMUP` requests."""
    taken, waiting = np.empty((requests, *shape)), np.zeros(shape)
    for number in range(-WARMUP, requests):
        response = waiting + service(random, shape)
        if number >= 0:
            taken[number] = response
        waiting = np.maximum(0.0, response - random.exponential(1.0 / utilisation, shape))
    return np.moveaxis(taken, 0, -1)
