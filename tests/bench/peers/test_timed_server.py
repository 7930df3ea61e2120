"""The timed server answers when it was planned to, through a stall, and keeps by how much it was late."""

import http.client
import os
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from bench.peers.planned_load import TIMED_PATH, PlannedLoad
from bench.peers.timed_service import timed_service


def answer_time_s(service, path):
    """The seconds that one request takes."""
    with closing(http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=10)) as connection:
        start_s = time.perf_counter()
        connection.request("GET", path)
        assert connection.getresponse().read() == b"ok"
        return time.perf_counter() - start_s


@pytest.fixture
def core():
    """A core that this process may use."""
    return min(os.sched_getaffinity(0))


def test_a_request_takes_its_service_time_and_a_stall_holds_it(tmp_path, core):
    load = PlannedLoad(rate_rps=2, duration_s=1, stall_at_s=0.2, stall_s=1.0)
    first_s, second_s = load.service_times_s()
    with timed_service(load, tmp_path, core) as service:
        begin_s = time.perf_counter()
        assert answer_time_s(service, TIMED_PATH) >= first_s
        time.sleep(max(0.0, begin_s + 0.4 - time.perf_counter()))
        held_s = answer_time_s(service, TIMED_PATH)
    assert held_s >= 0.5 + second_s
    assert len(service.late_s()) == 2
    assert all(late_s >= 0 for late_s in service.late_s())


def test_other_paths_are_answered_at_once_and_not_kept(tmp_path, core):
    load = PlannedLoad(rate_rps=1, duration_s=1, stall_at_s=0.0, stall_s=5.0)
    with timed_service(load, tmp_path, core) as service:
        assert answer_time_s(service, "/") < 4
    assert service.late_s() == []
