"""Which workers may join a run."""

import re
import time

import pytest

from loadgen import load_versions
from loadgen.hosts.host_admission import Admission

DIGEST = "0123456789ab"


def worker(wall_ahead_s=0, **changes):
    wall_s = time.time() + wall_ahead_s
    return {"versions": load_versions.versions(), "locustfile": DIGEST, "wall_s": wall_s, **changes}


def refusal(fields, joined=0, *, locustfile=DIGEST, is_under_way=False):
    return Admission(2, locustfile).refusal(fields, joined, is_under_way=is_under_way)


def test_a_worker_like_the_run_may_join():
    assert refusal(worker()) == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"versions": None}, r"its workbench \(.* here, unknown there\) differs; bring both to the same commit"),
        (
            {"versions": load_versions.versions() | {"workbench": "abc"}},
            r"its workbench \(\w+ here, abc there\) differs",
        ),
        ({"versions": load_versions.versions() | {"locust": "1.0"}}, r"its locust \([\d.]+ here, 1.0 there\) differs"),
        ({"locustfile": "fedcba987654"}, f"digest fedcba987654 there, {DIGEST} here.; copy the run's to it"),
        ({"locustfile": None}, "start it with --locustfile"),
        ({"wall_ahead_s": 3600}, r"its wall clock is 3,\d\d\d s ahead of that of the run's host.* set it"),
        ({"wall_ahead_s": -3600}, r"its wall clock is 3,\d\d\d s behind that of the run's host"),
    ],
)
def test_a_worker_that_differs_is_refused_with_what_and_a_remedy(changes, message):
    reason = refusal(worker(**changes))
    assert "\n" not in reason
    assert re.search(message, reason)


def test_a_worker_with_a_locustfile_is_refused_by_a_run_without():
    assert "start it without --locustfile" in refusal(worker(), locustfile=None)


def test_a_worker_after_the_begin_is_refused():
    assert "the run has begun; start workers before it" in refusal(worker(), is_under_way=True)


def test_a_worker_more_than_wanted_is_refused():
    assert "--hosts 3" in refusal(worker(), joined=2)
