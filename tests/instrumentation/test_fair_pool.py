"""The fair pool: a connection goes to the thread that has waited longest, and a wait ends in time."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.util.queue import Empty, Full

from instrumentation.fair_pool import HandoffQueue
from tests.processes import wait_until


def waiting(queue, number):
    wait_until(lambda: len(queue._waiters) == number)


def test_items_go_to_waiting_threads_in_their_order():
    queue, order = HandoffQueue(1), []

    def take(number):
        queue.get(timeout=10)
        order.append(number)

    with ThreadPoolExecutor(5) as pool:
        for number in range(5):
            pool.submit(take, number)
            waiting(queue, number + 1)
        for taken in range(5):
            queue.put("connection", block=False)
            wait_until(lambda taken=taken: len(order) == taken + 1)
    assert order == list(range(5))


def test_a_new_thread_does_not_overtake_a_waiting_one():
    queue, received = HandoffQueue(1), []
    thread = threading.Thread(target=lambda: received.append(queue.get(timeout=10)))
    thread.start()
    waiting(queue, 1)
    queue.put("connection", block=False)
    with pytest.raises(Empty):
        queue.get(block=False)
    thread.join()
    assert received == ["connection"]


def test_a_thread_that_stops_waiting_leaves_the_line():
    queue = HandoffQueue(1)
    began_s = time.monotonic()
    with pytest.raises(Empty):
        queue.get(timeout=0.1)
    assert 0.1 <= time.monotonic() - began_s < 5
    queue.put("connection", block=False)
    assert queue.get(block=False) == "connection"


def test_without_waiting_threads_it_is_the_queue_of_sqlalchemy():
    queue = HandoffQueue(2, use_lifo=True)
    queue.put("first", block=False)
    queue.put("second", block=False)
    with pytest.raises(Full):
        queue.put("third", block=False)
    assert [queue.get(block=False), queue.get(block=False)] == ["second", "first"]


def test_a_fair_pool_keeps_its_size_and_serves_all(serve, settings, visit):
    served = serve(replace(settings, server="gthread", threads=16, pool="fair", pool_size=1, pool_max_overflow=0,
                           sessions="cookie"))  # fmt: skip
    visitor = visit(served).login()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(visitor.get, ["/api/dashboard/stats"] * 60))
    assert {answer.status for answer in answers} == {200}
    (limit,) = re.findall(r"^db_client_connection_max\{.*\} (\S+)$", visitor.get("/metrics").text, re.MULTILINE)
    assert float(limit) == 1


def test_the_engine_has_a_fair_queue_also_after_it_is_disposed_of(make_app, settings):
    engine = make_app(replace(settings, pool="fair", pool_size=1)).extensions["engine"]
    assert isinstance(engine.pool._pool, HandoffQueue)
    engine.dispose()
    assert isinstance(engine.pool._pool, HandoffQueue)
