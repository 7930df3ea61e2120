"""An open load that is too large for a while: at the sustained rate, at a multiple of it, and at that rate again."""

from typing import Any

from .arrivals import Piece

BASE_RPS = 100.0  # if the arm says nothing else
BEFORE_S, OVERLOAD_S, AFTER_S = 5.0, 8.0, 8.0
USERS = 900  # below the 1,024 descriptors that the generator's event loop can watch
SESSIONS = 10  # fewer than a limit of logins refuses at once
CLIENT_TIMEOUT_S = 5.0
MAX_TIMES = 20

DESCRIPTION = (
    f"{{n}} times the rate that the deployment sustains ({BASE_RPS:.0f} requests/s if the arm says nothing else) for "
    f"{OVERLOAD_S:.0f} s, after {BEFORE_S:.0f} s of that rate and before {AFTER_S:.0f} s of it; clients give up after "
    f"{CLIENT_TIMEOUT_S:.0f} s."
)


def overload(times: int) -> dict[str, Any]:
    """The fields of a scenario that offers so many times the base rate, which `scenario_changes.override` changes."""
    seconds_and_rates = ((BEFORE_S, BASE_RPS), (OVERLOAD_S, times * BASE_RPS), (AFTER_S, BASE_RPS))
    return {
        "kind": "open",
        "users": USERS,
        "sessions": SESSIONS,
        "client_timeout_s": CLIENT_TIMEOUT_S,
        "warmup_s": 3.0,
        "duration_s": BEFORE_S + OVERLOAD_S + AFTER_S,
        "base_rps": BASE_RPS,
        "rates": tuple(Piece(seconds, rate_rps, rate_rps) for seconds, rate_rps in seconds_and_rates),
    }
