"""`GET /api/dashboard/stats`: the counts of the warehouse, by one aggregated statement, and its last scans."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, jsonify
from sqlalchemy import text

from .caches import cached
from .database import connection, rows
from .login import signed_in_user

blueprint = Blueprint("dashboard", __name__)

STATISTICS = text(
    """
    SELECT (SELECT count(*) FROM tracetrack.bag) AS total_bags,
           (SELECT count(*) FROM tracetrack.scan) AS total_scans,
           (SELECT count(*) FROM tracetrack.bill) AS total_bills,
           (SELECT count(*) FROM tracetrack."user" WHERE active) AS active_users
    """
)
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
    shared = cached("statistics", current_app.settings.cache_statistics_ttl_s, _read)
    return jsonify(success=True, user_context=user, **shared)


def _read():
    with connection() as opened:
        (counts,) = rows(opened, STATISTICS)
        recent = rows(opened, RECENT_ACTIVITY)
    for scan in recent:
        scan["scanned_at"] = scan["scanned_at"].isoformat()
    return {"stats": counts, "recent_activity": recent, "timestamp": datetime.now(UTC).isoformat()}
