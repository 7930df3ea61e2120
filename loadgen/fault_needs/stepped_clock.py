"""A wall clock that can be stepped, for processes that are started with it: by libfaketime, a Debian package.

The monotonic clock goes on, as it does on a machine whose wall clock is set.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "clock"  # in the folder of a run, with the step in seconds
PATTERN = "*/faketime/libfaketimeMT.so.1"  # below /usr/lib
SITE = Path(__file__).with_name("stepped_site")
MISSING = "libfaketime is not installed"


def library() -> Path | None:
    """The library, if it is installed."""
    return next(iter(sorted([*Path("/usr/lib").glob(PATTERN), *Path("/usr/lib").glob(PATTERN[2:])])), None)


@contextmanager
def environ(folder: Path) -> Iterator[dict[str, str]]:
    """The environment variables of a process with that clock; in the block `folder` has the file that steps it."""
    step(folder, 0)
    yield {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(folder / FILE),
        "FAKETIME_CACHE_DURATION": "1",  # seconds after which a process looks at the file again
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # Else timed waits on the monotonic clock end at once: threads that wait for the interpreter use up a core.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "PYTHONPATH": str(SITE),
    }
    (folder / FILE).unlink(missing_ok=True)


def step(folder: Path, seconds: int) -> None:
    """Set the clock of the processes that have this folder's: seconds ahead of the machine's."""
    (folder / FILE).write_text(f"+{seconds}")
