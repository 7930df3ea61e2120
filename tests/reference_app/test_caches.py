"""Caches of both kinds: one computation for many callers, no failure kept, no answer served that is too old."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from instrumentation.worker_metrics import WorkerMetrics
from reference_app import cached_answer
from reference_app.caches import Lifetime, NoCache, RegionCache, SharedCache
from reference_app.counters import COUNTERS
from reference_app.memory_cache import memory_region
from reference_app.store import Store

PATIENCE_S = 10


@pytest.fixture(params=["process", "shared"])
def cache(request):
    """Creates a cache whose answers are fresh for so many seconds."""
    if request.param == "process":
        yield lambda fresh_s=60: RegionCache(Lifetime(fresh_s), memory_region)
        return
    server = request.getfixturevalue("store")
    store = Store(server.url, server.prefix, 5.0, WorkerMetrics.private(COUNTERS).slot(0))
    yield lambda fresh_s=60: SharedCache(Lifetime(fresh_s), store, "tests:")
    store.client.close()


class Computation:
    """Computes an answer in some time, or raises an error, and counts its calls."""

    def __init__(self, takes_s=0.0, error=None, **more):
        self.calls = 0
        self._takes_s = takes_s
        self._error = error
        self._more = more

    def __call__(self):
        self.calls += 1
        time.sleep(self._takes_s)
        if self._error:
            raise self._error
        return {"number": self.calls, **self._more}


def never():
    raise AssertionError("no answer should be computed")


def at_once(number, call):
    """The results of `number` simultaneous calls, or the errors that they raise."""
    together = threading.Barrier(number)

    def caller(_):
        together.wait(timeout=PATIENCE_S)
        try:
            return call()
        except LookupError as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(caller, range(number)))


@contextmanager
def being_computed(answers, value):
    """Another thread computes this answer until the end of the block; yields the future of its result."""
    started, release = threading.Event(), threading.Event()

    def slow():
        started.set()
        release.wait(timeout=PATIENCE_S)
        return value

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(answers.get, "key", slow)
        try:
            assert started.wait(timeout=PATIENCE_S)
            yield future
        finally:
            release.set()


def require_wait_for_the_new_answer(answers):
    with ThreadPoolExecutor(1) as pool, being_computed(answers, {"turn": 2}) as refresher:
        other = pool.submit(answers.get, "key", never)
        time.sleep(0.1)
        assert not other.done()
    assert refresher.result() == ({"turn": 2}, "miss")
    assert other.result() == ({"turn": 2}, "hit")


def outcomes(results):
    return sorted(outcome for _, outcome in results)


def test_fifty_misses_at_once_compute_one_answer(cache):
    answers, compute = cache(), Computation(takes_s=0.2)
    results = at_once(50, lambda: answers.get("key", compute))
    assert compute.calls == 1
    assert [answer for answer, _ in results] == [{"number": 1}] * 50
    assert outcomes(results) == ["hit"] * 49 + ["miss"]


def test_a_caller_waits_no_longer_than_a_computation_may_take(cache, monkeypatch):
    monkeypatch.setattr(cached_answer, "MAX_COMPUTE_S", 0.3)
    answers = cache()
    with being_computed(answers, {"is": "slow"}) as first:
        started_s = time.monotonic()
        assert answers.get("key", lambda: {"is": "second"}) == ({"is": "second"}, "miss")
        assert 0.2 < time.monotonic() - started_s < 2
        assert answers.get("key", never) == ({"is": "second"}, "hit")
    assert first.result() == ({"is": "slow"}, "miss")


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, time
from reference_app import cached_answer, caches, memory_cache

cached_answer.MAX_COMPUTE_S = 0.3
answers = caches.RegionCache(caches.Lifetime(60), memory_cache.memory_region)

def slow():
    time.sleep(2)
    return {"is": "slow"}

first = gevent.spawn(answers.get, "key", slow)
gevent.sleep(0.1)
started_s = time.monotonic()
answer, _ = answers.get("key", lambda: {"is": "second"})
print(answer["is"], 0.2 < time.monotonic() - started_s < 1, first.get()[0]["is"])
"""


def test_a_greenlet_waits_no_longer_either():
    finished = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, timeout=30)
    assert (finished.stdout, finished.stderr) == ("second True slow\n", "")


