"""What the workbench itself costs: `make bench`. Ratios and medians over repeats, because machines are shared."""

from loadgen import machine_lock
from workbench.errors import reporting_errors

from . import (
    analysis_scaling,
    cached_read,
    instrumentation_cost,
    open_load,
    pool_cost,
    proxy_cost,
    recorder_cost,
    recording_cost,
)

with reporting_errors(), machine_lock.sole_use():
    for part in (
        recorder_cost,
        recording_cost,
        open_load,
        pool_cost,
        instrumentation_cost,
        cached_read,
        proxy_cost,
        analysis_scaling,
    ):
        part.main()
