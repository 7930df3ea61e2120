"""`GET /api/dashboard/stats`: the counts of the warehouse and its last scans.

The counts come by one of three queries: a statement a figure, one aggregated statement (as published), or a row that
triggers keep. If a table or a column is missing, the answer holds what there is and names what there is not.
"""

import logging
from datetime import UTC, datetime

from flask import Blueprint, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from .caches import cached
from .database import connection, roll_back, rows
from .login import signed_in_user

blueprint = Blueprint("dashboard", __name__)
log = logging.getLogger(__name__)

MISSING = ("42P01", "42703")  # undefined_table, undefined_column

FIGURES = {
    "total_bags": "SELECT count(*) AS figure FROM tracetrack.bag",
    "total_scans": "SELECT count(*) AS figure FROM tracetrack.scan",
    "total_bills": "SELECT count(*) AS figure FROM tracetrack.bill",
    "active_users": 'SELECT count(*) AS figure FROM tracetrack."user" WHERE active',
}
SEPARATE = {name: text(query) for name, query in FIGURES.items()}
AGGREGATED = text("SELECT " + ", ".join(f"({query}) AS {name}" for name, query in FIGURES.items()))
SUMMARY = text(f"SELECT {', '.join(FIGURES)} FROM tracetrack.summary")
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


@blueprint.get("/api/dashboard/stats")
def statistics():
    """The shared part comes from the cache; what depends on the user is added to it."""
    user, refusal = signed_in_user()
    if refusal:
        return refusal
    shared = cached("dashboard", "statistics", _read)
    return jsonify(success=True, user_context=user, **shared)


def _read():
    with connection() as opened:
        try:
            counts, recent, unavailable = _counts(opened), rows(opened, RECENT_ACTIVITY), []
        except ProgrammingError as error:
            _require_missing(error)
            roll_back(opened)
            counts, recent, unavailable = _what_is_there(opened)
            _tell(unavailable, error.orig.pgcode, str(error.orig).split("\n")[0])
        if counts is None:
            counts, recent, unavailable = _what_is_there(opened)
            _tell(unavailable, None, "the summary has no row")
    for scan in recent:
        scan["scanned_at"] = scan["scanned_at"].isoformat()
    answer = {"stats": counts, "recent_activity": recent, "timestamp": datetime.now(UTC).isoformat()}
    return answer | ({"unavailable": unavailable} if unavailable else {})


def _counts(opened):
    """The figures; None if the row that triggers keep is gone."""
    query = current_app.settings.statistics_query
    if query == "separate":
        return {name: rows(opened, statement)[0]["figure"] for name, statement in SEPARATE.items()}
    return next(iter(rows(opened, SUMMARY if query == "summary" else AGGREGATED)), None)


def _what_is_there(opened):
    """Each figure by itself, None where it cannot be had; the last scans; and the names of what is missing."""
    found = {name: _rows_if_there(opened, statement) for name, statement in SEPARATE.items()}
    recent = _rows_if_there(opened, RECENT_ACTIVITY)
    counts = {name: answer[0]["figure"] if answer else None for name, answer in found.items()}
    unavailable = [name for name, count in counts.items() if count is None]
    return counts, recent or [], unavailable + (["recent_activity"] if recent is None else [])


def _rows_if_there(opened, statement):
    try:
        return rows(opened, statement)
    except ProgrammingError as error:
        _require_missing(error)
        roll_back(opened)
        return None


def _require_missing(error):
    if error.orig.pgcode not in MISSING:
        raise error


def _tell(unavailable, code, reason):
    log.warning(
        "statistics without what is missing", extra={"unavailable": unavailable, "code": code, "reason": reason}
    )
