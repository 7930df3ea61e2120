"""Requests at a steady rate while something fails, and what they show of it."""

import itertools
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.conftest import Visitor
from tests.reference_app.sign_in import STATISTICS, encoded_form

RATE_S, THREADS = 40, 400
SUCCESSES = {200, 201, 302}


@dataclass(frozen=True)
class Sent:
    """One request: when it was sent (monotonic seconds), how long it took, and its answer; status 0 without one."""

    sent_s: float
    seconds: float
    status: int
    retry_after: str | None
    key: str

    @property
    def is_clean(self) -> bool:
        """True for a success, and for a refusal that says when to try again."""
        return self.status in SUCCESSES or (self.status == 503 and self.retry_after == "1")


@dataclass
class FaultyLoad:
    """Sends requests of a user who is logged in: a fifth are scans, and one in twenty is a login of another one."""

    visitor: Visitor
    url: str
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS))
    _sent: list[Future] = field(default_factory=list)
    _numbers: itertools.count = field(default_factory=itertools.count)

    def send_for(self, seconds: float) -> float:
        """Send at the rate for so long, whatever becomes of the requests; the time at the end."""
        start_s = time.monotonic()
        for turn in range(int(seconds * RATE_S)):
            time.sleep(max(0.0, start_s + turn / RATE_S - time.monotonic()))
            self._sent.append(self._pool.submit(self._send, next(self._numbers)))
        return time.monotonic()

    def _send(self, number: int) -> Sent:
        sent_s, key = time.monotonic(), ""
        try:
            if number % 5 == 0:
                key = f"fault {number}"
                headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
                content = json.dumps({"qr_id": f"M444-{1 + number % 500:07d}"}).encode()
                answer = self.visitor.post("/api/scans", content, **headers)
            elif number % 20 == 1:
                answer = Visitor(self.url).post("/login", encoded_form("user002"))
            else:
                path = STATISTICS if number % 2 else f"/api/bags/search?q=M444-{1 + number % 900:07d}"
                answer = self.visitor.get(path)
        except OSError:
            return Sent(sent_s, time.monotonic() - sent_s, 0, None, key)
        return Sent(sent_s, time.monotonic() - sent_s, answer.status, answer.headers["Retry-After"], key)

    def results(self) -> list[Sent]:
        """All requests, in the order in which they were sent."""
        results = [future.result() for future in self._sent]
        self._pool.shutdown()
        return results
