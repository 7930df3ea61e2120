"""`GET /api/dashboard/stats`: the counts of the warehouse and its last scans.

The counts come by one of three queries: one statement a count, one aggregated statement (as published), or a row that
triggers keep. If a table or a column is missing, the answer has the parts that can be read and names the others.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import ProgrammingError

from .cached_answer import Answer
from .caches import cached
from .database import Row, read_with, roll_back, rows
from .drivers import sqlstate
from .guards import login_required
from .settings import current_settings

blueprint = Blueprint("dashboard", __name__)
log = logging.getLogger(__name__)

MISSING = ("42P01", "42703")  # undefined_table, undefined_column

COUNTS = {
    "total_bags": "SELECT count(*) AS count FROM tracetrack.bag",
    "total_scans": "SELECT count(*) AS count FROM tracetrack.scan",
    "total_bills": "SELECT count(*) AS count FROM tracetrack.bill",
    "active_users": 'SELECT count(*) AS count FROM tracetrack."user" WHERE active',
}
SEPARATE = {name: text(query) for name, query in COUNTS.items()}
AGGREGATED = text("SELECT " + ", ".join(f"({query}) AS {name}" for name, query in COUNTS.items()))
SUMMARY = text(f"SELECT {', '.join(COUNTS)} FROM tracetrack.summary")
RECENT_ACTIVITY = text(
    """
    SELECT scan.id, bag.qr_id, bag.type, "user".username, scan.scanned_at
    FROM tracetrack.scan
    JOIN tracetrack.bag ON bag.id = scan.bag_id
    JOIN tracetrack."user" ON "user".id = scan.user_id
    ORDER BY scan.scanned_at DESC, scan.id DESC
    LIMIT 10
    """
)

Counts = Mapping[str, int | None]


@blueprint.get("/api/dashboard/stats")
@login_required
def statistics() -> ResponseReturnValue:
    """The part that all users share comes from the cache; the user's own is added to it."""
    shared = cached("dashboard", "statistics", _read)
    return jsonify(success=True, user_context=g.user, **shared)


def _read() -> Answer:
    counts, recent, unavailable = read_with(_read_parts)
    for scan in recent:
        scan["scanned_at"] = scan["scanned_at"].isoformat()
    answer = {"stats": counts, "recent_activity": recent, "timestamp": datetime.now(UTC).isoformat()}
    return answer | ({"unavailable": unavailable} if unavailable else {})


def _read_parts(opened: Connection) -> tuple[Counts, list[Row], list[str]]:
    """The counts, the last scans, and the names of missing parts."""
    code: str | None
    try:
        counts, recent = _read_counts(opened), rows(opened, RECENT_ACTIVITY)
    except ProgrammingError as error:
        code, reason = _require_missing(error)
        roll_back(opened)
    else:
        if counts is not None:
            return counts, recent, []
        code, reason = None, "the summary has no row"
    available = _read_available_parts(opened)
    extra = {"unavailable": available[2], "code": code, "reason": reason}
    log.warning("statistics without their missing parts", extra=extra)
    return available


def _read_counts(opened: Connection) -> Counts | None:
    """The counts by name; None if the row that triggers keep is missing."""
    query = current_settings().statistics_query
    if query == "separate":
        return {name: rows(opened, statement)[0]["count"] for name, statement in SEPARATE.items()}
    return next(iter(rows(opened, SUMMARY if query == "summary" else AGGREGATED)), None)


def _read_available_parts(opened: Connection) -> tuple[Counts, list[Row], list[str]]:
    """Each count by itself, None where it cannot be read; the last scans; and the names of missing parts."""
    results = {name: _rows_unless_missing(opened, statement) for name, statement in SEPARATE.items()}
    recent = _rows_unless_missing(opened, RECENT_ACTIVITY)
    counts = {name: result[0]["count"] if result else None for name, result in results.items()}
    unavailable = [name for name, count in counts.items() if count is None]
    return counts, recent or [], unavailable + (["recent_activity"] if recent is None else [])


def _rows_unless_missing(opened: Connection, statement: TextClause) -> list[Row] | None:
    try:
        return rows(opened, statement)
    except ProgrammingError as error:
        _require_missing(error)
        roll_back(opened)
        return None


def _require_missing(error: ProgrammingError) -> tuple[str, str]:
    """PostgreSQL's code and message for a missing table or column; raises the error if it is another one."""
    code = sqlstate(error.orig)
    if code not in MISSING:
        raise error
    return code, str(error.orig).split("\n")[0]


def warm_up(opened: Connection) -> None:
    """Read the parts that take no time: not the counts, where they are not kept by triggers."""
    rows(opened, RECENT_ACTIVITY)
    if current_settings().statistics_query == "summary":
        rows(opened, SUMMARY)
