"""The rows of a run while it is going: their Arrow streams, also of one that was cut off, and a row's name."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

STREAMS = "requests-*.arrows"


def request_name(user: int, sequence: int) -> str:
    """The id under which a row's request is known to the application: in its log, and as a scan's idempotency key."""
    return f"{user}-{sequence}"


def read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of a stream; the torn end of one that was cut off is left out."""
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            yield from stream
    except (pa.ArrowInvalid, OSError):
        return
