"""`GET /api/bags/search?q=&limit=`: bags whose QR id or name contains the term, in QR id order."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from flask import Blueprint, jsonify, request
from sqlalchemy import text

from .caches import cached
from .database import connection, rows
from .login import signed_in_user

blueprint = Blueprint("search", __name__)

SHORTEST_TERM, LONGEST_TERM = 3, 100
USUAL_LIMIT, HIGHEST_LIMIT = 50, 100

# A trigram index reads the list of rows of each trigram of a pattern, and `M44` is in nearly every id. So the index is
# asked for the longest word of the term only, and the whole term is held against what it finds, unindexed by the `||`.
SEARCH = text(
    """
    SELECT id, qr_id, name, type, dispatch_area, status
    FROM tracetrack.bag
    WHERE (qr_id ILIKE :word AND qr_id || '' ILIKE :pattern) OR name ILIKE :pattern
    ORDER BY qr_id
    LIMIT :limit
    """
)
_WORDS = re.compile(r"[^\W_]+")


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
    answer = cached("search", f"{limit}:{term}", lambda: _read(term, limit))
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
    pattern = _containing(term)
    with connection() as opened:
        bags = rows(opened, SEARCH, word=_containing(longest_word(term)), pattern=pattern, limit=limit)
    return {"bags": bags, "count": len(bags), "timestamp": datetime.now(UTC).isoformat()}


def longest_word(term: str) -> str:
    """The longest run of letters and digits, which whatever contains the term contains too; the last of equals.

    The term itself, if no word is long enough for a trigram.
    """
    word = max(reversed(_WORDS.findall(term)), key=len, default="")
    return word if len(word) >= SHORTEST_TERM else term


def _containing(text_):
    """A pattern for what contains this text literally."""
    return "%" + text_.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
