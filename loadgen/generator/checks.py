"""Whether an answer of TraceTrack is right, judged by its content: None, or what is wrong with it in a few words."""

import json
from collections.abc import Sequence

STATISTICS = {"total_bags", "total_scans", "total_bills", "active_users"}


def login_complaint(response) -> str | None:
    if response.status_code != 302:
        return f"login answered {response.status_code}"
    if (target := response.headers.get("location", "")) != "/":
        return f"login led to {target[:40]}"
    return None


def dashboard_complaint(response, unavailable: Sequence[str]) -> str | None:
    """`unavailable` are the figures that have to be named as missing."""
    answer, wrong = _json_answer(response)
    if wrong:
        return wrong
    if set(answer.get("stats", ())) != STATISTICS or len(answer.get("recent_activity", ())) != 10:
        return "statistics without the expected fields"
    missing = {name for name, figure in answer["stats"].items() if figure is None}
    if not set(unavailable) == missing == set(answer.get("unavailable", ())):
        return f"statistics without {', '.join(sorted(missing)) or 'what is missing named'}"
    return None


def search_complaint(response, expected: str | None) -> str | None:
    """`expected` is the QR id that has to be among the bags, if one has to."""
    answer, wrong = _json_answer(response)
    if wrong:
        return wrong
    found = [bag.get("qr_id") for bag in answer.get("bags", ())]
    if answer.get("count") != len(found):
        return "search without the expected fields"
    if expected is not None and expected not in found:
        return "search did not find the bag"
    return None


def scan_complaint(response, qr_id: str) -> str | None:
    answer, wrong = _json_answer(response, 201)
    if wrong:
        return wrong
    return None if answer.get("scan", {}).get("qr_id") == qr_id else "a scan of another bag"


def status_complaint(response) -> str | None:
    """As the published run judged: any 200 or 302 is a success, the login page and a failed login too."""
    return None if response.status_code in (200, 302) else f"status {response.status_code}"


def _json_answer(response, status=200):
    """The JSON object of a good answer, or what is wrong with it."""
    if response.status_code != status:
        return {}, f"status {response.status_code}"
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}, "a page where JSON was due" if b"<html" in response.content[:500].lower() else "not JSON"
    if not isinstance(answer, dict) or answer.get("success") is not True:
        return {}, "not a success by its content"
    return answer, None
