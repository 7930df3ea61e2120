"""Audit of writes: after a run every scan is looked up in its database, before that is dropped."""

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from workbench.endpoints import SCAN
from workbench.request_schema import request_name

from .services import DatabaseServer

STORED_STATUS = 201
STORED = "SELECT idempotency_key, count(*) FROM tracetrack.scan WHERE idempotency_key IS NOT NULL GROUP BY 1"


@dataclass(frozen=True)
class Writes:
    """Numbers of scans. `lost` were acknowledged and are not stored; `unacknowledged` are stored all the same."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    unacknowledged: int

    def record(self) -> dict:
        return asdict(self)


def check(server: DatabaseServer, database: str, requests: Path) -> Writes | None:
    """Compare the scans in the request rows with the rows of the database; None if the load had no scans."""
    rows = pd.read_parquet(requests, columns=["user", "sequence", "endpoint", "status", "ok"])
    scans = rows[rows["endpoint"] == SCAN.name]
    if scans.empty:
        return None
    # A response that the session has ended is no failure, and acknowledges nothing.
    successful = scans[scans["ok"] & (scans["status"] == STORED_STATUS)]
    acknowledged = {
        request_name(user, sequence) for user, sequence in zip(successful["user"], successful["sequence"], strict=True)
    }
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(STORED)
        stored = dict(cursor.fetchall())
    return Writes(
        acknowledged=len(acknowledged),
        stored=sum(stored.values()),
        lost=len(acknowledged - set(stored)),
        doubled=sum(count > 1 for count in stored.values()),
        unacknowledged=len(set(stored) - acknowledged),
    )
