"""What a worker has to have in common with the process that asks it, so that results are the same to the last digit."""

import hashlib
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("duckdb", "pyarrow", "pandas", "numpy")
WORKBENCH = Path(__file__).resolve().parent.parent


@cache
def worker_facts() -> dict[str, str]:
    """Versions of Python and packages, and the digest of this package's code."""
    code = hashlib.sha256()
    for path in sorted(WORKBENCH.rglob("*.py")):
        code.update(path.read_bytes())
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        **{name: version(name) for name in PACKAGES},
        "code of workbench": code.hexdigest(),
    }


def differing(theirs: Mapping[str, str]) -> str:
    """The first fact in which another process differs; empty where none does."""
    return next((name for name, value in worker_facts().items() if theirs.get(name) != value), "")
