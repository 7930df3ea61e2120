"""`cpu_affinity`: each worker on a core of its own, on real servers."""

import os
import sys
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from tests.brief_server import serve_briefly
from tests.processes import wait_until

CORES = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
pytestmark = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores, and a system that assigns them")
SERVERS = {
    "sync": {"server": "sync"},
    "gthread": {"server": "gthread", "threads": 2},
    "gevent": {"server": "gevent", "deadlines": True},
    "granian": {"server": "granian", "threads": 2, "body_timeout_s": 0},
    "uvicorn": {"server": "uvicorn", "driver": "psycopg3", "sessions": "cookie"},
}


@pytest.fixture
def assert_cores(settings, tmp_path):
    """Asserts which cores the threads of each worker of a server may use."""

    def check(expected, **changes):
        with serve_briefly(replace(settings, pool_size=1, **changes), tmp_path / "log") as served:
            # A worker may have been forked just now.
            wait_until(lambda: cores_by_worker(served) == expected)

    return check


def cores_by_worker(served):
    """For each worker the cores that its threads may use, in order."""
    with suppress(psutil.NoSuchProcess, ProcessLookupError):  # a thread that ended meanwhile
        workers = psutil.Process(served.child.pid).children()
        return sorted(sorted({c for t in w.threads() for c in os.sched_getaffinity(t.id)}) for w in workers)


@pytest.mark.parametrize("server_kind", SERVERS)
def test_each_worker_keeps_to_one_core(assert_cores, server_kind):
    assert_cores([[core] for core in CORES], cpu_affinity=True, workers=len(CORES), **SERVERS[server_kind])


def test_more_workers_than_cores_share_them(assert_cores):
    expected = sorted([core] for core in (*CORES, CORES[0]))
    assert_cores(expected, cpu_affinity=True, workers=len(CORES) + 1)


def test_fewer_workers_than_cores_use_all(assert_cores):
    assert_cores([CORES], cpu_affinity=True, workers=1)


def test_without_the_setting_workers_use_all_cores(assert_cores):
    assert_cores([CORES] * len(CORES), workers=len(CORES))
