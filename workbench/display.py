"""Recordings as they show themselves: as text in a terminal, as HTML in a notebook."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .text_cleaning import MAX_NAME_CHARACTERS, Target, cleaned


def text(lines: Sequence[str], table: pd.DataFrame) -> str:
    """The lines, and the table below them."""
    rows = [] if table.empty else [_printable(table).to_string(index=False, na_rep="–")]
    return "\n".join([*(cleaned(line, Target.LINE) for line in lines), *rows])


def html(lines: Sequence[str], table: pd.DataFrame) -> str:
    """The lines as paragraphs, the first one bold, and the table below them."""
    first, *others = (cleaned(line, Target.HTML) for line in lines)
    below = "" if table.empty else _printable(table).to_html(index=False, na_rep="–", border=0)
    return "".join([f"<p><strong>{first}</strong></p>", *(f"<p>{line}</p>" for line in others), below])


def _printable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its texts on one line each; the names of endpoints are those of the target."""
    return table.map(_printable_cell)


def _printable_cell(value: Any) -> Any:
    return cleaned(value, Target.LINE, MAX_NAME_CHARACTERS) if isinstance(value, str) else value
