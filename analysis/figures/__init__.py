"""The figures of the report: pure functions, each from a table to a matplotlib Figure.

Columns ending in `_ms` are milliseconds. Rows with a missing value are left out, a series without rows is not drawn,
and a table without rows gives a figure that says "not measured". A series, an endpoint or a part has the same place and
the same colour in every figure, those of `palette`; a name without a colour raises ValueError. No function touches
pyplot's global state.

To add a chart: a function in one of these modules, one in `reports.charts` that makes its table and its caption, and a
cell in `notebooks/03-report.ipynb`.
"""
