"""What a proxy of the tests stands between: servers with an answer of the test's own, and their clients."""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

from workbench.polling import attempts

MIB = 2**20
FLOOD_BYTES = 48 * MIB


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 500
    daemon_threads = True


@contextmanager
def upstream(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """The address of a server that passes each connection to `answer` in a thread, and closes it then."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with suppress(ConnectionError):
                answer(self.request)

    with Server(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        try:
            yield server.server_address
        finally:
            server.shutdown()
            serving.join()


def echo_or_flood(connection):
    while message := connection.recv(1000):
        connection.sendall(bytes(FLOOD_BYTES) if message == b"flood" else message)


def read_all(connection):
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def read_exactly(connection, size):
    left = size
    while left and (chunk := connection.recv(min(left, 65536))):
        left -= len(chunk)
    return size - left


def connect(running):
    return socket.create_connection(running.address, timeout=10)


def ping(connection, message=b"ping"):
    """Send a message; returns the seconds until it came back."""
    start_s = time.monotonic()
    connection.sendall(message)
    assert connection.recv(1000) == message
    return time.monotonic() - start_s


def receives_nothing(connection, wait_s=0.3):
    """Wait; returns False if something was received, or the end."""
    timeout_s = connection.gettimeout()
    connection.settimeout(wait_s)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(timeout_s)
    return False


def ending(connection):
    """How a connection ends: "reset" or "closed"; fails if it receives bytes."""
    try:
        assert connection.recv(1000) == b""
    except ConnectionResetError:
        return "reset"
    return "closed"


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def has_closed_all_connections(running):
    """Wait until the proxy has no connection; returns False if it still has one after 5 s."""
    process = psutil.Process(running.child.pid)
    for _ in attempts(5, 0.01):
        if [connection.status for connection in process.net_connections("tcp")] == [psutil.CONN_LISTEN]:
            return True
    return False
