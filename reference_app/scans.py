"""`POST /api/scans`: stores the scan of a bag, which may link a child to its parent.

The client names each scan with an `Idempotency-Key` and may send it any number of times: it is stored once, and every
request gets the same response. The same key with other content is refused.
"""

from typing import Any, NamedTuple

from flask import Blueprint, g, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, text

from .database import Row, rows, write_with
from .event_loop import completed
from .guards import login_required

blueprint = Blueprint("scans", __name__)

KEY_HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
MAX_KEY_LENGTH, MAX_ID_LENGTH = 100, 64

BAGS = text("SELECT id, qr_id, type FROM tracetrack.bag WHERE qr_id IN (:child, :parent)")
LINK = text(
    """
    INSERT INTO tracetrack.link (parent_id, child_id) VALUES (:parent, :child)
    ON CONFLICT (child_id) DO UPDATE SET child_id = excluded.child_id
    RETURNING parent_id
    """
)
PARENT = text("UPDATE tracetrack.bag SET parent_id = :parent WHERE id = :child AND parent_id IS DISTINCT FROM :parent")
SCAN = text(
    """
    INSERT INTO tracetrack.scan (bag_id, user_id, parent_id, idempotency_key) VALUES (:bag, :user, :parent, :key)
    ON CONFLICT (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id, scanned_at
    """
)
STORED_SCAN = text(
    """
    SELECT id, bag_id, parent_id, scanned_at FROM tracetrack.scan
    WHERE user_id = :user AND idempotency_key = :key
    """
)


class ScanRefused(Exception):
    """The scan is not stored, and its transaction is rolled back; the message is the reason."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


class ScanRequest(NamedTuple):
    """A scan as the client sends it."""

    key: str
    qr_id: str
    parent_qr_id: str | None


@blueprint.post("/api/scans")
@login_required
def scan() -> ResponseReturnValue:
    """Store the scan; 201 with the stored scan, or the status of its refusal."""
    try:
        scan_request = _parse_request()
        stored, replayed = write_with(lambda opened: _store(opened, g.user["id"], scan_request))
    except ScanRefused as refused:
        return jsonify(success=False, error=str(refused)), refused.status
    response = jsonify(success=True, scan=_to_json(stored, scan_request))
    response.headers[REPLAYED_HEADER] = str(replayed).lower()
    return response, 201


def _parse_request() -> ScanRequest:
    key = request.headers.get(KEY_HEADER, "")
    if not (1 <= len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise ScanRefused(400, f"{KEY_HEADER} must have 1 to {MAX_KEY_LENGTH} printable ASCII characters")
    content = _content()
    if not isinstance(content, dict):
        raise ScanRefused(400, "the body must be a JSON object")
    qr_id, parent_qr_id = _require_id("qr_id", content.get("qr_id")), content.get("parent_qr_id")
    if parent_qr_id is not None:
        _require_id("parent_qr_id", parent_qr_id)
    return ScanRequest(key, qr_id, parent_qr_id)


def _content() -> Any:
    try:
        return completed(request.get_json())
    except RecursionError:
        raise ScanRefused(400, "the body is nested too deeply") from None


def _require_id(name: str, value: Any) -> str:
    if not (isinstance(value, str) and 1 <= len(value) <= MAX_ID_LENGTH and _is_storable(value)):
        raise ScanRefused(400, f"{name} must be a text of 1 to {MAX_ID_LENGTH} characters")
    return value


def _is_storable(value: str) -> bool:
    """False for NUL and for half of a surrogate pair: JSON can hold both, PostgreSQL's text neither."""
    return "\0" not in value and value.encode("utf-8", "ignore").decode() == value


def _store(opened: Connection, user_id: int, scan_request: ScanRequest) -> tuple[Row, bool]:
    """The stored scan, and whether it was stored before."""
    key, qr_id, parent_qr_id = scan_request
    bag, parent = _find_bags(opened, qr_id, parent_qr_id)
    if parent:
        _link(opened, bag, parent)
    parent_id = parent["id"] if parent else None
    if inserted := rows(opened, SCAN, bag=bag["id"], user=user_id, parent=parent_id, key=key):
        return inserted[0], False
    (stored,) = rows(opened, STORED_SCAN, user=user_id, key=key)
    if (stored["bag_id"], stored["parent_id"]) != (bag["id"], parent_id):
        raise ScanRefused(422, f"this {KEY_HEADER} was used for another scan")
    return stored, True


def _find_bags(opened: Connection, qr_id: str, parent_qr_id: str | None) -> tuple[Row, Row | None]:
    """The scanned bag, and its parent if one is named."""
    bags = {bag["qr_id"]: bag for bag in rows(opened, BAGS, child=qr_id, parent=parent_qr_id)}
    for name in (qr_id, parent_qr_id):
        if name is not None and name not in bags:
            raise ScanRefused(404, f"there is no bag {name}")
    return bags[qr_id], bags[parent_qr_id] if parent_qr_id is not None else None


def _link(opened: Connection, child: Row, parent: Row) -> None:
    if (child["type"], parent["type"]) != ("child", "parent"):
        raise ScanRefused(422, "only a child can be linked, and only to a parent")
    (link,) = rows(opened, LINK, parent=parent["id"], child=child["id"])
    if link["parent_id"] != parent["id"]:
        raise ScanRefused(409, f"{child['qr_id']} is linked to another parent")
    rows(opened, PARENT, parent=parent["id"], child=child["id"])


def _to_json(stored: Row, scan_request: ScanRequest) -> dict[str, Any]:
    return {
        "id": stored["id"],
        "qr_id": scan_request.qr_id,
        "parent_qr_id": scan_request.parent_qr_id,
        "scanned_at": stored["scanned_at"].isoformat(),
    }
