"""Reasons for which a response of TraceTrack is a failure, judged by its content.

Each check returns None for a successful response, else a short reason.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from workbench.faults import REFUSED

STATISTICS = {"total_bags", "total_scans", "total_bills", "active_users"}
ACTIVITIES = 10
REFUSED_STATUS = 503
# RFC 9110, 10.2.3: a whole number of seconds, or a date in the form that senders have to use.
MAX_RETRY_AFTER_S = 3600
SECONDS = re.compile("[0-9]{1,9}")
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


class Response(Protocol):
    """The parts of a response that the checks look at."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


def refusal(response: Response) -> str | None:
    """The reason of a response that the application is not available; None for any other.

    A clean refusal says when to come again, in a form that a client can read.
    """
    if response.status_code != REFUSED_STATUS:
        return None
    value = response.headers.get("retry-after")
    if not value:
        return f"{REFUSED} without Retry-After"
    return REFUSED if _is_retry_after(value) else f"{REFUSED} with an invalid Retry-After"


def _is_retry_after(value: str) -> bool:
    """True for seconds up to `MAX_RETRY_AFTER_S`, or an HTTP date."""
    if SECONDS.fullmatch(value):
        return int(value) <= MAX_RETRY_AFTER_S
    try:
        datetime.strptime(value, HTTP_DATE)
    except ValueError:
        return False
    return True


def login_failure(response: Response) -> str | None:
    """Check that a login redirects to the start page."""
    if response.status_code != 302:
        return f"login answered {response.status_code}"
    if (target := response.headers.get("location", "")) != "/":
        return f"login redirected to {target[:40]}"
    return None


def dashboard_failure(response: Response, unavailable: Sequence[str]) -> str | None:
    """Check the statistics; `unavailable` are those that must be named as missing, and no others."""
    body, reason = _json_body(response)
    if reason:
        return reason
    if set(body.get("stats", ())) != STATISTICS or len(body.get("recent_activity", ())) != ACTIVITIES:
        return "statistics without the expected fields"
    missing = {name for name, value in body["stats"].items() if value is None}
    if not set(unavailable) == missing == set(body.get("unavailable", ())):
        names = ", ".join(sorted(missing))
        return f"statistics without {names}" if missing else "statistics do not name what is missing"
    return None


def search_failure(response: Response, expected: str | None) -> str | None:
    """Check a list of bags; `expected` is the QR id that must be among them, if there is one."""
    body, reason = _json_body(response)
    if reason:
        return reason
    qr_ids = [bag.get("qr_id") for bag in body.get("bags", ())]
    if body.get("count") != len(qr_ids):
        return "search without the expected fields"
    if expected is not None and expected not in qr_ids:
        return "search did not find the bag"
    return None


def scan_failure(response: Response, qr_id: str) -> str | None:
    """Check that the scan was stored (201) and is of the bag `qr_id`."""
    body, reason = _json_body(response, 201)
    if reason:
        return reason
    return None if body.get("scan", {}).get("qr_id") == qr_id else "a scan of another bag"


def shipment_failure(response: Response, shipment: str) -> str | None:
    """Check that the carrier's answer is on the shipment, and says where that is."""
    body, reason = _json_body(response)
    if reason:
        return reason
    answer = body.get("shipment", {})
    if answer.get("id") != shipment:
        return "another shipment"
    return None if answer.get("status") and answer.get("place") else "shipment without the expected fields"


def status_failure(response: Response) -> str | None:
    """Check the status alone, as the published run did: any 200 or 302 passes, the login page included."""
    return None if response.status_code in (200, 302) else f"status {response.status_code}"


def _json_body(response: Response, status: int = 200) -> tuple[dict[str, Any], str | None]:
    """The JSON object of a response with this status and `"success": true`, and the reason if it is none."""
    if response.status_code != status:
        return {}, f"status {response.status_code}"
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}, "a page where JSON was due" if b"<html" in response.content[:500].lower() else "not JSON"
    if not isinstance(body, dict) or body.get("success") is not True:
        return {}, "JSON without success: true"
    return body, None
