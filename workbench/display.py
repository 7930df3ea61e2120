"""Recordings as they show themselves: as text in a terminal, as HTML in a notebook."""

from collections.abc import Sequence
from html import escape

import pandas as pd


def text(lines: Sequence[str], table: pd.DataFrame) -> str:
    """The lines, and the table below them."""
    return "\n".join([*lines, *([] if table.empty else [table.to_string(index=False, na_rep="–")])])


def html(lines: Sequence[str], table: pd.DataFrame) -> str:
    """The lines as paragraphs, the first one bold, and the table below them."""
    first, *others = (escape(line) for line in lines)
    below = "" if table.empty else table.to_html(index=False, na_rep="–", border=0)
    return "".join([f"<p><strong>{first}</strong></p>", *(f"<p>{line}</p>" for line in others), below])
