"""Quantiles of durations that are known by bucket."""

from collections.abc import Sequence

from ..monitor_file import REQUEST_BOUNDS_US


def quantile_ms(buckets: Sequence[int], share: float) -> float:
    """A quantile by linear interpolation within its bucket, as `histogram_quantile` of Prometheus computes it.

    Above the last bound it is that bound.
    """
    rank, below = share * sum(buckets), 0
    for number, count in enumerate(buckets[:-1]):
        if count and below + count >= rank:
            lower_us = REQUEST_BOUNDS_US[number - 1] if number else 0
            return (lower_us + (REQUEST_BOUNDS_US[number] - lower_us) * (rank - below) / count) / 1000
        below += count
    return REQUEST_BOUNDS_US[-1] / 1000
