"""Processes that are forked from one with the application: each has connections, locks and a slot of its own."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest
from sqlalchemy import text

import reference_app
from loadgen.dataset import SCALES
from reference_app.database import connection, rows

PID = text("SELECT pg_backend_pid() AS pid")
TRAFFIC_S = 4


def worker_ids(served):
    return {process.pid for process in psutil.Process(served.child.pid).children()}


def wait_until(condition):
    deadline_s = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.parametrize(("kind", "workers", "threads"), [("gthread", 2, 8), ("sync", 3, 1)])
def test_everybody_gets_their_own_answers_while_workers_are_forked(
    serve, visit, settings, store, kind, workers, threads
):
    """Somebody adds a worker, then all are replaced."""
    preloaded = replace(
        settings, server=kind, workers=workers, threads=threads, preload=True, password_hash="argon2id",
        cache="shared", sessions="shared", redis_url=store.url,
    )  # fmt: skip
    served = serve(preloaded)
    people = {number: visit(served).login(f"user{number:03d}") for number in range(1, 7)}
    first, end_s = worker_ids(served), time.monotonic() + TRAFFIC_S

    def traffic(number):
        person, asked = people[number], 0
        while time.monotonic() < end_s:
            qr_id = f"M444-{100 * number + asked % 50:07d}"
            bags = person.get(f"/api/bags/search?q={qr_id}").json["bags"]
            assert [bag["qr_id"] for bag in bags] == [qr_id]
            statistics = person.get("/api/dashboard/stats").json
            assert statistics["user_context"]["username"] == f"user{number:03d}"
            assert statistics["stats"]["total_bags"] == SCALES["small"].bags
            asked += 1
        return asked

    with ThreadPoolExecutor(len(people)) as pool:
        running = [pool.submit(traffic, number) for number in people]
        time.sleep(TRAFFIC_S / 4)
        served.child.process.send_signal(signal.SIGTTIN)
        wait_until(lambda: len(worker_ids(served)) == workers + 1)
        served.child.process.send_signal(signal.SIGHUP)
        assert all(future.result() > 0 for future in running)
    wait_until(lambda: len(worker_ids(served)) == workers)
    assert not first & worker_ids(served)
    told = visit(served).get("/metrics").text
    assert told.count("db_client_connection_max{") == workers


def backend():
    with connection() as opened:
        return rows(opened, PID)[0]["pid"]


def test_a_child_lets_go_of_its_parents_connections(app):
    with app.app_context():
        before = backend()
        child = os.fork()
        if child == 0:
            os._exit(_child_of(app, before))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert backend() == before


def _child_of(app, parents):
    try:
        reference_app.renew_after_fork(app)
        with app.app_context():
            own = {backend() for _ in range(3)}
        return 0 if len(own) == 1 and parents not in own else 1
    except BaseException:
        return 2


def test_a_child_that_is_forked_amid_traffic_serves_and_so_does_its_parent(make_app, settings, store):
    """Whatever the parent's other threads hold at the fork, a lock or a connection: the child waits for none of it."""
    busy = replace(
        settings, pool_max_overflow=0, cache="shared", sessions="shared", redis_url=store.url,
        password_hash="argon2id", cache_statistics_ttl_s=1,
    )  # fmt: skip
    app, end = make_app(busy), threading.Event()

    clients = {number: log_in(app, number) for number in range(1, 7)}

    def traffic(number):
        asked = 0
        while not end.is_set():
            require_own_answers(clients[number], number, asked)
            asked += 1
        return asked

    with ThreadPoolExecutor(6) as people:
        running = [people.submit(traffic, number) for number in clients]
        children = []
        for number in range(10, 18):
            time.sleep(0.1)
            child = os.fork()
            if child == 0:
                os._exit(_serving_child(app, number))
            children.append(child)
        codes = [wait_for(child) for child in children]
        end.set()
        assert codes == [0] * len(children)
        assert all(future.result() > 0 for future in running)


def wait_for(child):
    """Its code; a child that hangs is killed."""
    deadline_s = time.monotonic() + 15
    while time.monotonic() < deadline_s:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def log_in(app, number):
    client = app.test_client()
    form = {"username": f"user{number:03d}", "password": "count every bag"}
    assert client.post("/login", data=form).status_code == 302
    return client


def require_own_answers(client, number, asked):
    qr_id = f"M444-{100 * number + asked % 50:07d}"
    assert [bag["qr_id"] for bag in client.get(f"/api/bags/search?q={qr_id}").json["bags"]] == [qr_id]
    assert client.get("/api/dashboard/stats").json["user_context"]["username"] == f"user{number:03d}"


def _serving_child(app, number):
    try:
        reference_app.renew_after_fork(app)
        client = log_in(app, number)
        for asked in range(10):
            require_own_answers(client, number, asked)
        return 0
    except BaseException:
        return 1
