"""The least that Granian can serve, for a machine without nginx: it answers `ok`, and counts.

Granian serves it as `bench.peers.counted_app:app` by its own protocol (RSGI).
"""

from typing import Any

COUNT_PATH = "/requests"
TEXT = [("content-type", "text/plain")]
_counts = {"requests": 0}


async def app(scope: Any, protocol: Any) -> None:
    """Answer a request."""
    _counts["requests"] += 1
    if scope.path == COUNT_PATH:
        protocol.response_str(200, TEXT, str(_counts["requests"]))
    else:
        protocol.response_str(200, TEXT, "ok")
