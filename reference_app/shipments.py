"""`GET /api/shipments/<shipment>`: where a shipment is, asked from the carrier at each request.

It is the one request that waits for a service outside. The database is asked for the user's account before that, and
its connection is back in the pool while the carrier takes its time.
"""

import json
import re

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from .guards import login_required
from .upstream import Answer, UpstreamUnavailable

blueprint = Blueprint("shipments", __name__)

SHIPMENT_ID = re.compile(r"[A-Za-z0-9-]{1,40}")
MAX_TEXT_LENGTH = 200


@blueprint.get("/api/shipments/<shipment>")
@login_required
def track(shipment: str) -> ResponseReturnValue:
    """The carrier's answer: 404 for an unknown shipment and without a carrier, 503 or 504 where it gives no answer."""
    if not SHIPMENT_ID.fullmatch(shipment):
        return jsonify(success=False, error="a shipment has 1 to 40 letters, digits or -"), 400
    upstream = current_app.extensions["upstream"]
    if upstream is None:
        return jsonify(success=False, error="no carrier is configured"), 404
    answer: Answer = upstream.get(f"/shipments/{shipment}")
    if answer.status == 404:
        return jsonify(success=False, error="there is no such shipment"), 404
    return jsonify(success=True, shipment=_checked(answer, shipment))


def _checked(answer: Answer, shipment: str) -> dict[str, str]:
    """The fields of the answer that are passed on. Raises `UpstreamUnavailable` if it is not one on this shipment."""
    if answer.status != 200:
        raise UpstreamUnavailable(f"it answered {answer.status}")
    try:
        content = json.loads(answer.content)
    except (ValueError, RecursionError):
        raise UpstreamUnavailable("its answer is not JSON") from None
    if not isinstance(content, dict) or content.get("id") != shipment:
        raise UpstreamUnavailable("its answer is of another shipment")
    return {"id": shipment, **{name: _text(content.get(name)) for name in ("status", "place")}}


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_LENGTH:
        raise UpstreamUnavailable("its answer lacks a status or a place")
    return value
