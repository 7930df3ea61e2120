"""`GET /api/bags/search?q=&limit=`: bags whose QR id or name contains the term, in QR id order."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, text

from .cached_answer import Answer
from .caches import cached
from .database import read, rows
from .guards import login_required

blueprint = Blueprint("search", __name__)

MIN_TERM_LENGTH, MAX_TERM_LENGTH = 3, 100
DEFAULT_LIMIT, MAX_LIMIT = 50, 100

# A trigram index reads the list of rows of each trigram of a pattern, and `M44` is in nearly every id. So the index
# looks up only the longest word of the term, and its rows are filtered by the whole term, unindexed by the `||`.
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
@login_required
def search() -> ResponseReturnValue:
    """The bags, from the cache or the database; 400 for a term or limit that is not as described."""
    if not _is_utf8(request.query_string):
        return jsonify(success=False, error="the query string must be UTF-8"), 400
    term = request.args.get("q", "")
    limit_text = request.args.get("limit", str(DEFAULT_LIMIT))
    if problem := _problem(term, limit_text):
        return jsonify(success=False, error=problem), 400
    limit = min(_first_digits(limit_text), MAX_LIMIT)
    answer = cached("search", f"{limit}:{term}", lambda: _read(term, limit))
    return jsonify(success=True, query=term, **answer)


def _is_utf8(query_string: bytes) -> bool:
    """False for bytes that Flask cannot read, or if they are quoted takes for their quotation: `%FF`."""
    try:
        unquote_to_bytes(query_string).decode()
    except UnicodeDecodeError:
        return False
    return True


def _problem(term: str, limit: str) -> str | None:
    """The reason why the term or the limit is refused; None if they are as described."""
    if not MIN_TERM_LENGTH <= len(term) <= MAX_TERM_LENGTH:
        return f"q must have {MIN_TERM_LENGTH} to {MAX_TERM_LENGTH} characters"
    if "\0" in term:
        return "q must not contain a NUL character"
    if not (limit.isascii() and limit.isdigit() and _first_digits(limit) > 0):
        return f"limit must be a whole number from 1 to {MAX_LIMIT}"
    return None


def _first_digits(limit: str) -> int:
    """The number of the first nine digits: more of them would take long to convert, and all are above the maximum."""
    return int(limit[:9])


def _read(term: str, limit: int) -> Answer:
    bags = read(SEARCH, **_parameters(term, limit))
    return {"bags": bags, "count": len(bags), "timestamp": datetime.now(UTC).isoformat()}


def _parameters(term: str, limit: int) -> dict[str, str | int]:
    return {"word": _containing(longest_word(term)), "pattern": _containing(term), "limit": limit}


def longest_word(term: str) -> str:
    """The longest run of letters and digits in the term, the last of several; a text with the term contains it too.

    The term itself, if no word is long enough for a trigram.
    """
    word = max(reversed(_WORDS.findall(term)), key=len, default="")
    return word if len(word) >= MIN_TERM_LENGTH else term


def _containing(literal: str) -> str:
    """A LIKE pattern of texts that contain this one literally."""
    return "%" + literal.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def warm_up(opened: Connection) -> None:
    """Let the database plan a search, and find nothing: it executes no plan for a limit of 0."""
    rows(opened, SEARCH, **_parameters("warm-up", 0))
