"""Audit of writes: after a run the rows of scans are compared with its requests, before its database is dropped.

A request's row does not have the bag that it was for, so that the bag of a stored scan is not compared.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from workbench.endpoints import SCAN
from workbench.request_schema import request_name

from .accounts import username
from .services import DatabaseServer

STORED_STATUS = 201
# The scans of the template have the ids from 1 to their number.
ADDED = """
    SELECT stored.idempotency_key, account.username
    FROM tracetrack.scan AS stored JOIN tracetrack."user" AS account ON account.id = stored.user_id
    WHERE stored.id > %s
"""
NAME = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)  # of a request


class Users(NamedTuple):
    """The accounts of a load: users beyond `sessions`, where that is not 0, share the cookies of the first ones."""

    accounts: int
    sessions: int

    def of(self, user: int) -> set[str]:
        """The accounts that a user may have: their own, or that of a user whose cookies they share."""
        shared = range(self.sessions) if user >= self.sessions else ()
        return {username(number, self.accounts) for number in (user, *shared)}


@dataclass(frozen=True)
class Writes:
    """Numbers of scans.

    acknowledged    successful responses
    stored          rows that the table has more than its template
    lost            acknowledged, and there is no row with its key
    doubled         rows beyond the first with the key of a request, and rows without such a key
    unacknowledged  requests without a successful response that are stored all the same
    wrong_user      rows with the key of a request that have another account than its user had
    """

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    unacknowledged: int
    wrong_user: int

    def record(self) -> dict:
        return asdict(self)


def check(
    server: DatabaseServer, database: str, requests: Path, template_counts: Mapping[str, int], sessions: int = 0
) -> Writes | None:
    """Compare the scans in the request rows with the rows of the database; None if the load had no scans.

    `template_counts` has the numbers of rows by table before the load; `sessions` is that of the scenario.
    """
    rows = pd.read_parquet(requests, columns=["user", "sequence", "endpoint", "status", "ok"])
    scans = rows[rows["endpoint"] == SCAN.name]
    if scans.empty:
        return None
    # A response that the session has ended is no failure, and acknowledges nothing.
    acknowledged = set(_names(scans[scans["ok"] & (scans["status"] == STORED_STATUS)]))
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(ADDED, (template_counts["scan"],))
        added = cursor.fetchall()
    sent, last = set(_names(scans)), rows.groupby("user")["sequence"].max()
    named = [(key, account) for key, account in added if key in sent or _has_lost_its_row(key, last)]
    stored, users = {key for key, _ in named}, Users(template_counts["user"], sessions)
    return Writes(
        acknowledged=len(acknowledged),
        stored=len(added),
        lost=len(acknowledged - stored),
        doubled=len(added) - len(stored),
        unacknowledged=len(stored - acknowledged),
        wrong_user=sum(account not in users.of(_user(key)) for key, account in named),
    )


def _names(scans: pd.DataFrame) -> Iterator[str]:
    """The names of requests, which are the keys of the scans."""
    return (request_name(user, sequence) for user, sequence in zip(scans["user"], scans["sequence"], strict=True))


def _has_lost_its_row(key: str | None, last: pd.Series) -> bool:
    """Whether a request of this name may have been sent after the last one of its user that has a row."""
    name = NAME.fullmatch(key or "")
    return name is not None and int(name[2]) > last.get(int(name[1]), 0)


def _user(key: str) -> int:
    return int(key.partition("-")[0])
