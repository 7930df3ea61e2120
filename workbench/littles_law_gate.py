"""Little's law as a check of a run's rows against the load generator's own count of requests in flight.

L = λ·W: the mean number of requests in flight L is their rate λ times their mean latency W (Little 1961). λ·W over a
time of T seconds is the sum of the latencies within it over T; it is exact for a finite time when the latencies are cut
at its ends.
"""

from collections.abc import Sequence

import pandas as pd

MIN_REQUESTS = 100  # of fewer the ones cut at the ends are too large a share
Mark = tuple[int, int]  # instant (µs), and requests in flight integrated over time until then (request·µs)


def relative_difference(requests: pd.DataFrame, marks: Sequence[Sequence[Mark]]) -> float | None:
    """|λ·W / L − 1|, with λ·W from the rows and L from the generator, between the two marks of each of its processes.

    None with too few requests, or where a process has not both marks.
    """
    spans = [span for span in marks if len(span) == 2 and span[1][0] > span[0][0]]
    if not spans or len(spans) < len(marks):
        return None
    start_us, end_us = (sum(span[end][0] for span in spans) / len(spans) for end in (0, 1))
    in_flight = sum((last[1] - first[1]) / (last[0] - first[0]) for first, last in spans)
    sent_us, received_us = requests["start_us"], requests["start_us"] + requests["latency_us"]
    within_us = (received_us.clip(upper=end_us) - sent_us.clip(lower=start_us)).clip(lower=0)
    if (within_us > 0).sum() < MIN_REQUESTS or not in_flight:
        return None
    return float(abs(within_us.sum() / (end_us - start_us) / in_flight - 1))
