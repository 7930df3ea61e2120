"""Reads the page back: the text of a section, the cells of its tables, and the sections themselves."""

import inspect
import re
from collections.abc import Callable
from functools import partial
from html import unescape

from reports import sections
from reports.sections import Report
from reports.tables import Html
from workbench.recording import Experiment

TAG = re.compile(r"<[^>]*>")
CELL = re.compile(r"<(t[hd])[^>]*>(.*?)</\1>", re.DOTALL)
MISSING_VALUE = re.compile(r"\b(None|nan|NaN|NaT|inf)\b")
PUBLISHED_USERS = (25, 50)


def every_section() -> dict[str, Callable[[Report], Html]]:
    """Every section as a function of the report alone, by name; the burst section once for each number of users."""
    exported = {name: getattr(sections, name) for name in sections.__all__}
    functions = {name: made for name, made in exported.items() if inspect.isfunction(made) and name != "verdict"}
    burst = functions.pop("burst")
    return functions | {f"burst {users}": partial(burst, users=users) for users in PUBLISHED_USERS}


def report_of(experiment: Experiment) -> Report:
    """A report without findings, for sections that show none."""
    return Report(experiment, [])


def page_text(html: Html) -> str:
    """The text of a piece of the page, without tags."""
    return unescape(TAG.sub(" ", str(html)))


def table_rows(html: Html, caption: str) -> list[list[str]]:
    """The texts of the one table whose caption contains `caption`, row by row, the head first."""
    (table,) = (part for part in re.findall(r"<table>.*?</table>", str(html), re.DOTALL) if caption in part)
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [[unescape(TAG.sub("", cell)) for _, cell in CELL.findall(row)] for row in rows]


def table_cells(html: Html, caption: str) -> dict[str, dict[str, str]]:
    """The cells of that table: row name to column to text."""
    head, *rows = table_rows(html, caption)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def column(rows: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    """One column of `table_cells`: row name to text."""
    return {row: cells[name] for row, cells in rows.items()}
