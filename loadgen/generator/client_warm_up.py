"""Requests over Locust's client to a socket of this process, before the load: what a first use costs is then paid.

A forked process copies each page that it touches for the first time, and CPython specialises code after some calls. In
a burst of one pass that falls into the measured time, on the cores of the system under test.
"""

from functools import partial

from gevent import socket
from gevent.server import StreamServer
from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from .virtual_user import VirtualUser

SESSIONS, REQUESTS = 4, 6  # CPython 3.11 specialises code from its eighth call on
NO_USER = -1
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: session=none; Path=/\r\n"
    b"Server-Timing: app;dur=0.1\r\nContent-Length: 17\r\n\r\n"
    b'{"success": true}'
)


def send() -> None:
    """Send the requests. They are of no user, and no listener of the run hears of them."""
    server = StreamServer(("127.0.0.1", 0), _answer)
    server.start()
    try:
        for _ in range(SESSIONS):
            _send_pass(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.stop()


def _send_pass(url: str) -> None:
    session = FastHttpSession(url, EventHook(), user=None)
    session._tracetrack_state = VirtualUser(NO_USER)  # type: ignore[attr-defined]  # see `virtual_user_of`
    for number in range(REQUESTS):
        method, form = ("GET", None) if number else ("POST", {"username": "", "password": ""})
        with session.request(
            method, "/", name="warm-up", data=form, catch_response=True, allow_redirects=False
        ) as sent:
            sent.success()
    session.client.clientpool.close()


def _answer(connection: socket.socket, _: object) -> None:
    for _request in iter(partial(connection.recv, 65536), b""):
        connection.sendall(RESPONSE)
