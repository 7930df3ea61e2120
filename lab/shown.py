"""A result in a cell: sentences, a figure, and a table that can be sorted and filtered in place."""

from collections.abc import Sequence
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import display
from workbench.text_cleaning import Target, cleaned

from . import plot_style
from .table_view import printable, table_widget

MAX_TEXT_ROWS = 20  # of a table in a terminal


class View:
    """What shows itself in a cell: sentences, numbers and a widget; as text the sentences and the first numbers."""

    has_table_in_text = True  # False for a table that says nothing as text

    @property
    def sentences(self) -> Sequence[str]:
        """What it says, the most important sentence first."""
        raise NotImplementedError

    @property
    def table(self) -> pd.DataFrame:
        """Its numbers."""
        raise NotImplementedError

    @property
    def widget(self) -> ipywidgets.Widget:
        """What it is in a notebook."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return display.text(self.sentences, self._first_rows if self.has_table_in_text else pd.DataFrame())

    def _repr_html_(self) -> str:
        return display.html(self.sentences or [""], self._first_rows)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widget where there is a front end, and text and HTML where there is none."""
        return {"text/plain": repr(self), "text/html": self._repr_html_(), **widget_bundle(self.widget)}

    @property
    def _first_rows(self) -> pd.DataFrame:
        return self.table.head(MAX_TEXT_ROWS).apply(printable)


class Shown(View):
    """A result: what it says (`sentences`), its numbers (`table`), and its figure, None where there is none.

    shown = exp.effects("burst-50")
    shown.table.sort_values("ratio")
    shown.figure.write_html("effects.html")
    """

    def __init__(self, sentences: Sequence[str], table: pd.DataFrame, figure: go.Figure | None = None):
        self._sentences, self._table, self.figure = tuple(sentences), table, figure

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it says."""
        return self._sentences

    @property
    def table(self) -> pd.DataFrame:
        """Its numbers."""
        return self._table

    @property
    def widget(self) -> ipywidgets.VBox:
        """A new widget with the result; the table of one that is shown twice does not format its numbers."""
        parts: list[Any] = [ipywidgets.HTML(paragraphs(self.sentences))]
        if self.figure is not None:
            parts.append(plot_style.interactive(self.figure))
        if not self.table.empty:
            parts.append(self._table_widget())
        return plot_style.styled(parts)

    def _table_widget(self) -> Any:
        table = table_widget(self.table)
        if self.figure is None:
            return table
        folded = ipywidgets.Accordion([table])
        folded.set_title(0, f"Numbers ({len(self.table):,} rows)")
        return folded


class SummaryView(View):
    """A view whose sentences, table and widget are those of a result, `_summary`."""

    @property
    def _summary(self) -> Shown:
        raise NotImplementedError

    @property
    def sentences(self) -> Sequence[str]:
        """What it says."""
        return self._summary.sentences

    @property
    def table(self) -> pd.DataFrame:
        """Its numbers."""
        return self._summary.table

    @property
    def widget(self) -> ipywidgets.Widget:
        """A new widget with sentences, figure and table."""
        return self._summary.widget


def paragraphs(sentences: Sequence[str]) -> str:
    """The sentences as HTML, the first one bold; a text of the target's stays text."""
    first, *others = [cleaned(text, Target.HTML) for text in sentences] or [""]
    return "".join([f"<p><strong>{first}</strong></p>", *(f"<p>{text}</p>" for text in others)])


def widget_bundle(widget: ipywidgets.Widget) -> dict[str, Any]:
    """The part of an output that has a front end show a widget."""
    bundle = widget._repr_mimebundle_()
    return {"application/vnd.jupyter.widget-view+json": bundle["application/vnd.jupyter.widget-view+json"]}
