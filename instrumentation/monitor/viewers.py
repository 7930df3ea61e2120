"""The pages that are open: each gets every snapshot, a bounded number of them at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

MAX_VIEWERS = 32
HEARTBEAT_S = 15.0


class Viewers:
    """Passes the newest event on to all pages. A page that reads too slowly misses events, and holds up nothing."""

    def __init__(self) -> None:
        self.number = 0
        self.closed = False
        self._event = b""
        self._changed = asyncio.Event()

    @contextmanager
    def admitted(self) -> Iterator[bool]:
        """Whether there is room for one more page for the time of the block."""
        has_room = self.number < MAX_VIEWERS
        self.number += has_room
        try:
            yield has_room
        finally:
            self.number -= has_room

    def publish(self, event: bytes) -> None:
        """Give all pages an event."""
        self._event = event
        self._wake()

    def close(self) -> None:
        """End the streams of all pages."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def events(self) -> AsyncIterator[bytes]:
        """The events from now on, the newest first; a comment where there was none for a while."""
        if self._event:
            yield self._event
        while not self.closed:
            try:
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_S)
                if not self.closed:
                    yield self._event
            except TimeoutError:
                yield b": no news\n\n"
