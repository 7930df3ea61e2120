"""What the workbench itself costs: `make bench`. Ratios and medians over repeats, because machines are shared."""

from . import pool, proxy, recorder

for part in (recorder, pool, proxy):
    part.main()
