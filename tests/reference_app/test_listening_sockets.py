"""Connections reach all workers of a server that gives each a listening socket."""

from contextlib import ExitStack
from dataclasses import replace

import psutil

from tests.brief_server import serve_briefly
from tests.processes import wait_until
from tests.reference_app.worker_connections import worker_of_connection

CONNECTIONS = 64


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
        numbers = [worker_of_connection(served, stack) for _ in range(CONNECTIONS)]
    # Numbers of ports that follow each other have hashes that are not independent: less than a quarter was seen.
    assert min(numbers.count("0"), numbers.count("1")) >= CONNECTIONS // 16
