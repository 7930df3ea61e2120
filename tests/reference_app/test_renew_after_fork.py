"""Processes forked from one with the application: each has its own connections, locks and metrics."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest

import reference_app
from loadgen.dataset import SCALES
from tests.processes import wait_until
from tests.reference_app.pool_connections import backend
from tests.reference_app.sign_in import STATISTICS, logged_in

TRAFFIC_S = 4


def worker_ids(served):
    return {process.pid for process in psutil.Process(served.child.pid).children()}


def is_refused(answer):
    """True for a clean refusal: on a busy machine the store's short deadline may pass."""
    refused = answer.status == 503
    assert refused or answer.status == 200, answer.text
    assert not refused or int(answer.headers["Retry-After"]) > 0
    return refused


@pytest.mark.parametrize(("kind", "workers", "threads"), [("gthread", 2, 8), ("sync", 3, 1)])
def test_every_user_gets_their_own_answers_while_workers_are_forked(
    serve, visit, settings, store, kind, workers, threads
):
    """A worker is added, then all are replaced."""
    preloaded = replace(
        settings, server=kind, workers=workers, threads=threads, preload=True, password_hash="argon2id",
        cache="shared", sessions="shared", redis_url=store.url,
    )  # fmt: skip
    served = serve(preloaded)
    users = {number: visit(served).login(f"user{number:03d}") for number in range(1, 7)}
    first, end_s = worker_ids(served), time.monotonic() + TRAFFIC_S

    def traffic(number):
        user, sent, answered = users[number], 0, 0
        while time.monotonic() < end_s:
            qr_id = f"M444-{100 * number + sent % 50:07d}"
            search, dashboard = user.get(f"/api/bags/search?q={qr_id}"), user.get(STATISTICS)
            sent += 1
            if is_refused(search) or is_refused(dashboard):
                continue
            assert [bag["qr_id"] for bag in search.json["bags"]] == [qr_id]
            assert dashboard.json["user_context"]["username"] == f"user{number:03d}"
            assert dashboard.json["stats"]["total_bags"] == SCALES["small"].bags
            answered += 1
        return answered > sent / 2

    with ThreadPoolExecutor(len(users)) as pool:
        running = [pool.submit(traffic, number) for number in users]
        time.sleep(TRAFFIC_S / 4)
        served.child.process.send_signal(signal.SIGTTIN)
        wait_until(lambda: len(worker_ids(served)) == workers + 1)
        served.child.process.send_signal(signal.SIGHUP)
        assert all(future.result() for future in running)
    wait_until(lambda: len(worker_ids(served)) == workers)
    assert not first & worker_ids(served)
    metrics = visit(served).get("/metrics").text
    assert metrics.count("db_client_connection_max{") == workers


def test_a_child_uses_none_of_its_parents_connections(app):
    with app.app_context():
        before = backend()
        child = os.fork()
        if child == 0:
            os._exit(_child_of(app, before))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert backend() == before


def _child_of(app, parents):
    try:
        reference_app.renew_after_fork(app, app.extensions["settings"])
        with app.app_context():
            backends = {backend() for _ in range(3)}
        return 0 if len(backends) == 1 and parents not in backends else 1
    except BaseException:
        return 2


def test_a_child_forked_during_traffic_serves_and_so_does_its_parent(make_app, settings, store):
    """The child waits for no lock and no connection that another thread of the parent holds at the fork."""
    busy = replace(
        settings, pool_max_overflow=0, cache="shared", sessions="shared", redis_url=store.url,
        password_hash="argon2id", cache_statistics_ttl_s=1,
    )  # fmt: skip
    app, end = make_app(busy), threading.Event()

    clients = {number: logged_in(app, f"user{number:03d}") for number in range(1, 7)}

    def traffic(number):
        sent = 0
        while not end.is_set():
            require_own_answers(clients[number], number, sent)
            sent += 1
        return sent

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(traffic, number) for number in clients]
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
        assert all(future.result() for future in running)


def wait_for(child):
    """The exit code of a child; one that hangs is killed."""
    deadline_s = time.monotonic() + 15
    while time.monotonic() < deadline_s:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


def require_own_answers(client, number, sent):
    qr_id = f"M444-{100 * number + sent % 50:07d}"
    assert [bag["qr_id"] for bag in client.get(f"/api/bags/search?q={qr_id}").json["bags"]] == [qr_id]
    assert client.get(STATISTICS).json["user_context"]["username"] == f"user{number:03d}"


def _serving_child(app, number):
    try:
        reference_app.renew_after_fork(app, app.extensions["settings"])
        client = logged_in(app, f"user{number:03d}")
        for sent in range(10):
            require_own_answers(client, number, sent)
        return 0
    except BaseException:
        return 1
