"""Which engine computes frames of request rows: DuckDB in this process, or workers of a Dask cluster.

Both execute the same SQL with DuckDB. Without a cluster it is over all files at once. With one a worker does it for
each file where it is, and Dask merges the frames; scheduling, repeats and moves of data are Dask's.
"""

import atexit
import os
from functools import cache
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from .dask_cluster import DaskCluster

SCHEDULER = "TRACETRACK_DASK"  # the address of a scheduler, or LOCAL
LOCAL = "local"  # a cluster of processes of this machine, which ends with the command
DUCKDB, DASK = "duckdb", "dask"


def use(engine: str) -> None:
    """Use this engine in this process and its child processes, whatever the environment says."""
    if engine == DUCKDB:
        os.environ.pop(SCHEDULER, None)
    else:
        os.environ[SCHEDULER] = os.environ.get(SCHEDULER) or LOCAL


def cluster() -> "DaskCluster | None":
    """The cluster in use; None where DuckDB computes in this process.

    Raises `UserError` where Dask is not installed, the scheduler is away, or it has no workers.
    """
    address = os.environ.get(SCHEDULER)
    return _connected(address) if address else None


@cache
def _connected(address: str) -> "DaskCluster":
    try:
        from .dask_cluster import DaskCluster
    except ImportError as error:
        raise UserError(
            f"{SCHEDULER} and --engine dask need Dask, and {error.name} is not installed; run make scale, or leave "
            "them out: DuckDB then computes in this process"
        ) from None
    connected = DaskCluster(address)
    atexit.register(connected.close)
    return connected
