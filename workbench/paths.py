"""Where recorded runs and published figures lie. `TRACETRACK_DATA_DIR` moves all that is recorded."""

import os
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PUBLISHED = REPOSITORY / "data" / "published"
# An id: of an experiment, a run, a deployment, a scenario or a profile. It never leads out of a folder.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def is_id(name: object) -> bool:
    """True for a text that can be an id."""
    return isinstance(name, str) and NAME.fullmatch(name) is not None


SINGLE_RUNS = "single-runs"  # the folder of runs that belong to no experiment


def data_directory() -> Path:
    """The folder of everything that is recorded or built for it."""
    return Path(os.environ.get("TRACETRACK_DATA_DIR") or REPOSITORY / "data").resolve()


def runs_directory() -> Path:
    """The folder of the experiments."""
    return data_directory() / "runs"


def recording_path(name: str) -> Path:
    """The folder of an experiment or a run: `name` is a path that exists, or an id below `runs_directory()`.

    An id is `<experiment>` or `<experiment>/<run>`. The folder need not exist.
    """
    path = Path(name)
    return path if name and path.exists() else runs_directory() / name
