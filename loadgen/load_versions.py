"""A digest of the code that makes a load, and the versions below it, which all hosts of a load have in common."""

import platform
from importlib.metadata import version

from workbench.paths import REPOSITORY
from workbench.program_digest import program_digest

PACKAGES = ("workbench", "loadgen")
LIBRARIES = ("locust", "gevent", "pyzmq", "pyarrow")


def versions() -> dict[str, str]:
    """What has to be the same: the workbench by its digest, Python, and the libraries of a load, by name."""
    return {
        "workbench": _digest(),
        "Python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def difference(here: dict[str, str], there: object) -> str:
    """The first thing that differs, as in `locust (2.47.0 here, 2.46.1 there)`; empty where nothing does."""
    others = there if isinstance(there, dict) else {}
    for name, value in here.items():
        if (other := str(others.get(name, "unknown"))[:40]) != value:
            return f"{name} ({value} here, {other} there)"
    return ""


def _digest() -> str:
    return program_digest(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
