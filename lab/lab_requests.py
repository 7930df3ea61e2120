"""The requests of a run in the lab: the slowest ones, and SQL over all of them."""

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from workbench.errors import RecordingError
from workbench.recording import Run
from workbench.request_rows import RequestRows

from . import texts
from .run_loss import or_loss
from .shown import Shown, SummaryView

COUNTS = """
    SELECT phase, endpoint, count(*) AS requests, count(*) FILTER (NOT ok) AS failures FROM requests
    GROUP BY ALL ORDER BY ALL
"""
COLUMNS = (
    "endpoint, user, sequence, start_ms - (SELECT min(start_ms) FROM measured) AS at_ms, latency_ms, queue_ms, app_ms, "
    "pool_ms, db_ms, hash_ms, cache, worker, connection, ok"
)


def query(runs: Sequence[Run], sql: str, name: str) -> Shown:
    """The result of SQL (DuckDB) over the requests of runs; blocks count from 1, as everywhere in the lab.

    Raises `RecordingError` with what the database says of the query.
    """
    table = RequestRows([run.source._replace(block=run.block + 1) for run in runs]).query(sql)
    return Shown([f"{texts.counted(len(table), 'row')} of {name}"], table)


class LabRequests(SummaryView):
    """The requests of a run, those of every phase; times in ms since the run began.

    run.requests.slowest("login", 10)
    run.requests.query("SELECT endpoint, count(*) AS requests FROM measured GROUP BY endpoint")
    run.requests.frame
    """

    def __init__(self, run: Run):
        self._run = run

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a request in the order of their sends; a million rows take about a gigabyte of memory."""
        return self._run.requests

    def slowest(self, endpoint: str = "", number: int = 10) -> Shown:
        """The slowest measured requests, of one endpoint or of all.

        Raises `RecordingError` for an endpoint that the run lacks, and where its rows cannot be read.
        """
        condition, parameters = ("endpoint = ?", [endpoint]) if endpoint else ("true", [])
        table = self._run.rows.query(
            f"SELECT {COLUMNS} FROM measured WHERE {condition} ORDER BY latency_ms DESC NULLS LAST LIMIT ?",
            [*parameters, int(number)],
        )
        if table.empty:
            raise RecordingError(self._absence(endpoint))
        of = f" to {endpoint}" if endpoint else ""
        slowest = table.iloc[0]
        if pd.isna(slowest["latency_ms"]):
            return Shown([f"No request{of} of {self._run.name} has a latency."], table)
        sentence = (
            f"The {texts.counted(len(table), 'slowest request')}{of} of {self._run.name}; the first took "
            f"{texts.milliseconds(slowest['latency_ms'])}."
        )
        return Shown([sentence.replace("1 slowest request", "slowest request"), self._how_to_look(slowest)], table)

    def query(self, sql: str) -> Shown:
        """The result of SQL (DuckDB) over `requests`, and `measured`, those of the measured phase.

        Raises `RecordingError` with what the database says of the query.
        """
        return query([self._run], sql, self._run.name)

    def _absence(self, endpoint: str) -> str:
        known = self._run.rows.query("SELECT DISTINCT endpoint FROM measured ORDER BY endpoint")["endpoint"]
        if endpoint and len(known):
            return f"{self._run.name} has no request to {endpoint!r}; there are {', '.join(known)}"
        return f"{self._run.name} measured no request"

    def _how_to_look(self, row: pd.Series) -> str:
        return f"run.microscope({int(row['user'])}, {int(row['sequence'])}) shows what the first one waited for."

    @property
    def _summary(self) -> Shown:
        return or_loss(self._run, self._counted)

    def _counted(self) -> Shown:
        counts = self._run.rows.query(COUNTS)
        first = f"{texts.counted(int(counts['requests'].sum()), 'request')} of {self._run.name}"
        return Shown([first, "slowest() lists them, query() takes SQL, frame has all of them."], counts)
