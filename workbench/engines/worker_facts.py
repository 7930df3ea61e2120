"""What a worker has to have in common with the process that asks it, so that results are the same to the last digit."""

import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version

from ..paths import REPOSITORY
from ..program_digest import program_digest

PACKAGES = ("duckdb", "pyarrow", "pandas", "numpy")


@cache
def worker_facts() -> dict[str, str]:
    """Versions of Python and packages, and the digest of this package's code."""
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        **{name: version(name) for name in PACKAGES},
        "code of workbench": program_digest((REPOSITORY / "workbench").rglob("*.py")),
    }


def differing(theirs: Mapping[str, str]) -> str:
    """The first fact in which another process differs; empty where none does."""
    return next((name for name, value in worker_facts().items() if theirs.get(name) != value), "")
