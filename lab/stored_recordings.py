"""What is stored on this machine: the built pages and the recorded experiments."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from workbench import display
from workbench.errors import RecordingError
from workbench.paths import REPOSITORY, runs_directory
from workbench.record_files import read_json

from .shown import paragraphs

PAGES = {"optimization-results.html": "the report", "index.html": "all reports"}
COLUMNS = ["experiment", "profile", "status", "planned runs"]


class Stored:
    """The built pages as links, and a row for each recorded experiment, the newest first."""

    def __init__(self, pages: Path, runs: Path):
        self._pages = [pages / name for name in PAGES if (pages / name).is_file()]
        self.table = pd.DataFrame(list(_experiments(runs)), columns=COLUMNS)

    @property
    def sentences(self) -> list[str]:
        """How much there is, and how to get more."""
        pages = "" if self._pages else "No page is built yet: `make report` measures and builds one."
        experiments = "" if len(self.table) else "No experiment is recorded yet: 01-measure.ipynb measures one."
        return [f"{len(self.table)} recorded experiments", *filter(None, [pages, experiments])]

    def __repr__(self) -> str:
        return display.text([*self.sentences, *map(str, self._pages)], self.table)

    def _repr_html_(self) -> str:
        links = "".join(f"<p>{_link(path)}</p>" for path in self._pages)
        return links + paragraphs(self.sentences) + display.html([""], self.table)


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


def _link(page: Path) -> str:
    """A link that JupyterLab's server answers with the page itself, in a tab of its own."""
    address = "/files/" + quote(str(page.relative_to(REPOSITORY)))
    return f'<a href="{escape(address)}" target="_blank">{PAGES[page.name]}</a>'
