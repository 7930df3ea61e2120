"""Whether every scan that was acknowledged is there, once: looked for row by row before a run's database goes."""

from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from workbench.request_schema import request_name

from .services import DatabaseServer

STORED = "SELECT idempotency_key, count(*) FROM tracetrack.scan WHERE idempotency_key IS NOT NULL GROUP BY 1"


@dataclass(frozen=True)
class Writes:
    """`lost` were acknowledged and are not there, `unacknowledged` are there and were not acknowledged."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    unacknowledged: int

    def record(self) -> dict:
        return asdict(self)


def check(server: DatabaseServer, database: str, requests: Path) -> Writes | None:
    """Hold the rows of the load generator against those of the database; None where nothing was written."""
    rows = pd.read_parquet(requests, columns=["user", "sequence", "endpoint", "ok"])
    scans = rows[rows["endpoint"] == "scan"]
    if scans.empty:
        return None
    good = scans[scans["ok"]]
    acknowledged = {request_name(user, sequence) for user, sequence in zip(good["user"], good["sequence"], strict=True)}
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
