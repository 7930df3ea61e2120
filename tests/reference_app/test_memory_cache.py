"""The bounded dictionary behind the cache of a worker."""

import time
from concurrent.futures import ThreadPoolExecutor

from reference_app.memory_cache import BoundedDict


def test_a_full_dict_drops_its_oldest_entry():
    entries = BoundedDict(3)
    for number in range(5):
        entries[number] = number
    assert list(entries) == [2, 3, 4]
    entries[2] = "new"
    entries[5] = 5
    assert list(entries) == [4, 2, 5]


def test_the_cache_of_a_worker_keeps_its_newest_10000_answers():
    entries = BoundedDict()
    for number in range(10_002):
        entries[number] = number
    assert (len(entries), min(entries)) == (10_000, 2)


def test_an_entry_that_is_too_old_is_not_returned():
    entries = BoundedDict(3, max_age_s=0.05)
    entries["key"] = "value"
    assert entries.get("key", "nothing") == "value"
    time.sleep(0.1)
    assert entries.get("key", "nothing") == "nothing"


def test_set_drops_the_entries_that_are_too_old():
    entries = BoundedDict(100, max_age_s=0.05)
    for number in range(5):
        entries[number] = number
    time.sleep(0.1)
    entries["new"] = 1
    assert list(entries) == ["new"]


def test_the_bound_holds_with_many_writers():
    entries = BoundedDict(100)

    def fill(start):
        for number in range(start, start + 1000):
            entries[number] = number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(0, 8000, 1000)))
    assert len(entries) == 100
