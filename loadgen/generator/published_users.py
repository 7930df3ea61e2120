"""The users as the published script had them: one account and one cookie jar for all, any 200 or 302 a success."""

from ..accounts import username
from . import checks, tracetrack_users
from .config import ROWS


class SharedJar(tracetrack_users.TraceTrackUser):
    jar = None

    def __init__(self, environment):
        super().__init__(environment)
        self.account = username(0, ROWS["user"])
        if SharedJar.jar is None:  # an empty jar is falsy
            SharedJar.jar = self.client.cookiejar
        self.client.cookiejar = self.client.client.cookiejar = SharedJar.jar

    def wrong(self, response, complaint):
        return checks.status_complaint(response)
