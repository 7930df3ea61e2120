"""The figures of the report: one pure function each, from a table to a matplotlib Figure.

Columns ending in `_ms` are milliseconds. Rows with a missing value are left out, a series that is not there
is not drawn, and a table without rows gives a figure that says "not measured". A series, an endpoint or a
part has the same place and the same colour in every figure; a name outside these lists raises ValueError.
Nothing here touches pyplot's global state.
"""

from .latency import burst_growth, latency_bars, percentile_curves
from .time_split import time_split
from .timelines import pool_use, timeline

__all__ = ["burst_growth", "latency_bars", "percentile_curves", "pool_use", "time_split", "timeline"]
