"""What toxics do to the bytes of one direction of a connection: they wait here until the toxics let them pass."""

import math
import time
from collections import deque
from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import NamedTuple

from .connection_side import END, LOST, Chunk
from .socket_loop import SocketLoop
from .toxics import Toxic

# At a limited rate bytes pass in pieces, each when its last byte has passed.
PIECE_S = 0.02


class QueuedChunk(NamedTuple):
    """A chunk, when it was received (monotonic seconds), and by how many seconds each toxic delays it."""

    chunk: Chunk
    received_s: float
    delays_s: tuple[tuple[Toxic, float], ...]


class ToxicQueue:
    """The chunks of one direction that toxics have not let pass yet; without toxics a chunk passes at once.

    A chunk is delayed by the toxics in force when it is received. Whether it passes, and at which rate, depends
    on the toxics of now. A chunk that only a removed toxic held back passes at once.
    """

    def __init__(self, loop: SocketLoop, on_pass: Callable[[Chunk], None], seed: str):
        """`on_pass` gets each chunk that passes, in order; `seed` is that of the jitter."""
        self._loop = loop
        self._on_pass = on_pass
        self._seed = seed
        self._toxics: tuple[Toxic, ...] = ()
        self._queue: deque[QueuedChunk] = deque()
        self._is_stopped = self._is_cut = False
        self._rate_bytes_s = math.inf
        self._remaining_bytes: dict[Toxic, int] = {}  # by the toxics that limit them
        self._passed_s = 0.0  # when the last piece passed, or the toxics changed
        self._wakes_at_s = math.inf

    @cached_property
    def _random(self) -> Random:
        return Random(self._seed)

    def put(self, chunk: Chunk) -> None:
        """Let a chunk pass, as the toxics allow."""
        if not self._toxics:
            self._on_pass(chunk)
            return
        if self._is_cut:
            return
        delays_s = tuple((toxic, toxic.delay_s(not chunk, self._random)) for toxic in self._toxics)
        self._queue.append(QueuedChunk(chunk, time.monotonic(), delays_s))
        self._advance()

    def apply(self, toxics: tuple[Toxic, ...]) -> None:
        """Put these toxics into force, in the place of those before."""
        self._toxics = toxics
        self._is_stopped = any(toxic.stops_data for toxic in toxics)
        self._rate_bytes_s = min((toxic.rate_bytes_s or math.inf for toxic in toxics), default=math.inf)
        limits = {toxic: toxic.max_bytes for toxic in toxics if toxic.max_bytes is not None}
        self._remaining_bytes = {toxic: self._remaining_bytes.get(toxic, limit) for toxic, limit in limits.items()}
        self._passed_s = time.monotonic()
        self._advance()

    def clear(self) -> None:
        """Drop what waits, as of a connection that is closed."""
        self._is_cut = True
        self._queue.clear()

    def _advance(self) -> None:
        """Let pass what may pass now, and wake when the next piece may."""
        while self._queue and not self._is_stopped and not self._is_cut:
            queued = self._queue[0]
            size = self._piece_bytes(queued.chunk)
            due_s = max(self._ready_s(queued), self._passed_s) + size / self._rate_bytes_s
            if due_s > time.monotonic():
                self._wake_at(due_s)
                return
            self._passed_s = due_s
            self._queue.popleft()
            self._pass(queued, size)

    def _piece_bytes(self, chunk: Chunk) -> int:
        """How many bytes of a chunk pass together."""
        size = len(chunk or END)
        return size if math.isinf(self._rate_bytes_s) else min(size, max(1, int(self._rate_bytes_s * PIECE_S)))

    def _ready_s(self, queued: QueuedChunk) -> float:
        """When a chunk has had all delays of toxics that are still in force."""
        return queued.received_s + sum(delay_s for toxic, delay_s in queued.delays_s if toxic in self._toxics)

    def _pass(self, queued: QueuedChunk, size: int) -> None:
        """Let pass the first `size` bytes of the chunk that is no longer in the queue; the rest stays its first one."""
        if not queued.chunk:
            self._on_pass(queued.chunk)
            return
        passing = min(size, *self._remaining_bytes.values()) if self._remaining_bytes else size
        if passing:
            self._on_pass(queued.chunk if passing == len(queued.chunk) else memoryview(queued.chunk)[:passing])
        for toxic in self._remaining_bytes:
            self._remaining_bytes[toxic] -= passing
        if 0 in self._remaining_bytes.values():
            self.clear()
            self._on_pass(LOST)
        elif passing < len(queued.chunk):
            self._queue.appendleft(queued._replace(chunk=memoryview(queued.chunk)[passing:]))

    def _wake_at(self, due_s: float) -> None:
        if due_s < self._wakes_at_s:
            self._wakes_at_s = due_s
            self._loop.call_at(due_s, self._wake, due_s)

    def _wake(self, due_s: float) -> None:
        if due_s == self._wakes_at_s:  # no earlier one took its place
            self._wakes_at_s = math.inf
            self._advance()
