"""Space that a run keeps on its disk while it goes on, so that its record can be completed when the disk is full."""

import os
from pathlib import Path

RESERVE_BYTES = 2 * 2**20  # the record, and the rows of some 50,000 requests
FILE = ".reserve"  # a hidden file is no part of a run


def keep(directory: Path) -> None:
    """Take the space. Raises `OSError` where there is not so much."""
    with (directory / FILE).open("xb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


def release(directory: Path) -> None:
    """Give the space back, for what is written last; nothing happens where it was given back before."""
    (directory / FILE).unlink(missing_ok=True)
