"""A table in a cell: sorted and filtered in place, and never more rows than a browser shows at once."""

import numpy as np
import pandas as pd
from itables.widget import ITable

from workbench.text_cleaning import MAX_CHARACTERS, Target, cleaned

from .cell_style import LONG_TEXT

MAX_ROWS = 5_000  # sent to the browser; a frame of a million rows stays in the kernel
MAX_LINE_CHARACTERS = 60
SIGNIFICANT_DIGITS, MAX_DECIMALS = 3, 4
MAX_WHOLE = 2**53  # above it a float has no digit after the point


def table_widget(table: pd.DataFrame) -> ITable:
    """The first `MAX_ROWS` rows of a table as a widget; its caption says so where there are more."""
    shown = table.head(MAX_ROWS)
    more = f"the first {MAX_ROWS:,} of {len(table):,} rows; .table has all" if len(table) > MAX_ROWS else ""
    shown = shown.apply(printable)
    return ITable(
        shown,
        caption=more or None,
        showIndex=False,
        maxBytes=0,
        layout={"topStart": "pageLength", "topEnd": "search", "bottomStart": "info", "bottomEnd": "paging"},
        classes="compact stripe nowrap",
        scrollX=True,
        allow_html=False,  # texts are those of a target
        columnDefs=[{"targets": _long_texts(shown), "className": LONG_TEXT}],
        style="table-layout:auto;width:auto;max-width:100%;float:left",
    )


def _long_texts(table: pd.DataFrame) -> list[int]:
    """The positions of columns with texts that wrap; names, and what is shorter, stay on a line."""
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    long = [name for name in texts if (table[name].astype(str).str.len() > MAX_LINE_CHARACTERS).any()]
    return [list(table).index(name) for name in long]


def printable(column: pd.Series) -> pd.Series:
    """A column with as many decimals as its middle value needs, and texts of the target on one line."""
    if pd.api.types.is_float_dtype(column):
        return _rounded(column)
    if pd.api.types.is_string_dtype(column) or column.dtype == object:
        return column.map(lambda value: cleaned(str(value), Target.LINE, MAX_CHARACTERS), na_action="ignore")
    return column


def _rounded(column: pd.Series) -> pd.Series:
    known = column.dropna()
    sizes = known.abs()[np.isfinite(known) & (known != 0)]
    if sizes.empty:
        return column
    decimals = int(np.clip(SIGNIFICANT_DIGITS - 1 - np.floor(np.log10(sizes.median())), 0, MAX_DECIMALS))
    rounded = column.round(MAX_DECIMALS if sizes.max() <= 1 else decimals)  # a small p among large ones is not 0
    is_whole = bool((rounded.dropna() % 1 == 0).all()) and sizes.max() < MAX_WHOLE
    return rounded.astype("Int64") if is_whole and np.isfinite(known).all() else rounded
