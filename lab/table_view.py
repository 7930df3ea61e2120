"""A table in a cell: sorted and filtered in place, and never more rows than a browser shows at once."""

import pandas as pd
from itables.widget import ITable

from workbench.text_cleaning import MAX_NAME_CHARACTERS, Target, cleaned

MAX_ROWS = 5_000  # sent to the browser; a frame of a million rows stays in the kernel
SIGNIFICANT_DIGITS = 4


def table_widget(table: pd.DataFrame) -> ITable:
    """The first `MAX_ROWS` rows of a table as a widget; its caption says so where there are more."""
    shown = table.head(MAX_ROWS)
    more = f"the first {MAX_ROWS:,} of {len(table):,} rows; .table has all" if len(table) > MAX_ROWS else ""
    return ITable(
        shown.apply(_printable),
        caption=more or None,
        showIndex=False,
        maxBytes=0,
        layout={"topStart": "pageLength", "topEnd": "search", "bottomStart": "info", "bottomEnd": "paging"},
        classes="compact stripe",
        style="table-layout:auto;width:auto;max-width:100%;float:left",
    )


def _printable(column: pd.Series) -> pd.Series:
    """A column with rounded numbers, and texts of the target on one line."""
    if pd.api.types.is_float_dtype(column):
        return column.map(lambda value: float(f"{value:.{SIGNIFICANT_DIGITS}g}"), na_action="ignore")
    if pd.api.types.is_string_dtype(column) or column.dtype == object:
        return column.map(lambda value: cleaned(str(value), Target.LINE, MAX_NAME_CHARACTERS), na_action="ignore")
    return column
