"""`docs/SECURITY.md` names guards and tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEADER = ["who", "threat", "guard", "test"]
NAMED_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
NAMED_FILE = re.compile(r"`((?:\.?\w+/)[\w./-]+|Makefile|\w+\.lock)`")
SECTIONS = [
    "Application",
    "Monitor and metrics",
    "Services",
    "Recordings and page",
    "Notebooks and JupyterLab",
    "Load generator",
    "Lock and workflow",
]


def tables():
    """The rows of each table of guards, by the second-level heading that they stand below."""
    found, section, is_inside = {}, "", False
    for line in (ROOT / "docs" / "SECURITY.md").read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            is_inside = False
        elif cells == HEADER:
            is_inside = True
        elif is_inside and set(line) - set("|- "):
            found.setdefault(section, []).append(cells)
    return found


ROWS = [row for rows in tables().values() for row in rows]


def names_in(path):
    """The names of the tests that a file defines."""
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_every_section_has_guards():
    assert list(tables()) == SECTIONS
    assert len(ROWS) > 100


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_a_row_has_an_attacker_a_threat_a_guard_in_a_file_and_a_test(row):
    assert len(row) == len(HEADER)
    assert all(row)
    files = NAMED_FILE.findall(row[2])
    assert files
    assert [name for name in files if not (ROOT / name).is_file()] == []
    named = NAMED_TEST.findall(row[3])
    assert ", ".join(f"`{path}::{name}`" for path, name in named) == row[3]
    missing = [name for path, name in named if name not in names_in(ROOT / "tests" / path)]
    assert missing == []
