"""The expected latencies: quantiles of the service times, their standard errors, and those of a run with a stall.

The quantile at p is the least value x with F(x) >= p, in a sample by numpy's method `inverted_cdf`. Times are in
milliseconds. Functions raise `ValueError` for arguments without an answer.
"""

import math
from statistics import NormalDist

from .service_times import FAST_MS, FAST_SHARE, FIXED_MS, MEAN_MS, SHORT_MS, SLOW_MS

MIN_BEYOND = 10  # responses on either side of a quantile, from which on its spread is near enough to normal


def quantile(path: str, p: float) -> float:
    """The quantile at p of the service time of a path, in ms, for 0 < p < 1.

    Exponential with mean m: F(x) = 1 - exp(-x/m), so that the quantile is -m ln(1-p). The others are the inverse of
    a step function.
    """
    _check_share(p)
    match path:
        case "/fixed":
            return FIXED_MS
        case "/short":
            return SHORT_MS
        case "/exponential":
            return -MEAN_MS * math.log1p(-p)
        case "/two-point":
            return FAST_MS if p <= FAST_SHARE else SLOW_MS
    raise ValueError(f"{path} has no distribution")


def standard_error_ms(path: str, p: float, n: int) -> float:
    """The standard error of the quantile at p of n independent requests, in ms.

    Where there is a density f, and the quantile is q, it is sqrt(p(1-p)/n) / f(q) (David and Nagaraja, Order
    Statistics, 2003, section 10.2), and f(q) = (1-p)/m for an exponential with mean m. That holds for large n: there
    must be 10 requests on either side.

    Two points have no density. The quantile is SLOW_MS if fewer than np of the n were fast, and FAST_MS otherwise. The
    share of the fast ones is normal around FAST_SHARE with a standard error of sqrt(FAST_SHARE (1-FAST_SHARE)/n). With
    p more than 3 of those away, the quantile is exact and its error 0; nearer than that it is one of the two values,
    and the result is the standard deviation of that coin.
    """
    _check_share(p)
    match path:
        case "/fixed" | "/short":
            return 0.0
        case "/exponential":
            if n * min(p, 1 - p) < MIN_BEYOND:
                raise ValueError(f"{n} requests are too few for the quantile at {p}")
            return MEAN_MS * math.sqrt(p / ((1 - p) * n))
        case "/two-point":
            return _coin_ms((p - FAST_SHARE) / math.sqrt(FAST_SHARE * (1 - FAST_SHARE) / n))
    raise ValueError(f"{path} has no distribution")


def _coin_ms(errors_away: float) -> float:
    """The standard deviation between the two points, with p so many standard errors away from FAST_SHARE."""
    if abs(errors_away) > 3:
        return 0.0
    slow = NormalDist().cdf(errors_away)
    return (SLOW_MS - FAST_MS) * math.sqrt(slow * (1 - slow))


def corrected_quantile_ms(p: float, service_ms: float, stall_ms: float, run_ms: float) -> float:
    """The quantile at p of the response times of all requests due in a run with a stall, each from its due time.

    Requests are due at a constant rate, far above one in a stall, and served for s = `service_ms` each. Of a run of T
    with a stall of S,
    - those due in the stall, S/T of all, wait for its rest and are then served: uniform on s to s+S;
    - those in service when it begins, s/T of all, are answered at its end: uniform on S to S+s;
    - the others take s.
    Without the second group, quantiles in the tail would be up to s too low. Sources: Tene, How NOT to Measure Latency
    (2013), for the definition; the rest is arithmetic. Needs s <= S, and a stall that ends by s before the run.

    The time that a server takes to read the requests that have piled up is not included, some 0.1 ms for each.
    """
    _check_share(p)
    _check_stall(service_ms, stall_ms, run_ms)
    beyond_ms = p * run_ms - (run_ms - stall_ms - service_ms)  # delayed requests below the quantile, as time of the run
    if beyond_ms <= 0:
        return service_ms
    before_overlap_ms = stall_ms - service_ms
    if beyond_ms <= before_overlap_ms:
        return service_ms + beyond_ms
    return stall_ms + (beyond_ms - before_overlap_ms) / 2


def uncorrected_quantile_ms(p: float, service_ms: float, stall_ms: float, run_ms: float, rate_per_s: float) -> float:
    """The quantile at p of the latencies of one user who sends nothing while waiting, each from its send.

    At `rate_per_s` the user sends n = rate (T - S) requests in a run of T with a stall of S, and one of them meets the
    stall. The quantile is the service time for p <= 1 - 1/n. Above that it is the latency of that one, s+S, or less by
    up to the time between two requests. The rate must be above one in a stall, and no higher than one user can send.
    """
    _check_share(p)
    _check_stall(service_ms, stall_ms, run_ms)
    if not service_ms <= 1e3 / rate_per_s < stall_ms:
        raise ValueError("the rate must be above one in a stall, and one user can send no more than one in a service")
    requests = rate_per_s * (run_ms - stall_ms) / 1e3
    return service_ms if p <= 1 - 1 / requests else service_ms + stall_ms


def _check_share(p: float) -> None:
    if not 0 < p < 1:
        raise ValueError(f"a quantile is at a share between 0 and 1, not {p}")


def _check_stall(service_ms: float, stall_ms: float, run_ms: float) -> None:
    if not (0 <= service_ms <= stall_ms and stall_ms + service_ms <= run_ms):
        raise ValueError("the stall must be no shorter than the service, and both fit into the run")
