"""What the workbench itself costs: `make bench`. Ratios and medians over repeats, because machines are shared."""

from . import cached_read, instrumentation, pool, proxy, recorder

for part in (recorder, pool, instrumentation, cached_read, proxy):
    part.main()
