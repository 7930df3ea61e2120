"""The trace that a request belongs to, as its caller says in `traceparent` (W3C Trace Context)."""

import re

HEADER_VARIABLE = "HTTP_TRACEPARENT"
_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_VERSION_0_CHARACTERS = 55
MAX_CHARACTERS = 512


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id in a header's value, 32 hex digits; None without a header, and for one that is not valid.

    Later versions than 00 may have more at the end.
    """
    if not traceparent or len(traceparent) > MAX_CHARACTERS:
        return None
    match = _VALID.fullmatch(traceparent)
    if match is None or (traceparent.startswith("00") and len(traceparent) != _VERSION_0_CHARACTERS):
        return None
    return match["trace"]
