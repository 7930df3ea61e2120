"""A server that answers each request after a planned time, and keeps when it really did.

`python -m bench.peers.timed_server FOLDER --rate R --duration S [--stall-at S]` listens on 127.0.0.1, writes its port
to FOLDER/port, and at SIGTERM what it served to FOLDER/served.json.
"""

import asyncio
import json
import selectors
import signal
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import click

from workbench import atomic
from workbench.errors import reporting_errors

from .planned_load import TIMED_PATH, PlannedLoad

PORT, SERVED = "port", "served.json"
PATH = TIMED_PATH.encode()  # any other path is answered at once, and not kept
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"
HEAD_END = b"\r\n\r\n"
BACKLOG = 1024


class Arrival(NamedTuple):
    """A request that has arrived: its number, and when it is to be answered, in seconds of the loop's clock."""

    number: int
    due_s: float


class ServedRequests:
    """The requests of a planned load as they come: for each when it was to be answered and when it was."""

    def __init__(self, load: PlannedLoad):
        self._load = load
        self._service_s = cycle(load.service_times_s())
        self._first_s: float | None = None
        self._due_s: list[float] = []
        self._answered_s: list[float | None] = []

    def arrive(self, at_s: float) -> Arrival:
        """Take the next service time for a request that arrived now."""
        if self._first_s is None:
            self._first_s = at_s
        due_s = self._first_s + self._load.answered_s(at_s - self._first_s, next(self._service_s))
        self._due_s.append(due_s)
        self._answered_s.append(None)
        return Arrival(len(self._due_s) - 1, due_s)

    def leave(self, number: int, at_s: float) -> None:
        """Note the instant of an answer."""
        self._answered_s[number] = at_s

    def late_s(self) -> list[float]:
        """By how much each answered request was answered later than planned, in the order of arrival."""
        pairs = zip(self._due_s, self._answered_s, strict=True)
        return [answered_s - due_s for due_s, answered_s in pairs if answered_s is not None]


class Connection(asyncio.Protocol):
    """A client's connection; requests have no body."""

    def __init__(self, served: ServedRequests):
        self._served = served
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while HEAD_END in self._received:
            head, _, self._received = self._received.partition(HEAD_END)
            self._take(head)

    def _take(self, head: bytes) -> None:
        if head.split(b" ", 2)[1:2] != [PATH]:
            self._transport.write(RESPONSE)
            return
        arrival = self._served.arrive(self._loop.time())
        self._loop.call_at(arrival.due_s, self._answer, arrival.number)

    def _answer(self, number: int) -> None:
        if not self._transport.is_closing():
            self._transport.write(RESPONSE)
            self._served.leave(number, self._loop.time())


async def serve(load: PlannedLoad, folder: Path) -> None:
    """Serve until SIGTERM."""
    served, ended = ServedRequests(load), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(lambda: Connection(served), "127.0.0.1", 0, backlog=BACKLOG)
    atomic.write_text(folder / PORT, str(server.sockets[0].getsockname()[1]))
    await ended.wait()
    atomic.write_text(folder / SERVED, json.dumps({"late_s": served.late_s()}))


def exact_loop() -> asyncio.AbstractEventLoop:
    """An event loop whose timers are exact to microseconds; epoll's are late by up to a millisecond."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--rate", type=float, required=True, help="Requests a second that are due.")
@click.option("--duration", type=float, required=True, help="Seconds in which they are due.")
@click.option("--stall-at", type=float, help="Seconds from the first request to the stall; none without it.")
def main(folder: Path, rate: float, duration: float, stall_at: float | None) -> None:
    """Serve a planned load from FOLDER until SIGTERM."""
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(serve(PlannedLoad(rate, duration, stall_at), folder))


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.peers.timed_server", standalone_mode=False)
