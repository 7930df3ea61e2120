import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import Client

from reference_app.caches import BoundedStore, Off, ProcessCache
from reference_app.timing import TimedApplication


def ask(cache, ttl_s, create, key="key"):
    """The answer and the label under which the request was booked."""
    answers = []

    def application(environ, start_response):
        answers.append(cache.get(key, ttl_s, create))
        start_response("200 OK", [])
        return []

    response = Client(TimedApplication(application)).get("/")
    (label,) = re.findall(r'cache;dur=[0-9.]+;desc="(\w+)"', response.headers["Server-Timing"])
    return answers[0], label


def test_fifty_who_miss_at_once_make_one_answer():
    cache, together, created = ProcessCache(), threading.Barrier(50), []

    def create():
        created.append(threading.get_ident())
        time.sleep(0.1)
        return {"number": len(created)}

    def visit(_):
        together.wait(timeout=10)
        return ask(cache, 60, create)

    with ThreadPoolExecutor(50) as pool:
        visits = list(pool.map(visit, range(50)))
    assert len(created) == 1
    assert [answer for answer, _ in visits] == [{"number": 1}] * 50
    assert sorted(label for _, label in visits) == ["hit"] * 49 + ["miss"]


def test_keys_do_not_wait_for_each_other_nor_share_an_answer():
    cache = ProcessCache()
    assert ask(cache, 60, lambda: {"is": "a"}, "a") == ({"is": "a"}, "miss")
    assert ask(cache, 60, lambda: {"is": "b"}, "b") == ({"is": "b"}, "miss")
    assert ask(cache, 60, lambda: {"is": "c"}, "a") == ({"is": "a"}, "hit")


def test_while_one_refreshes_the_others_get_the_stale_answer():
    cache, ttl_s = ProcessCache(), 0.3
    refreshing, release = threading.Event(), threading.Event()

    def refresh():
        refreshing.set()
        release.wait(timeout=10)
        return {"turn": 2}

    assert ask(cache, ttl_s, lambda: {"turn": 1}) == ({"turn": 1}, "miss")
    assert ask(cache, ttl_s, lambda: {"turn": 9}) == ({"turn": 1}, "hit")
    time.sleep(ttl_s + 0.05)
    with ThreadPoolExecutor(1) as pool:
        refresher = pool.submit(ask, cache, ttl_s, refresh)
        assert refreshing.wait(timeout=10)
        try:
            assert ask(cache, ttl_s, lambda: {"turn": 9}) == ({"turn": 1}, "stale")
        finally:
            release.set()
        assert refresher.result(timeout=10) == ({"turn": 2}, "miss")
    assert ask(cache, ttl_s, lambda: {"turn": 9}) == ({"turn": 2}, "hit")


def test_a_failure_is_not_kept():
    cache = ProcessCache()

    def fail():
        raise LookupError("the database is away")

    for _ in range(2):
        with pytest.raises(LookupError):
            cache.get("key", 60, fail)
    assert ask(cache, 60, lambda: {"fine": True}) == ({"fine": True}, "miss")


def test_off_asks_every_time():
    created = []

    def create():
        created.append(1)
        return {}

    for _ in range(3):
        assert ask(Off(), 60, create) == ({}, "none")
    assert len(created) == 3


def test_the_store_forgets_its_oldest_when_full():
    store = BoundedStore(3)
    for number in range(5):
        store[number] = number
    assert list(store) == [2, 3, 4]
    store[2] = "again"
    store[5] = 5
    assert list(store) == [4, 2, 5]


def test_the_store_keeps_its_bound_when_many_write():
    store = BoundedStore(100)

    def fill(start):
        for number in range(start, start + 1000):
            store[number] = number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(0, 8000, 1000)))
    assert len(store) == 100
