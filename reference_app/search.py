"""`GET /api/bags/search?q=&limit=`: bags whose QR id or name contains the term, in QR id order."""

from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from flask import Blueprint, current_app, jsonify, request
from sqlalchemy import text

from .caches import cached
from .database import connection, rows
from .login import signed_in_user

blueprint = Blueprint("search", __name__)

SHORTEST_TERM, LONGEST_TERM = 3, 100
USUAL_LIMIT, HIGHEST_LIMIT = 50, 100

SEARCH = text(
    """
    SELECT id, qr_id, name, type, dispatch_area, status
    FROM tracetrack.bag
    WHERE qr_id ILIKE :pattern OR name ILIKE :pattern
    ORDER BY qr_id
    LIMIT :limit
    """
)


@blueprint.get("/api/bags/search")
def search():
    _, refusal = signed_in_user()
    if refusal:
        return refusal
    if not _is_text(request.query_string):
        return jsonify(success=False, error="the query string must be UTF-8"), 400
    term = request.args.get("q", "")
    limit = request.args.get("limit", str(USUAL_LIMIT))
    if complaint := _complaint(term, limit):
        return jsonify(success=False, error=complaint), 400
    limit = min(int(limit[:9]), HIGHEST_LIMIT)
    answer = cached(f"search:{limit}:{term}", current_app.settings.cache_search_ttl_s, lambda: _read(term, limit))
    return jsonify(success=True, query=term, **answer)


def _is_text(query_string):
    """Flask cannot read raw bytes that are not UTF-8, and takes quoted ones for what they are written as: `%FF`."""
    try:
        unquote_to_bytes(query_string).decode()
    except UnicodeDecodeError:
        return False
    return True


def _complaint(term, limit):
    if not SHORTEST_TERM <= len(term) <= LONGEST_TERM:
        return f"q must have {SHORTEST_TERM} to {LONGEST_TERM} characters"
    if "\0" in term:
        return "q must not contain a NUL character"
    if not (limit.isascii() and limit.isdigit() and int(limit[:9]) > 0):
        return f"limit must be a whole number from 1 to {HIGHEST_LIMIT}"
    return None


def _read(term, limit):
    escaped = term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with connection() as opened:
        bags = rows(opened, SEARCH, pattern=f"%{escaped}%", limit=limit)
    return {"bags": bags, "count": len(bags), "timestamp": datetime.now(UTC).isoformat()}
