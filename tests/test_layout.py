"""The layout holds: one thing has one name, a file is one noun, a function fits on a screen."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("workbench", "instrumentation", "reference_app", "loadgen", "analysis", "reports", "lab", "bench")
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 40
# The public import of a user's locustfile, and the sections of the page, which are named after what they show.
SHARED_NAMES = {ROOT / "loadgen" / "generator" / "recording.py", *(ROOT / "reports" / "sections").glob("*.py")}


def sources(*packages):
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def test_no_base_name_stands_for_two_modules():
    modules = [path for path in sources(*PACKAGES) if not path.stem.startswith("__") and path not in SHARED_NAMES]
    names = Counter(path.stem for path in modules) + Counter(package for package in PACKAGES)
    assert [name for name, number in names.items() if number > 1] == []


def test_no_base_name_stands_for_two_files_of_tests():
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, number in names.items() if number > 1] == []  # pytest collects one of them


def test_no_file_is_longer_than_one_noun_needs():
    lengths = {path: len(path.read_text().splitlines()) for path in sources(*PACKAGES)}
    assert {path.name: length for path, length in lengths.items() if length > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen():
    too_long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources(*PACKAGES, "tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert too_long == []
