"""Where recorded things lie. `TRACETRACK_DATA_DIR` moves all of it, say to a larger disk."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PUBLISHED = REPOSITORY / "data" / "published"


def data_directory() -> Path:
    return Path(os.environ.get("TRACETRACK_DATA_DIR") or REPOSITORY / "data").resolve()


def runs_directory() -> Path:
    return data_directory() / "runs"
