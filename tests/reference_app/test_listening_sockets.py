"""Connections reach all workers of a server that gives each a listening socket."""

import http.client
from contextlib import ExitStack, closing
from dataclasses import replace
from urllib.parse import urlsplit

import psutil

from tests.brief_server import serve_briefly
from tests.processes import wait_until

CONNECTIONS = 64


def worker_of(served, stack):
    """The number of the worker that a new connection reaches; the connection stays open."""
    address = urlsplit(served.url)
    connection = stack.enter_context(closing(http.client.HTTPConnection(address.hostname, address.port, timeout=20)))
    connection.request("GET", "/health")
    response = connection.getresponse()
    response.read()
    return response.headers["Server-Timing"].partition('worker;desc="')[2][:1]


def test_each_worker_gets_a_share_of_the_connections(settings, tmp_path):
    changed = replace(
        settings,
        server="granian",
        body_timeout_s=0,
        workers=2,
        threads=4,
        deadlines=True,
        pool_size=2,
        server_timing_for_all=True,
    )
    with serve_briefly(changed, tmp_path / "log") as served, ExitStack() as stack:
        wait_until(lambda: len(psutil.Process(served.child.pid).children()) == 2)
        numbers = [worker_of(served, stack) for _ in range(CONNECTIONS)]
    # Numbers of ports that follow each other have hashes that are not independent: less than a quarter was seen.
    assert min(numbers.count("0"), numbers.count("1")) >= CONNECTIONS // 16
