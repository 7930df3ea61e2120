"""The request that signs a user in: it has a password, and all else of it is known."""

import re
from collections.abc import Iterable, Mapping

from .draft_request import DraftRequest, Variable

_PATH = re.compile(r"(?i)(?:log|sign)[-_]?in|sessions?\b|auth")
_OTHER_USE = re.compile(r"(?i)regist|sign[-_]?up|reset|forgot|change|password|users?$|accounts?$")
_PASSWORD = re.compile(r"(?i).*(?:password|passwd|passphrase|pwd)|pass|pw")
_USER = re.compile(r"(?i)(?:user|login|account|e-?mail|name|identifier)(?:[-_]?(?:name|id|address))?")
MAX_FIELDS = 6


def is_sign_in(request: DraftRequest) -> bool:
    """Whether a request signs a user in, and can be sent as it is."""
    return not request.gaps and _seems_sign_in(request)


def note(requests: Iterable[DraftRequest], reason: str = "") -> list[str]:
    """The line on the first sign-in of requests of which none is sent; the reason is its own gap if not given."""
    seen = next(filter(_seems_sign_in, requests), None)
    if not seen:
        return []
    why = " ".join(seen.gaps[:1]).rstrip(".") or reason
    return [f"the sign-in {seen.endpoint}: {why[:1].lower()}{why[1:]}"]


def _seems_sign_in(request: DraftRequest) -> bool:
    fields = request.body.content if request.body else None
    return (
        request.method == "POST"
        and isinstance(fields, Mapping)
        and len(fields) <= MAX_FIELDS
        and any(isinstance(value, Variable) and is_password(name) for name, value in fields.items())
        and _PATH.search(request.name) is not None
        and _OTHER_USE.search(request.name) is None
    )


def is_password(name: str) -> bool:
    """Whether a field of this name has a password."""
    return _PASSWORD.fullmatch(name) is not None


def is_user(name: str) -> bool:
    """Whether a field of this name, beside a password, says whose it is."""
    return _USER.fullmatch(name) is not None
