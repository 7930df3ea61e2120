"""Values of a row that their column can take: what clients and locustfiles report may be anything."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.request_schema import COLUMNS, NOT_NULL, WRITTEN

MAX_TEXT = 1_000  # characters
# The smallest and the largest value of each column of integers: a reader takes a row beyond them for damaged.
BOUNDS = {
    column.name: (column.smallest, column.largest)
    for column in COLUMNS
    if column.name in WRITTEN.names and pa.types.is_integer(column.type)
}


def is_fitting_batch(batch: pa.RecordBatch) -> bool:
    """True where all integers of the rows are within the bounds of their columns."""
    for name, (smallest, largest) in BOUNDS.items():
        ends: Any = pc.min_max(batch.column(name))
        least, most = (end.as_py() for end in ends.values())
        if least is not None and not smallest <= least <= most <= largest:
            return False
    return True


def fitting_row(row: tuple) -> tuple[tuple, int]:
    """The row with each value that does not fit repaired, or null, or 0 where there is no null; and how many."""
    fitted = tuple(_fitting(value, field) for value, field in zip(row, WRITTEN, strict=True))
    return fitted, sum(new is not old for new, old in zip(fitted, row, strict=True))


def _fitting(value: Any, field: pa.Field) -> Any:
    if value is None or _is_fitting(value, field):
        return value
    if pa.types.is_string(field.type):
        text = value if isinstance(value, str) else repr(value)
        return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()
    return 0 if field.name in NOT_NULL else None


def _is_fitting(value: Any, field: pa.Field) -> bool:
    try:
        converted = pa.scalar(value, field.type).as_py()
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    smallest, largest = BOUNDS.get(field.name, (None, None))
    return smallest is None or smallest <= converted <= largest
