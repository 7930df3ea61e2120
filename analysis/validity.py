"""Whether a run's records and its load generator can be believed. What the system did is never judged here."""

from dataclasses import asdict, dataclass

import pandas as pd

HIGHEST_GENERATOR_CPU = 0.80  # of one core: above it the generator's own queue gets into the latencies


@dataclass(frozen=True)
class Gate:
    """One condition: the figure, what it is held against, and whether it holds (None: could not be measured)."""

    name: str
    figure: float | None
    threshold: float
    passed: bool | None

    def reason(self) -> str:
        return f"{self.name}: {self.figure:g}, allowed {self.threshold:g}"

    def record(self) -> dict:
        return asdict(self)


def gates(
    requests: pd.DataFrame, process: pd.DataFrame | None, *, counted: int | None, expected: int | None
) -> list[Gate]:
    """The gates of one run, from its rows and readings as they are on disk (microseconds).

    `counted` is the generator's own count of requests, `expected` the number that the scenario fixes.
    """
    answered = int(requests["status"].notna().sum())
    cpu = generator_cpu_share(requests, process)
    return [
        _at_most("rows missing against the generator's count", _missing(counted, len(requests)), 0),
        _at_most("rows missing against the scenario", _missing(expected, len(requests)), 0),
        Gate("requests that the target answered", answered, 1, answered >= 1),
        _at_most("generator CPU, share of one core", cpu, HIGHEST_GENERATOR_CPU),
    ]


def generator_cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None) -> float | None:
    """CPU time of the generator between the first send and the last answer, as a share of one core.

    None where fewer than two readings fall into that time.
    """
    return cpu_share(requests, process, "generator")


def cpu_share(requests: pd.DataFrame, process: pd.DataFrame | None, role: str) -> float | None:
    """As `generator_cpu_share`, for any role of the process readings."""
    if process is None or requests.empty:
        return None
    first_us = requests["start_us"].min()
    last_us = (requests["start_us"] + requests["latency_us"]).max()
    readings = process[(process["role"] == role) & process["at_us"].between(first_us, last_us)]
    if len(readings) < 2:
        return None
    first, last = readings.iloc[0], readings.iloc[-1]
    return float((last["cpu_us"] - first["cpu_us"]) / (last["at_us"] - first["at_us"]))


def _missing(should, rows):
    return None if should is None else abs(should - rows)


def _at_most(name, figure, threshold):
    return Gate(name, figure, threshold, None if figure is None else figure <= threshold)
