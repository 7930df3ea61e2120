"""What the workbench itself costs: `make bench`. Ratios and medians over repeats, because machines are shared."""

from analysis.problem import told_in_lines
from loadgen import machine

from . import cached_read, frames, instrumentation, pool, proxy, recorder, recording, sending

with told_in_lines(), machine.sole_use():
    for part in (recorder, recording, sending, pool, instrumentation, cached_read, proxy, frames):
        part.main()
