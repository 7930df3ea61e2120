"""The readings of a run in its Perfetto trace, as counters: connections of each pool, CPU and memory of each role."""

import math
from itertools import pairwise

import pandas as pd

from workbench.recording import Run

from .distinct_names import distinct_names
from .perfetto_packets import PerfettoWriter

POOL_COUNTERS = ("checked_out", "idle", "pending")
MIB = 2**20


def draw_readings(writer: PerfettoWriter, run: Run) -> None:
    """Draw the counters of the pools and of the processes, of those tables that were recorded."""
    root = writer.track("readings")
    for worker, readings in run.pool.dropna(subset=["at_us"]).sort_values("at_us").groupby("worker"):
        for name in POOL_COUNTERS:
            values = zip(readings["at_us"], readings[name], strict=True)
            _draw(writer, root, f"pool of worker {worker:.0f}: {name}", "connections", list(values))
    process = run.process.dropna(subset=["at_us"]).sort_values("at_us")
    for role, shown in distinct_names(process["role"].dropna()).items():
        readings = process[process["role"] == role]
        _draw(writer, root, f"{shown}: CPU", "cores", _cores(readings))
        memory = [(at_us, value / MIB) for at_us, value in zip(readings["at_us"], readings["pss_bytes"], strict=True)]
        _draw(writer, root, f"{shown}: memory (PSS)", "MiB", memory)


def _cores(readings: pd.DataFrame) -> list[tuple[int, float]]:
    """The cores in use from each reading to the next one; none of a role whose CPU time was not read."""
    known = readings.dropna(subset=["cpu_us"])
    pairs = pairwise(zip(known["at_us"], known["cpu_us"], strict=True))
    return [
        (at_us, max(0.0, (next_cpu_us - cpu_us) / (next_us - at_us)))
        for (at_us, cpu_us), (next_us, next_cpu_us) in pairs
        if next_us > at_us
    ]


def _draw(writer: PerfettoWriter, root: int, name: str, unit: str, values: list[tuple[int, float]]) -> None:
    """A counter with the values that there are; no track without any."""
    present = [(int(at_us), float(value)) for at_us, value in values if not math.isnan(value)]
    if present:
        track = writer.track(name, root, unit)
        for at_us, value in present:
            writer.count(track, at_us, value)
