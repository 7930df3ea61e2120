"""How many sessions are stored, counted by the monitor itself every `COUNT_S` seconds, with bounded work.

| store | what is counted |
| --- | --- |
| `valkey` | keys with the prefix of sessions |
| `postgresql` | rows of the application's statement, which stops at `MAX_ROWS` |
| `files` | files of the folder whose names are digests, up to `MAX_FILES`, expired ones included |

A database of Valkey with up to `MAX_SCANNED` keys is scanned. In a larger one the number of all keys, which Valkey
knows, is multiplied by the share of sessions among `SAMPLES` random keys.

The monitor knows the store of the sessions for that, and nothing else of the application. Sessions in cookies are
stored nowhere, and not counted.
"""

import asyncio
import json
import math
import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

VARIABLE = "INSTRUMENTATION_MONITOR_SESSIONS"
COUNT_S = 10.0
TIMEOUT_S = 2
MAX_SCANNED, SAMPLES = 2_000, 400
MAX_ROWS, MAX_FILES = 100_000, 100_000
MAX_REASON_LENGTH = 200
_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_GLOB = re.compile(r"([\[\]*?\\])")


@dataclass(frozen=True)
class SessionStore:
    """Where the sessions of an application are.

    `place` is a URL, or a folder; `what` the prefix of the keys, the statement that selects the rows, or the name of
    the one file in the folder that is no session.
    """

    kind: str
    place: str
    what: str

    def to_environ(self) -> dict[str, str]:
        """The environment that names the store to the monitor: other users cannot read it, as they can a command."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environ(cls) -> "SessionStore | None":
        """The store that the environment names, which then no longer does; None without one."""
        text = os.environ.pop(VARIABLE, "")
        return cls(**json.loads(text)) if text else None


@dataclass(frozen=True)
class SessionCount:
    """A count of stored sessions, at a time of day.

    `number` is None where they could not be counted, for a `reason`. The true number is within `margin` in 95 of 100
    counts; it is at least `number` where `is_capped`.
    """

    store: str
    at_s: float
    number: int | None
    margin: int = 0
    is_capped: bool = False
    reason: str = ""


class SessionCounter:
    """Counts the sessions of a store; `newest` is None without a store, and until the first count has ended."""

    def __init__(self, store: SessionStore | None):
        self._store = store
        self.newest: SessionCount | None = None

    async def count_repeatedly(self) -> None:
        """Count for as long as the task runs, in a thread: a store that does not answer holds up nothing."""
        while self._store:
            self.newest = await asyncio.to_thread(count, self._store)
            await asyncio.sleep(COUNT_S)


def shown(newest: SessionCount | None) -> dict[str, Any] | None:
    """A count as the page gets it."""
    return asdict(newest) if newest else None


def count(store: SessionStore) -> SessionCount:
    """Count the sessions that are stored now."""
    at_s = time.time()
    try:
        number, margin, is_capped = COUNTERS[store.kind](store)
    except Exception as error:  # of the store's client, of which there are many kinds
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        return SessionCount(store.kind, at_s, None, reason=reason[:MAX_REASON_LENGTH])
    return SessionCount(store.kind, at_s, number, margin, is_capped)


def _keys(store: SessionStore) -> tuple[int, int, bool]:
    import redis

    with redis.Redis.from_url(store.place, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as client:
        keys = client.dbsize()
        if keys <= MAX_SCANNED:
            pattern = _GLOB.sub(r"\\\1", store.what) + "*"
            return len(set(client.scan_iter(pattern, count=MAX_SCANNED))), 0, False
        with client.pipeline(transaction=False) as pipeline:
            for _ in range(SAMPLES):
                pipeline.randomkey()
            drawn = pipeline.execute()
    hits = sum(key is not None and key.startswith(store.what.encode()) for key in drawn)
    return round(keys * hits / SAMPLES), round(keys * share_margin(hits, SAMPLES)), False


def share_margin(hits: int, draws: int) -> float:
    """Half the width of Agresti and Coull's interval of 95 % for a share."""
    draws += 4
    share = (hits + 2) / draws
    return 1.96 * math.sqrt(share * (1 - share) / draws)


def _rows(store: SessionStore) -> tuple[int, int, bool]:
    import psycopg2

    with closing(psycopg2.connect(store.place, connect_timeout=TIMEOUT_S)) as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", (1000 * TIMEOUT_S,))
        cursor.execute(f"SELECT count(*) FROM ({store.what} LIMIT {MAX_ROWS}) AS counted")
        ((number,),) = cursor.fetchall()
    return number, 0, number == MAX_ROWS


def _files(store: SessionStore) -> tuple[int, int, bool]:
    with os.scandir(store.place) as entries:
        number = sum(
            entry.name != store.what and _DIGEST.fullmatch(entry.name) is not None
            for entry in islice(entries, MAX_FILES)
        )
    return number, 0, number >= MAX_FILES - 1


COUNTERS: Mapping[str, Callable[[SessionStore], tuple[int, int, bool]]] = {
    "valkey": _keys,
    "postgresql": _rows,
    "files": _files,
}
