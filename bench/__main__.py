"""What the workbench itself costs: `make bench`. Ratios and medians over repeats, because machines are shared."""

from . import cached_read, instrumentation, pool, proxy, recorder, recording, sending

for part in (recorder, recording, sending, pool, instrumentation, cached_read, proxy):
    part.main()
