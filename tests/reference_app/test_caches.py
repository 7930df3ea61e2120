"""What both kinds of cache promise: one maker, no failure, nothing too old."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from instrumentation.worker_metrics import Readings
from reference_app import caches
from reference_app.caches import Answers, BoundedStore, Lifetime, Off, SharedAnswers, own_region
from reference_app.store import Store

PATIENCE_S = 10


@pytest.fixture(params=["process", "shared"])
def cache(request):
    """Makes a cache whose answers are good for so many seconds."""
    if request.param == "process":
        yield lambda good_s=60: Answers(Lifetime(good_s), own_region)
        return
    place = request.getfixturevalue("store")
    store = Store(place.url, place.prefix, 5.0, Readings.private().slot(0))
    yield lambda good_s=60: SharedAnswers(Lifetime(good_s), store, "tests:")
    store.client.close()


class Creator:
    """Counts its calls, and takes its time."""

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
    raise AssertionError("nothing is to be made")


def at_once(number, call):
    """What so many simultaneous calls return, or raise."""
    together = threading.Barrier(number)

    def visit(_):
        together.wait(timeout=PATIENCE_S)
        try:
            return call()
        except LookupError as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(visit, range(number)))


@contextmanager
def in_the_making(answers, value):
    """Another thread makes this answer for as long as the block lasts. Yields what that thread gets in the end."""
    making, release = threading.Event(), threading.Event()

    def slow():
        making.set()
        release.wait(timeout=PATIENCE_S)
        return value

    with ThreadPoolExecutor(1) as pool:
        maker = pool.submit(answers.get, "key", slow)
        try:
            assert making.wait(timeout=PATIENCE_S)
            yield maker
        finally:
            release.set()


def the_next_waits_for_the_new(answers):
    with ThreadPoolExecutor(1) as pool, in_the_making(answers, {"turn": 2}) as refresher:
        other = pool.submit(answers.get, "key", never)
        time.sleep(0.1)
        assert not other.done()
    assert refresher.result() == ({"turn": 2}, "miss")
    assert other.result() == ({"turn": 2}, "hit")


def outcomes(visits):
    return sorted(outcome for _, outcome in visits)


def test_fifty_who_miss_at_once_make_one_answer(cache):
    answers, create = cache(), Creator(takes_s=0.2)
    visits = at_once(50, lambda: answers.get("key", create))
    assert create.calls == 1
    assert [answer for answer, _ in visits] == [{"number": 1}] * 50
    assert outcomes(visits) == ["hit"] * 49 + ["miss"]


def test_nobody_waits_longer_than_a_creation_may_take(cache, monkeypatch):
    monkeypatch.setattr(caches, "LONGEST_CREATION_S", 0.3)
    answers = cache()
    with in_the_making(answers, {"is": "slow"}) as first:
        started_s = time.monotonic()
        assert answers.get("key", lambda: {"is": "own"}) == ({"is": "own"}, "miss")
        assert 0.2 < time.monotonic() - started_s < 2
        assert answers.get("key", never) == ({"is": "own"}, "hit")
    assert first.result() == ({"is": "slow"}, "miss")


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, time
from reference_app import caches

caches.LONGEST_CREATION_S = 0.3
answers = caches.Answers(caches.Lifetime(60), caches.own_region)

def slow():
    time.sleep(2)
    return {"is": "slow"}

first = gevent.spawn(answers.get, "key", slow)
gevent.sleep(0.1)
started_s = time.monotonic()
answer, _ = answers.get("key", lambda: {"is": "own"})
print(answer["is"], 0.2 < time.monotonic() - started_s < 1, first.get()[0]["is"])
"""


def test_no_greenlet_does_either():
    finished = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, timeout=30)
    assert (finished.stdout, finished.stderr) == ("own True slow\n", "")


def test_the_lifetime_counts_from_the_begin_of_an_answer(cache):
    answers = cache(1)
    assert answers.get("key", Creator(takes_s=0.7)) == ({"number": 1}, "miss")
    time.sleep(0.5)
    assert answers.get("key", lambda: {"number": 2}) == ({"number": 2}, "miss")


def test_what_was_begun_twice_its_lifetime_ago_is_not_served(cache):
    answers = cache(1)
    answers.get("key", Creator(takes_s=0.7))
    time.sleep(1.5)
    the_next_waits_for_the_new(answers)


