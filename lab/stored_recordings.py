"""What is stored on this machine: the built pages and the recorded experiments."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ipywidgets
import pandas as pd

from workbench import display
from workbench.errors import RecordingError
from workbench.paths import REPOSITORY, runs_directory
from workbench.record_files import read_json

from . import plot_style, texts
from .shown import paragraphs, widget_bundle
from .table_view import table_widget

PAGES = {"optimization-results.html": "the report", "index.html": "all reports"}
COLUMNS = ["experiment", "profile", "status", "planned runs"]


class Stored:
    """The built pages as links, and a row for each recorded experiment, the newest first."""

    def __init__(self, pages: Path, runs: Path):
        self._pages = [pages / name for name in PAGES if (pages / name).is_file()]
        self._folder = [runs] if runs.is_relative_to(REPOSITORY) and runs.is_dir() else []
        self.table = pd.DataFrame(list(_experiments(runs)), columns=COLUMNS)

    @property
    def sentences(self) -> list[str]:
        """How much there is, and how to get more."""
        pages = "" if self._pages else "No page is built yet: make report measures and builds one."
        experiments = "" if len(self.table) else "No experiment is recorded yet: 01-measure.ipynb measures one."
        return [texts.counted(len(self.table), "recorded experiment"), *filter(None, [pages, experiments])]

    def __repr__(self) -> str:
        return display.text([*self.sentences, *map(str, self._pages)], self.table)

    @property
    def widget(self) -> ipywidgets.VBox:
        """Links, sentences, and the table of the experiments."""
        text = ipywidgets.HTML(self._links() + paragraphs(self.sentences))
        return plot_style.styled([text, *([table_widget(self.table)] if len(self.table) else [])])

    def _links(self) -> str:
        return "".join(f"<p>{_link(path)}</p>" for path in (*self._pages, *self._folder))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        html = self._links() + display.html(self.sentences, self.table)
        return {"text/plain": repr(self), "text/html": html, **widget_bundle(self.widget)}


def stored() -> Stored:
    """The pages and experiments of this checkout."""
    return Stored(REPOSITORY / "reports" / "html", runs_directory())


def _experiments(runs: Path) -> Iterator[tuple[Any, ...]]:
    for path in sorted(runs.glob("*/experiment.json"), reverse=True):
        try:
            record = read_json(path).value
            yield path.parent.name, record.get("profile"), record.get("status"), len(record.get("runs", []))
        except (RecordingError, AttributeError, TypeError):
            yield path.parent.name, None, "cannot be read", None


def _link(path: Path) -> str:
    """A link to a page in a tab of its own, or to a folder in JupyterLab's list of files."""
    place = quote(str(path.relative_to(REPOSITORY)))
    if path.is_dir():
        return f'<a href="/lab/tree/{escape(place)}">the recorded runs</a>'
    return f'<a href="/files/{escape(place)}" target="_blank">{PAGES[path.name]}</a>'
