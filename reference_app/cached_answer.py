"""An answer as a cache keeps it, and the rules that all caches share.

It is a dictionary with `answer` and with `at_s`, the time at which its computation started (seconds since the epoch).
"""

import json
import time
from typing import Any

from dogpile.cache.api import CachedValue
from dogpile.cache.region import value_version

MAX_COMPUTE_S = 3.0  # a caller that computes an answer holds a lock for no longer, and others wait no longer for it

Answer = dict[str, Any]
CachedAnswer = dict[str, Any]


class ComputeTimeout(Exception):
    """Another caller of this worker computes the answer, and has not finished in time."""


def is_complete(cached: CachedAnswer) -> bool:
    """True if the answer has all that it should have, as of a database with all its tables."""
    return "unavailable" not in cached["answer"]


def is_servable(at_s: float, max_age_s: float) -> bool:
    """True if an answer of this time may still be served; a time in the future is one of a wrong clock."""
    return abs(time.time() - at_s) <= max_age_s


def to_dogpile(cached: CachedAnswer) -> CachedValue:
    """The answer as dogpile takes it: its age counts from the start of its computation."""
    return CachedValue(cached, {"ct": cached["at_s"], "v": value_version})


def to_json(cached: CachedAnswer) -> str:
    """The answer as a JSON document."""
    return json.dumps(cached, separators=(",", ":"))


def from_json(document: bytes | str, max_age_s: float) -> CachedAnswer | None:
    """Parse a JSON document; None if it is another kind of document, or too old to serve."""
    try:
        content = json.loads(document)
    except (ValueError, RecursionError):
        return None
    match content:
        case {"at_s": float(at_s), "answer": dict()} if is_servable(at_s, max_age_s):
            return content
    return None
