"""The scenario `soak`: a steady open load that lasts long enough to see what grows."""

from typing import Any

from workbench import endpoints
from workbench.arms import SOAK

from .arrivals import Piece

RATE_RPS, DURATION_S = 50, 1800.0


def row() -> dict[str, Any]:
    """The fields of the scenario."""
    return {
        "name": SOAK,
        "description": (
            f"{RATE_RPS} requests are due each second, a fifth of them scans, for 30 minutes after 5 s of warm-up; "
            "each login comes from a new browser and leaves a session to expire."
        ),
        "kind": "open",
        "users": RATE_RPS,
        "warmup_s": 5.0,
        "duration_s": DURATION_S,
        "shares": endpoints.READ_WRITE_SHARES,
        "rates": (Piece(DURATION_S, RATE_RPS, RATE_RPS),),
        "steady": True,
        "terms": "mix",
        "from_new_browsers": True,
    }
