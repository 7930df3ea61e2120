"""What disturbed the load generator of a run: other processes, the hypervisor, and its own standing still.

From the readings of the machine and the generator's own notes, times in µs as they are on disk.
"""

from collections.abc import Iterable, Sequence

import pandas as pd

from .request_schema import MEASURE

MACHINE_ROLE = "machine"
SECOND_US = 1_000_000
# The kernel counts CPU time of the machine in ticks: over windows of 0.3 to 1 s the sum over all processes differs from
# it by 0.03 s (standard deviation), by at most 0.08 s.
COUNTING_ERROR_US = 100_000
MIN_TAIL_REQUESTS = 1_000  # of which one decides the quantile 0.999

Gap = Sequence[int]  # start, length and CPU time


def span_us(requests: pd.DataFrame) -> tuple[int, int] | None:
    """The first send and the last response of the measured requests, or of all where none has a phase.

    None without requests. What is sent before the load, and the preparations between the two, are no part of it.
    """
    if "phase" in requests and (measured := requests["phase"] == MEASURE).any():
        requests = requests[measured]
    if requests.empty:
        return None
    return begin_us(requests), end_us(requests)


def begin_us(requests: pd.DataFrame) -> int:
    """The first send of requests.

    What reports a value that is no duration seems to begin before it was due: it counts from then on.
    """
    return int(requests[["scheduled_us", "start_us"]].max(axis=1).min())


def end_us(requests: pd.DataFrame) -> int:
    """The last response of requests; one without a latency ends when it was sent."""
    return int((requests["start_us"] + requests["latency_us"].fillna(0)).max())


def others_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """CPU time of processes that are none of the run's, as a share of all cores during the load, less what is error."""
    readings = _machine_readings(requests, process, "others_us")
    return None if readings is None else _share(readings.iloc[0], readings.iloc[-1], "others_us", COUNTING_ERROR_US)


def busiest_others_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """The same in the second in which it is largest; None for a load of less than a second."""
    readings = _machine_readings(requests, process, "others_us")
    if readings is None:
        return None
    pairs = _seconds(readings["at_us"].tolist())
    shares = [
        _share(readings.iloc[first], readings.iloc[last], "others_us", COUNTING_ERROR_US) for first, last in pairs
    ]
    return max(shares, default=None)


def steal_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """Time that the hypervisor took of cores that had something to run, as a share of all cores during the load."""
    readings = _machine_readings(requests, process, "steal_us")
    return None if readings is None else _share(readings.iloc[0], readings.iloc[-1], "steal_us", 0)


def busiest_second(requests: pd.DataFrame, readings: pd.DataFrame) -> float | None:
    """CPU time of one role in the second of the load in which it used most, as a share of a core.

    Of a load of less than a second, the share over all of it; None with fewer than two readings during the load.
    """
    span = span_us(requests)
    inside = readings[readings["at_us"].between(*span)] if span else readings.iloc[:0]
    if len(inside) < 2:
        return None
    at_us, cpu_us = inside["at_us"].tolist(), inside["cpu_us"].tolist()
    pairs = list(_seconds(at_us)) or [(0, len(at_us) - 1)]
    return max((cpu_us[last] - cpu_us[first]) / (at_us[last] - at_us[first]) for first, last in pairs)


def longest_gap_ms(requests: pd.DataFrame, gaps: Iterable[Sequence[Gap] | None] | None) -> float | None:
    """The longest gap (ms) of the event loops of all processes during the load; None where one was not watched."""
    span = span_us(requests)
    by_process = list(gaps or [])
    if span is None or not by_process or any(process is None for process in by_process):
        return None
    lengths = [
        min(start + length, span[1]) - max(start, span[0])
        for process in by_process
        for start, length, *_ in process or ()
    ]
    return max(0, max(lengths, default=0)) / 1000


def _machine_readings(requests: pd.DataFrame, process: pd.DataFrame | None, column: str) -> pd.DataFrame | None:
    """The readings of the machine from the last before the load to the first after it, with a value in the column."""
    span = span_us(requests)
    if process is None or span is None or column not in process:
        return None
    readings = process[(process["role"] == MACHINE_ROLE) & process[column].notna()].sort_values("at_us")
    before, after = readings[readings["at_us"] <= span[0]], readings[readings["at_us"] >= span[1]]
    first_us = before["at_us"].max() if len(before) else span[0]
    last_us = after["at_us"].min() if len(after) else span[1]
    inside = readings[readings["at_us"].between(first_us, last_us)]
    return inside if len(inside) >= 2 else None


def _share(first: pd.Series, last: pd.Series, column: str, error_us: int) -> float:
    cores_us = sum(float(last[name] - first[name]) for name in ("busy_us", "idle_us", "steal_us"))
    return max(0.0, float(last[column] - first[column]) - error_us) / cores_us if cores_us > 0 else 0.0


def _seconds(at_us: Sequence[int]) -> Iterable[tuple[int, int]]:
    """For each reading that has one, the index of the first reading at least a second later."""
    last = 0
    for first, start_us in enumerate(at_us):
        while last < len(at_us) and at_us[last] - start_us < SECOND_US:
            last += 1
        if last == len(at_us):
            return
        yield first, last
