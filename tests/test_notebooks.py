"""The notebooks define nothing, and their parameters are typed and documented."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from reports import sections

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(path):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_the_notebooks_are_in_reading_order():
    assert [path.stem for path in NOTEBOOKS] == ["00-start", "01-measure", "02-analyse", "03-report", "04-explore"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_defines_nothing(path):
    nbformat.validate(nbformat.read(path, as_version=4))
    for cell in code_cells(path):
        assert not re.search(r"^\s*(def|class|async def) ", "".join(cell["source"]), re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path):
    assert [cell["outputs"] for cell in code_cells(path) if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_every_parameter_has_a_type_and_a_comment(path):
    (cell,) = (cell for cell in code_cells(path) if "parameters" in cell["metadata"].get("tags", ()))
    for line in "".join(cell["source"]).split("\n"):
        assert re.match(r"\w+: (str|int|float|bool) = \S+.*  # \S+", line), line


def test_the_report_notebook_calls_every_section():
    (report,) = (path for path in NOTEBOOKS if path.stem == "03-report")
    source = "\n".join("".join(cell["source"]) for cell in code_cells(report))
    called = re.findall(r"^sections\.(\w+)\(report\)$", source, re.MULTILINE)
    assert sorted(called) == sorted(name for name in sections.__all__ if name not in ("Report", "headline", "title"))


def test_the_report_notebook_does_not_import_loadgen():
    (report,) = (path for path in NOTEBOOKS if path.stem == "03-report")
    assert "loadgen" not in report.read_text()
