"""What a load generator that stands still now and then does to the percentiles of an open load.

Requests that were due while it stood still are sent together, and queue behind each other: the latency, from the actual
send, is that of another load. One server, exponential times of 1 ms on average, 80 % of it used.
"""

import numpy as np
import pytest

SERVICE_MS, UTILISATION, PERIOD_MS = 1.0, 0.8, 5000.0
RUNS, REQUESTS = 60, 24_000  # half a minute each


@pytest.fixture(scope="module")
def drawn():
    """Intended sends and service times (ms), by run and request."""
    random = np.random.default_rng(8)
    gaps_ms = random.exponential(SERVICE_MS / UTILISATION, (RUNS, REQUESTS))
    return gaps_ms.cumsum(axis=1), random.exponential(SERVICE_MS, (RUNS, REQUESTS))


def latencies_ms(drawn, stall_ms):
    """Latencies from the actual send, which is at the end of a stall for what was due in it; by run and request."""
    due_ms, service_ms = drawn
    within_ms = due_ms % PERIOD_MS
    sent_ms = due_ms + np.maximum(0.0, stall_ms - within_ms)
    free_ms, taken_ms = np.zeros(RUNS), np.empty_like(sent_ms)
    for number in range(REQUESTS):
        free_ms = np.maximum(free_ms, sent_ms[:, number]) + service_ms[:, number]
        taken_ms[:, number] = free_ms - sent_ms[:, number]
    return taken_ms


def growth(drawn, stall_ms, quantile):
    """The percentile of all requests with stalls, over that without."""
    with_stalls, without = (np.quantile(latencies_ms(drawn, ms), quantile) for ms in (stall_ms, 0.0))
    return with_stalls / without


@pytest.mark.simulated
@pytest.mark.parametrize(
    ("stall_ms", "largest_p95", "largest_p99"), [(5, 1.01, 1.01), (10, 1.01, 1.02), (20, 1.06, 1.08), (45, 1.35, 1.75)]
)
def test_percentiles_grow_with_the_longest_gap_of_the_generator(drawn, stall_ms, largest_p95, largest_p99):
    p95, p99 = growth(drawn, stall_ms, 0.95), growth(drawn, stall_ms, 0.99)
    print(f"a stall of {stall_ms} ms every 5 s: p95 × {p95:.2f}, p99 × {p99:.2f}")
    assert 0.99 <= p95 <= largest_p95
    assert 0.99 <= p99 <= largest_p99


@pytest.mark.simulated
def test_a_long_stall_is_seen_in_the_lag_p999_and_the_longest_gap_and_hardly_in_the_lag_p99(drawn):
    within_ms = drawn[0] % PERIOD_MS
    lag_ms = np.maximum(0.0, 45.0 - within_ms)
    p99_ms, p999_ms = np.quantile(lag_ms, [0.99, 0.999])
    print(f"a stall of 45 ms every 5 s: lag p99 {p99_ms:.1f} ms, p99.9 {p999_ms:.1f} ms")
    assert p99_ms <= 5.0 < p999_ms
    assert growth(drawn, 45, 0.99) > 1.3
