"""How long a user's session has lasted, which decides whether the application may have ended it."""

import math
import time

# The application keeps whole seconds, and notes a use of a session after half of its lifetime at the latest.
ROUNDING_S = 1.5
MIN_UNUSED_SHARE = 0.5
NOT_SIGNED_IN = 401


class SessionAge:
    """The age of one session, and the time since its last use, both in seconds of the monotonic clock.

    `lifetimes_s` are those of the application's sessions: without a request, and in all. None where they are not known:
    then no session may end.
    """

    def __init__(self, lifetimes_s: tuple[int, int] | None):
        limits_s: tuple[float, float] = lifetimes_s or (math.inf, math.inf)
        self._unused_limit_s, self._age_limit_s = limits_s
        self._began_s = self._used_s = math.inf

    def begin(self) -> None:
        """Note a login."""
        self._began_s = self._used_s = time.monotonic()

    def note_use(self) -> None:
        """Note a request that the session was valid for."""
        self._used_s = time.monotonic()

    def may_have_ended(self) -> bool:
        """True if the application may end the session by now, for its age or for want of requests."""
        now_s = time.monotonic()
        return (
            now_s - self._began_s >= self._age_limit_s - ROUNDING_S
            or now_s - self._used_s >= MIN_UNUSED_SHARE * self._unused_limit_s - ROUNDING_S
        )
