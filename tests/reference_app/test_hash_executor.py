"""Hashes of a served worker: no more at once than its limit, while reads pass them."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadgen.application import Application
from tests.brief_server import serve_briefly
from tests.processes import wait_until
from tests.reference_app.sign_in import STATISTICS, encoded_form

FORM = encoded_form()
PATIENCE_S = 20


@pytest.fixture
def settings(settings):
    return replace(settings, threads=16, sessions="cookie", pool_size=4, password_hash="scrypt")


@dataclass(frozen=True)
class BlockingApplication:
    """A served application whose hashes block until they are released."""

    served: Application
    folder: Path

    def release(self) -> None:
        (self.folder / "released").touch()

    def block(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def started(self) -> int:
        return len(list(self.folder.glob("started-*")))

    def wait_until_started(self, hashes: int) -> None:
        wait_until(lambda: self.started() >= hashes)


@pytest.fixture
def serve_blocking(settings, tmp_path, monkeypatch):
    """Serves with hashes that block; they are released at the end of the test."""
    folder = tmp_path / "hashes"
    folder.mkdir()
    monkeypatch.setenv("BLOCKING_HASHES", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    servers = []

    def start(**changed):
        server = serve_briefly(
            replace(settings, **changed), tmp_path / "gunicorn.log", wsgi_app="blocking_hashes:create_app()"
        )
        servers.append(server)
        return BlockingApplication(server.__enter__(), folder)

    yield start
    (folder / "released").touch()
    for server in servers:
        server.__exit__(*sys.exc_info())


@pytest.mark.parametrize(("kind", "limit"), [("gthread", 1), ("gevent", 1), ("gevent", 3)])
def test_hashes_wait_for_a_free_thread_and_reads_wait_for_no_hash(serve_blocking, visit, kind, limit):
    blocking = serve_blocking(server=kind, hash_limit=limit)
    blocking.release()
    reader = visit(blocking.served).login()
    blocking.block()
    with ThreadPoolExecutor(10) as pool:
        logins = [pool.submit(visit(blocking.served).post, "/login", FORM) for _ in range(10)]
        try:
            blocking.wait_until_started(limit)
            assert [reader.get(STATISTICS).status for _ in range(5)] == [200] * 5
            time.sleep(0.3)
            assert blocking.started() == limit
            assert not any(login.done() for login in logins)
        finally:
            blocking.release()
        assert [login.result().status for login in logins] == [302] * 10
    assert blocking.started() == 10


def test_without_a_limit_every_thread_hashes(serve_blocking, visit):
    blocking = serve_blocking(server="gthread", hash_limit=0)
    with ThreadPoolExecutor(10) as pool:
        logins = [pool.submit(visit(blocking.served).post, "/login", FORM) for _ in range(10)]
        try:
            blocking.wait_until_started(10)
        finally:
            blocking.release()
        assert [login.result().status for login in logins] == [302] * 10


def test_without_a_limit_a_hash_stops_the_loop_of_gevent(serve_blocking, visit):
    blocking = serve_blocking(server="gevent", hash_limit=0)
    with ThreadPoolExecutor(2) as pool:
        login = pool.submit(visit(blocking.served).post, "/login", FORM)
        try:
            blocking.wait_until_started(1)
            read = pool.submit(visit(blocking.served).get, "/login")
            assert not wait([read], timeout=0.7).done
        finally:
            blocking.release()
        assert (login.result().status, read.result().status) == (302, 200)


@pytest.mark.parametrize("kind", ["gthread", "gevent"])
def test_a_read_after_ten_logins_is_answered_before_most_logins(serve, visit, settings, kind):
    served = serve(replace(settings, server=kind))
    reader = visit(served).login()
    order, all_ready = [], threading.Barrier(11)

    def login():
        visitor = visit(served)
        all_ready.wait(timeout=PATIENCE_S)
        assert visitor.post("/login", FORM).status == 302
        order.append("login")

    with ThreadPoolExecutor(10) as pool:
        logins = [pool.submit(login) for _ in range(10)]
        all_ready.wait(timeout=PATIENCE_S)
        time.sleep(0.05)
        assert reader.get(STATISTICS).status == 200
        order.append("read")
        for finished in logins:
            finished.result()
    assert order.index("read") <= 5
