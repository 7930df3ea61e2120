"""A carrier's tracking service for runs: it answers each question after a set time, and computes next to nothing.

`python loadgen/services/upstream_server.py DELAY_MS` listens on a free port of 127.0.0.1, which it prints. It is run by
its path and imports the standard library alone, so that it starts in a few hundredths of a second.

    GET /shipments/<id>   {"id": "<id>", "status": "in transit", "place": "Lucknow"}, DELAY_MS later
    GET /counts           {"requests": 12, "most_at_once": 3}, at once: the questions so far, and those under way
"""

import asyncio
import json
import os
import re
import sys
from http import HTTPStatus
from typing import Any

MAX_HEAD_BYTES = 16 * 2**10
BACKLOG = 4096
REQUEST_LINE = re.compile(rb"GET (/[!-~]*) HTTP/1\.1\r\n")
SHIPMENT, COUNTS = re.compile(rb"/shipments/([A-Za-z0-9-]{1,40})"), b"/counts"
END_OF_HEAD = b"\r\n\r\n"


class Counts:
    """The questions so far, and how many of them were under way at once."""

    def __init__(self) -> None:
        self.requests = self.under_way = self.most_at_once = 0

    def begin(self) -> None:
        """Count a question that came in."""
        self.requests += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)

    def end(self) -> None:
        """Count one that is answered."""
        self.under_way -= 1

    def as_json(self) -> dict[str, int]:
        """The counts of the answer."""
        return {"requests": self.requests, "most_at_once": self.most_at_once}


class Connection(asyncio.Protocol):
    """One connection, which stays open; its answers keep the order of its requests, as all take the same time."""

    _transport: asyncio.Transport

    def __init__(self, delay_s: float, counts: Counts):
        self._delay_s = delay_s
        self._counts = counts
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while END_OF_HEAD in self._received:
            head, _, self._received = self._received.partition(END_OF_HEAD)
            self._serve(head + END_OF_HEAD)
        if len(self._received) > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _serve(self, head: bytes) -> None:
        request = REQUEST_LINE.match(head)
        if request is None:
            self._refuse(HTTPStatus.BAD_REQUEST)
        elif shipment := SHIPMENT.fullmatch(request[1]):
            self._counts.begin()
            self._loop.call_later(self._delay_s, self._answer, shipment[1].decode())
        elif request[1] == COUNTS:
            self._send(HTTPStatus.OK, self._counts.as_json())
        else:
            self._send(HTTPStatus.NOT_FOUND, {})

    def _answer(self, shipment: str) -> None:
        self._counts.end()
        self._send(HTTPStatus.OK, {"id": shipment, "status": "in transit", "place": "Lucknow"})

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what is no request of HTTP, and close: where the next one begins is not known."""
        self._received = b""
        self._send(status, {})
        self._transport.close()

    def _send(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + END_OF_HEAD + body)


async def serve(delay_s: float) -> None:
    """Serve until the process ends."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay_s, counts), "127.0.0.1", 0, backlog=BACKLOG)
    port = server.sockets[0].getsockname()[1]
    print(f"process {os.getpid()} listens on {port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000))
