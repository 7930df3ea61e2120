"""Values of a row that their column can take: what clients and locustfiles report may be anything."""

from typing import Any

import pyarrow as pa

from workbench.request_schema import REQUIRED, WRITTEN

MAX_TEXT = 1_000  # characters


def fitting_row(row: tuple) -> tuple[tuple, int]:
    """The row with each value that does not fit repaired, or null, or 0 where there is no null; and how many."""
    fitted = tuple(_fitting(value, field) for value, field in zip(row, WRITTEN, strict=True))
    return fitted, sum(new is not old for new, old in zip(fitted, row, strict=True))


def _fitting(value: Any, field: pa.Field) -> Any:
    if value is None or _is_fitting(value, field.type):
        return value
    if pa.types.is_string(field.type):
        text = value if isinstance(value, str) else repr(value)
        return text[:MAX_TEXT].encode("utf-8", "backslashreplace").decode()
    return 0 if field.name in REQUIRED else None


def _is_fitting(value: Any, kind: pa.DataType) -> bool:
    try:
        pa.scalar(value, kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True
