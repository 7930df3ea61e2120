"""What a locustfile imports: the packages beside it come first, also where the workbench has one of that name."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from workbench.paths import REPOSITORY

TAKEN = ("loadgen", "workbench")  # imported already, when a locustfile is


class Beside(MetaPathFinder):
    """Finds top-level modules in a directory, if the workbench has a folder of that name too.

    Without it a folder without `__init__.py` would lose to the package of the workbench, wherever that stands in
    `sys.path`, and so would whatever is imported after the locustfile, when Locust has taken its directory out again.
    """

    def __init__(self, directory: Path):
        self._directory = str(directory)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or fullname in TAKEN or not (REPOSITORY / fullname).is_dir():
            return None
        return PathFinder.find_spec(fullname, [self._directory], target)


def prefer(directory: Path) -> None:
    """Let modules of this directory come before those of the workbench."""
    sys.meta_path.insert(0, Beside(directory))
