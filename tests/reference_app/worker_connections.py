"""Connections to a server, and the worker that each of them reached."""

import http.client
from contextlib import ExitStack, closing
from urllib.parse import urlsplit


def worker_of_connection(served, stack: ExitStack) -> str:
    """The number of the worker that a new connection reaches; the connection stays open until the stack is closed.

    The server times all requests.
    """
    address = urlsplit(served.url)
    connection = stack.enter_context(closing(http.client.HTTPConnection(address.hostname, address.port, timeout=20)))
    connection.request("GET", "/health")
    response = connection.getresponse()
    response.read()
    return response.headers["Server-Timing"].partition('worker;desc="')[2][:1]
