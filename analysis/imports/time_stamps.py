"""Time stamps of other tools, as µs since 1970 (UTC)."""

import re
from datetime import datetime, timedelta

MINUTE_US = 60_000_000
# RFC 3339, with any number of digits behind the second.
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(?:(Z)|([+-])(\d\d):(\d\d))")


def epoch_us(text: object) -> int | None:
    """The µs of a time stamp of RFC 3339; None for what is none."""
    match = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
    if not match:
        return None
    try:
        seconds = int((datetime.fromisoformat(match[1]) - datetime(1970, 1, 1)).total_seconds())
    except ValueError:
        return None
    sign = -1 if match[4] == "-" else 1
    offset_us = 0 if match[3] else sign * (int(match[5]) * 60 + int(match[6])) * MINUTE_US
    return seconds * 1_000_000 + int((match[2] or "0").ljust(6, "0")[:6]) - offset_us


def utc_text(at_us: int) -> str:
    """µs since 1970 as the records of runs have times: `2026-01-01T00:00:00.000Z`."""
    seconds, us = divmod(at_us, 1_000_000)
    instant = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{us // 1000:03d}Z"
