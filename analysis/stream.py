"""Reading the Arrow streams of a run, also of one that was cut off."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

STREAMS = "requests-*.arrows"


def read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """The whole batches of a stream; the torn end of one that was cut off is left out."""
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            yield from stream
    except (pa.ArrowInvalid, OSError):
        return