def test_the_age_of_an_answer_counts_from_the_start_of_its_computation(cache):
    answers = cache(1)
    assert answers.get("key", Computation(takes_s=0.7)) == ({"number": 1}, "miss")
    time.sleep(0.5)
    assert answers.get("key", lambda: {"number": 2}) == ({"number": 2}, "miss")


def test_an_answer_started_twice_its_lifetime_ago_is_not_served(cache):
    answers = cache(1)
    answers.get("key", Computation(takes_s=0.7))
    time.sleep(1.5)
    require_wait_for_the_new_answer(answers)


def test_keys_share_neither_a_lock_nor_an_answer(cache):
    answers = cache()
    with being_computed(answers, {"is": "a"}) as first:
        assert answers.get("other", lambda: {"is": "b"}) == ({"is": "b"}, "miss")
    assert first.result() == ({"is": "a"}, "miss")
    assert answers.get("key", never) == ({"is": "a"}, "hit")


def test_while_one_caller_refreshes_the_others_get_the_stale_answer(cache):
    answers = cache(1)
    assert answers.get("key", lambda: {"turn": 1}) == ({"turn": 1}, "miss")
    assert answers.get("key", never) == ({"turn": 1}, "hit")
    time.sleep(1.05)
    with being_computed(answers, {"turn": 2}) as refresher:
        assert answers.get("key", never) == ({"turn": 1}, "stale")
    assert refresher.result() == ({"turn": 2}, "miss")
    assert answers.get("key", never) == ({"turn": 2}, "hit")


def test_fifty_callers_with_a_stale_answer_compute_one_new(cache):
    answers = cache(1)
    answers.get("key", lambda: {"number": 0})
    time.sleep(1.05)
    compute = Computation(takes_s=0.1)
    results = at_once(50, lambda: answers.get("key", compute))
    assert compute.calls == 1
    assert {answer["number"] for answer, outcome in results if outcome == "stale"} <= {0}
    assert outcomes(results).count("miss") == 1


def test_an_answer_older_than_twice_its_lifetime_is_not_served(cache):
    answers = cache(1)
    answers.get("key", lambda: {"turn": 1})
    time.sleep(2.1)
    require_wait_for_the_new_answer(answers)


@pytest.mark.parametrize("takes_s", [0.1, 1.2])
def test_fifty_callers_that_wait_for_a_degraded_answer_compute_it_once(cache, takes_s):
    answers, compute = cache(), Computation(takes_s=takes_s, unavailable=["total_bills"])
    results = at_once(50, lambda: answers.get("key", compute))
    assert compute.calls == 1
    assert all(answer["number"] == 1 for answer, _ in results)
    assert outcomes(results) == ["hit"] * 49 + ["miss"]


def test_a_degraded_answer_is_computed_anew_after_a_second(cache):
    answers = cache()
    degraded = {"unavailable": ["total_bills"]}
    assert answers.get("key", lambda: degraded) == (degraded, "miss")
    assert answers.get("key", never) == (degraded, "hit")
    time.sleep(1.05)
    assert answers.get("key", lambda: {"complete": True}) == ({"complete": True}, "miss")
    assert answers.get("key", never) == ({"complete": True}, "hit")


def test_a_failure_is_not_kept(cache):
    answers, compute = cache(), Computation(error=LookupError("the database is down"))
    for _ in range(2):
        with pytest.raises(LookupError):
            answers.get("key", compute)
    assert compute.calls == 2
    assert answers.get("key", lambda: {"fine": True}) == ({"fine": True}, "miss")


def test_callers_that_wait_for_a_failing_computation_do_not_fail_one_after_the_other(cache):
    answers, compute = cache(), Computation(takes_s=0.3, error=LookupError("the database is down"))
    started_s = time.monotonic()
    errors = at_once(50, lambda: answers.get("key", compute))
    assert all(isinstance(error, LookupError) for error in errors)
    # A caller that came too late to wait for the first computes its own.
    assert compute.calls < 10
    assert time.monotonic() - started_s < 5


def test_no_cache_computes_every_answer():
    compute = Computation()
    assert [NoCache().get("key", compute) for _ in range(3)] == [({"number": n}, "none") for n in (1, 2, 3)]