def test_keys_do_not_wait_for_each_other_nor_share_an_answer(cache):
    answers = cache()
    with in_the_making(answers, {"is": "a"}) as first:
        assert answers.get("other", lambda: {"is": "b"}) == ({"is": "b"}, "miss")
    assert first.result() == ({"is": "a"}, "miss")
    assert answers.get("key", never) == ({"is": "a"}, "hit")


def test_while_one_refreshes_the_others_get_the_stale_answer(cache):
    answers = cache(1)
    assert answers.get("key", lambda: {"turn": 1}) == ({"turn": 1}, "miss")
    assert answers.get("key", never) == ({"turn": 1}, "hit")
    time.sleep(1.05)
    with in_the_making(answers, {"turn": 2}) as refresher:
        assert answers.get("key", never) == ({"turn": 1}, "stale")
    assert refresher.result() == ({"turn": 2}, "miss")
    assert answers.get("key", never) == ({"turn": 2}, "hit")


def test_fifty_who_find_a_stale_answer_make_one_new(cache):
    answers = cache(1)
    answers.get("key", lambda: {"number": 0})
    time.sleep(1.05)
    create = Creator(takes_s=0.1)
    visits = at_once(50, lambda: answers.get("key", create))
    assert create.calls == 1
    assert {answer["number"] for answer, outcome in visits if outcome == "stale"} <= {0}
    assert outcomes(visits).count("miss") == 1


def test_what_is_older_than_twice_its_lifetime_is_not_served(cache):
    answers = cache(1)
    answers.get("key", lambda: {"turn": 1})
    time.sleep(2.1)
    the_next_waits_for_the_new(answers)


@pytest.mark.parametrize("takes_s", [0.1, 1.2])
def test_fifty_who_wait_for_a_degraded_answer_make_one_attempt(cache, takes_s):
    answers, create = cache(), Creator(takes_s=takes_s, unavailable=["total_bills"])
    visits = at_once(50, lambda: answers.get("key", create))
    assert create.calls == 1
    assert all(answer["number"] == 1 for answer, _ in visits)
    assert outcomes(visits) == ["hit"] * 49 + ["miss"]


def test_a_degraded_answer_is_made_anew_after_a_second(cache):
    answers = cache()
    degraded = {"unavailable": ["total_bills"]}
    assert answers.get("key", lambda: degraded) == (degraded, "miss")
    assert answers.get("key", never) == (degraded, "hit")
    time.sleep(1.05)
    assert answers.get("key", lambda: {"whole": True}) == ({"whole": True}, "miss")
    assert answers.get("key", never) == ({"whole": True}, "hit")


def test_a_failure_is_not_kept(cache):
    answers, create = cache(), Creator(error=LookupError("the database is away"))
    for _ in range(2):
        with pytest.raises(LookupError):
            answers.get("key", create)
    assert create.calls == 2
    assert answers.get("key", lambda: {"fine": True}) == ({"fine": True}, "miss")


def test_those_who_wait_for_what_fails_do_not_fail_one_after_the_other(cache):
    answers, create = cache(), Creator(takes_s=0.3, error=LookupError("the database is away"))
    started_s = time.monotonic()
    seen = at_once(50, lambda: answers.get("key", create))
    assert all(isinstance(error, LookupError) for error in seen)
    # Whoever came too late to wait for the first makes one of its own.
    assert create.calls < 10
    assert time.monotonic() - started_s < 5


def test_off_asks_every_time():
    create = Creator()
    assert [Off().get("key", create) for _ in range(3)] == [({"number": n}, "none") for n in (1, 2, 3)]


def test_the_store_forgets_its_oldest_when_full():
    store = BoundedStore(3)
    for number in range(5):
        store[number] = number
    assert list(store) == [2, 3, 4]
    store[2] = "again"
    store[5] = 5
    assert list(store) == [4, 2, 5]


def test_the_store_does_not_give_what_is_too_old():
    store = BoundedStore(3, longest_s=0.05)
    store["key"] = "value"
    assert store.get("key", "nothing") == "value"
    time.sleep(0.1)
    assert store.get("key", "nothing") == "nothing"


def test_the_store_keeps_its_bound_when_many_write():
    store = BoundedStore(100)

    def fill(start):
        for number in range(start, start + 1000):
            store[number] = number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(0, 8000, 1000)))
    assert len(store) == 100
