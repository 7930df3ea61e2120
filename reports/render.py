"""Turn an executed notebook into the one HTML file that a stakeholder opens.

The page holds everything it needs: no script, no style sheet, no font and no picture comes from elsewhere. Its colours
are those of `analysis.figures.palette`. The same notebook content gives the same bytes, whatever cell ids papermill
drew.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter, TemplateExporter
from nbformat import NotebookNode

from workbench import atomic
from workbench.text_cleaning import Target, cleaned

from .page_frame import TEMPLATE, Frame

SENTINEL = "report complete"
NOTEBOOK_ONLY = "notebook-only"  # the tag of a cell that the page leaves out: a text for readers of the notebook
SECTION_HEADING = "## "
HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
TITLE = re.compile(r"<h1[^>]*>.*?</h1>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")


def render(executed: Path, page: Path, title: str = "") -> None:
    """Write `page` from the notebook `executed`; an older page stays as it was until the new one is complete.

    `title` takes the place of the notebook's.

    The last code cell must show `report complete` as its text/plain output: the sign that every cell ran. The page does
    not show it. Raises ValueError when the notebook did not run to its end, or when two elements of the page would have
    the same id (two figures of one name, two equal headings).
    """
    notebook = nbformat.read(executed, as_version=4)
    _take_sentinel(notebook, executed.name)
    notebook.cells = [cell for cell in notebook.cells if NOTEBOOK_ONLY not in cell.metadata.get("tags", ())]
    notebook.cells = list(_with_content(notebook.cells))
    if title:
        notebook.metadata["title"] = title
    html, _ = _exporter().from_notebook_node(
        notebook, {"metadata": {"name": executed.stem}, "frame": Frame.current("page.js", ("rows.css", "sparks.css"))}
    )
    _refuse_repeated_ids(html, executed.name)
    page.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(page, html)


def _take_sentinel(notebook: NotebookNode, name: str) -> None:
    """Remove the sentinel from the last code cell; raise ValueError without one, or after a failed cell."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    failed = any(output.output_type == "error" for cell in cells for output in cell.outputs)
    if failed or not cells or not any(map(_is_sentinel, cells[-1].outputs)):
        raise ValueError(f"{name} did not run to its end")
    cells[-1].outputs = [output for output in cells[-1].outputs if not _is_sentinel(output)]


def _is_sentinel(output: NotebookNode) -> bool:
    return SENTINEL in output.get("data", {}).get("text/plain", "")


def _with_content(cells: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """The cells without sections whose outputs are empty: an experiment measures what its profile has."""
    for section in _split(cells):
        outputs = [output for cell in section if cell.cell_type == "code" for output in cell.outputs]
        if not outputs or any(map(_shows_something, outputs)):
            yield from section


def _split(cells: Iterable[NotebookNode]) -> list[list[NotebookNode]]:
    """The cells before the first section, then those of each section with its heading."""
    sections: list[list[NotebookNode]] = [[]]
    for cell in cells:
        if cell.cell_type == "markdown" and cell.source.startswith(SECTION_HEADING):
            sections.append([])
        sections[-1].append(cell)
    return sections


def _shows_something(output: NotebookNode) -> bool:
    content = output.get("data", {}).get("text/html")
    return content is None or bool(content.strip())


class PageExporter(HTMLExporter):
    """An exporter with the templates of this environment only, whatever the caller's `JUPYTER_PATH` has."""

    def get_prefix_root_dirs(self) -> list[str]:
        return [str(Path(sys.prefix) / "share" / "jupyter")]

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **options: Any) -> Any:
        """The page as the template has it. `HTMLExporter` would parse it again, for pictures without a description."""
        return TemplateExporter.from_notebook_node(self, nb, resources, **options)


def _exporter() -> HTMLExporter:
    exporter = PageExporter(
        template_name=TEMPLATE.name,
        extra_template_basedirs=[str(TEMPLATE.parent)],
        exclude_anchor_links=True,
    )
    exporter.register_filter("anchored", _anchored)
    # The notebook's title is not the page's first heading, which is the verdict.
    exporter.register_filter("retitled", lambda html: TITLE.sub("", html))
    exporter.register_filter("html", lambda text: cleaned(text, Target.HTML))
    exporter.register_filter("html_lines", lambda text: escape(cleaned(text, Target.LINES)))
    exporter.register_filter("sections", lambda cells: _sections(exporter, cells))
    return exporter


def _anchored(html: str) -> str:
    """Give each heading an id made of its words, so that links can point to it."""
    return HEADING.sub(lambda match: f'<h{match[1]} id="{_anchor(match[2])}">{match[2]}</h{match[1]}>', html)


def _anchor(heading: str) -> str:
    return "-".join(re.findall(r"\w+", unescape(TAG.sub("", heading)).lower()))


def _sections(exporter: HTMLExporter, cells: list[NotebookNode]) -> list[tuple[str, str]]:
    """Anchor and text of each second-level heading, through the same Markdown as the page itself."""
    pages = [exporter.markdown2html({}, cell.source) for cell in cells if cell.cell_type == "markdown"]
    headings = [text for page in pages for level, text in HEADING.findall(page) if level == "2"]
    return [(_anchor(heading), TAG.sub("", heading)) for heading in headings]


class _Ids(HTMLParser):
    """A counter of the ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.update(value for name, value in attrs if name == "id" and value)


def _refuse_repeated_ids(html: str, name: str) -> None:
    ids = _Ids()
    ids.feed(html)
    repeated = sorted(value for value, count in ids.seen.items() if count > 1)
    if repeated:
        raise ValueError(f"{name} uses an id more than once: {', '.join(repeated)}")
