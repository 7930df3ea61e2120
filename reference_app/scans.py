"""`POST /api/scans`: a bag was scanned, and a child may be linked to its parent by it.

The client names each scan with an `Idempotency-Key` and may send it as often as it likes: it is stored once, and
every sending gets the same answer. The same key with another content is refused.
"""

from flask import Blueprint, jsonify, request
from sqlalchemy import text

from .database import rows, transaction
from .login import signed_in_user

blueprint = Blueprint("scans", __name__)

KEY_HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
LONGEST_KEY, LONGEST_ID = 100, 64

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
EARLIER = text(
    """
    SELECT id, bag_id, parent_id, scanned_at FROM tracetrack.scan
    WHERE user_id = :user AND idempotency_key = :key
    """
)


class Refused(Exception):
    """The scan is not stored: a status and the reason. Nothing of its transaction stays."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


@blueprint.post("/api/scans")
def scan():
    user, refusal = signed_in_user()
    if refusal:
        return refusal
    try:
        key, qr_id, parent_qr_id = _question()
        with transaction() as opened:
            stored, replayed = _store(opened, user["id"], key, qr_id, parent_qr_id)
    except Refused as refused:
        return jsonify(success=False, error=str(refused)), refused.status
    answer = jsonify(success=True, scan=stored)
    answer.headers[REPLAYED_HEADER] = str(replayed).lower()
    return answer, 201


def _question():
    """The key, the bag's QR id and its parent's or None, as the request gives them."""
    key = request.headers.get(KEY_HEADER, "")
    if not (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Refused(400, f"{KEY_HEADER} must have 1 to {LONGEST_KEY} printable ASCII characters")
    content = _content()
    if not isinstance(content, dict):
        raise Refused(400, "the body must be a JSON object")
    parent_qr_id = content.get("parent_qr_id")
    for name, value in (("qr_id", content.get("qr_id")), ("parent_qr_id", parent_qr_id)):
        if name == "parent_qr_id" and value is None:
            continue
        if not (isinstance(value, str) and 1 <= len(value) <= LONGEST_ID and _is_storable(value)):
            raise Refused(400, f"{name} must be a text of 1 to {LONGEST_ID} characters")
    return key, content["qr_id"], parent_qr_id


def _content():
    try:
        return request.get_json()
    except RecursionError:
        raise Refused(400, "the body is nested too deeply") from None


def _is_storable(value):
    """Neither NUL nor half of a surrogate pair: JSON has room for both, PostgreSQL's text for neither."""
    return "\0" not in value and value.encode("utf-8", "ignore").decode() == value


def _store(opened, user_id, key, qr_id, parent_qr_id):
    """The stored scan, and whether it was stored before. Counts come last, as their row is locked until the end."""
    found = {bag["qr_id"]: bag for bag in rows(opened, BAGS, child=qr_id, parent=parent_qr_id)}
    for name in (qr_id, parent_qr_id):
        if name is not None and name not in found:
            raise Refused(404, f"there is no bag {name}")
    bag, parent = found[qr_id], found.get(parent_qr_id)
    if parent:
        _link(opened, bag, parent)
    parent_id = parent["id"] if parent else None
    made = rows(opened, SCAN, bag=bag["id"], user=user_id, parent=parent_id, key=key)
    if made:
        return _shown(made[0], qr_id, parent_qr_id), False
    (earlier,) = rows(opened, EARLIER, user=user_id, key=key)
    if (earlier["bag_id"], earlier["parent_id"]) != (bag["id"], parent_id):
        raise Refused(422, f"this {KEY_HEADER} was used for another scan")
    return _shown(earlier, qr_id, parent_qr_id), True


def _link(opened, child, parent):
    if (child["type"], parent["type"]) != ("child", "parent"):
        raise Refused(422, "only a child can be linked, and only to a parent")
    (link,) = rows(opened, LINK, parent=parent["id"], child=child["id"])
    if link["parent_id"] != parent["id"]:
        raise Refused(409, f"{child['qr_id']} is linked to another parent")
    rows(opened, PARENT, parent=parent["id"], child=child["id"])


def _shown(scan, qr_id, parent_qr_id):
    return {
        "id": scan["id"],
        "qr_id": qr_id,
        "parent_qr_id": parent_qr_id,
        "scanned_at": scan["scanned_at"].isoformat(),
    }
