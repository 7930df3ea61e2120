"""What makes a page: this program, by a digest of its files, and the packages that write and draw it.

Two pages of one experiment that were made with the same have the same bytes. With other packages drawings may differ,
with another program the words too.
"""

import platform
from functools import cache
from importlib.metadata import version

from workbench.paths import PUBLISHED, REPOSITORY
from workbench.program_digest import program_digest

MADE_WITH = "made_with"  # the name of these facts in the data block of a page
PROGRAM = "program"
PACKAGES = ("duckdb", "matplotlib", "nbconvert", "numpy", "pandas", "scipy")
FOLDERS = ("analysis", "reports", "workbench")
SUFFIXES = {".py", ".j2", ".css", ".js"}
OTHER_FILES = ("notebooks/02-analyse.ipynb", "notebooks/03-report.ipynb", "objectives.toml")


@cache
def made_with() -> dict[str, str]:
    """The digest of the program, and the versions of Python and of the packages, by name."""
    versions = {name: version(name) for name in PACKAGES}
    return {PROGRAM: _program_digest(), "Python": platform.python_version(), **versions}


def _program_digest() -> str:
    """The digest of the files that decide on a page."""
    paths = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*") if path.suffix in SUFFIXES]
    return program_digest([*paths, *(REPOSITORY / name for name in OTHER_FILES), *PUBLISHED.glob("*.csv")])
