"""Connections reach all workers, whatever they are busy with."""

import http.client
from contextlib import ExitStack, closing
from dataclasses import replace
from urllib.parse import urlsplit

import psutil
import pytest

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


@pytest.mark.parametrize("kind", ["gthread", "gevent", "granian"])
def test_each_worker_gets_a_share_of_the_connections(settings, tmp_path, kind):
    changed = replace(
        settings, server=kind, workers=2, threads=4, deadlines=True, pool_size=2, server_timing_for_all=True
    )
    with serve_briefly(changed, tmp_path / "log") as served, ExitStack() as stack:
        wait_until(lambda: len(psutil.Process(served.child.pid).children()) == 2)
        numbers = [worker_of(served, stack) for _ in range(CONNECTIONS)]
    # By chance alone one worker has less than a quarter of so many in one of ten thousand tests.
    assert min(numbers.count("0"), numbers.count("1")) >= CONNECTIONS // 4


def test_a_replaced_worker_accepts_again(settings, tmp_path):
    changed = replace(settings, server="gthread", workers=2, threads=4, pool_size=2, server_timing_for_all=True)
    with serve_briefly(changed, tmp_path / "log") as served:
        master = psutil.Process(served.child.pid)
        wait_until(lambda: len(master.children()) == 2)
        ended = {worker.pid for worker in master.children()}
        for worker in master.children():
            worker.kill()
        wait_until(lambda: len({worker.pid for worker in master.children()} - ended) == 2)
        with ExitStack() as stack:
            assert {worker_of(served, stack) for _ in range(CONNECTIONS)} == {"0", "1"}
