"""The users of the published load script: one account and one cookie jar for all, any 200 or 302 a success.

Locust loads this file by path, outside of any package, so that its imports have to be absolute.
"""

from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any, ClassVar

from locust.env import Environment

from loadgen.accounts import username
from loadgen.generator import checks, tracetrack_users
from loadgen.generator.config import ROWS


class SharedJarUser(tracetrack_users.TraceTrackUser):
    """A user of TraceTrack with the account and the cookies of all others."""

    jar: ClassVar[CookieJar | None] = None

    def __init__(self, environment: Environment):
        super().__init__(environment)
        self.account = username(0, ROWS["user"])
        if SharedJarUser.jar is None:  # an empty jar is falsy
            SharedJarUser.jar = self.client.cookiejar
        self.client.cookiejar = self.client.client.cookiejar = SharedJarUser.jar

    def failure_reason(self, response: Any, check: Callable[[Any], str | None]) -> str | None:
        """The reason by the status alone."""
        return checks.status_failure(response)
