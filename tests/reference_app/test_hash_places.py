"""Hashes of a served worker: no more at once than it has places for, and its reads go by."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from loadgen.accounts import PASSWORD
from loadgen.application import Application
from loadgen.application import serve as serve_application

STATISTICS = "/api/dashboard/stats"
FORM = f"username=user001&password={PASSWORD}".encode()
PATIENCE_S = 20


@pytest.fixture
def settings(settings):
    return replace(settings, threads=16, sessions="cookie", pool_size=4)


@dataclass(frozen=True)
class Held:
    """A served application whose hashes last until they are let go."""

    served: Application
    folder: Path

    def let_go(self) -> None:
        (self.folder / "free").touch()

    def hold(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def begun(self) -> int:
        return len(list(self.folder.glob("begun-*")))

    def wait_until_begun(self, hashes: int) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while self.begun() < hashes:
            assert time.monotonic() < end_s
            time.sleep(0.01)


@pytest.fixture
def hold(settings, tmp_path, monkeypatch):
    """Serve with held hashes; they are let go in the end."""
    folder = tmp_path / "hashes"
    folder.mkdir()
    monkeypatch.setenv("HELD_HASHES", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    started = []

    def start(**changed):
        running = serve_application(
            replace(settings, **changed), tmp_path / "gunicorn.log", wsgi_app="held_hashes:create_app()"
        )
        started.append(running)
        return Held(running.__enter__(), folder)

    yield start
    (folder / "free").touch()
    for running in started:
        running.__exit__(*sys.exc_info())


@pytest.mark.parametrize(("kind", "places"), [("gthread", 1), ("gevent", 1), ("gevent", 3)])
def test_hashes_wait_for_a_place_and_reads_for_no_hash(hold, visit, kind, places):
    held = hold(server=kind, hash_limit=places)
    held.let_go()
    reader = visit(held.served).login()
    held.hold()
    with ThreadPoolExecutor(10) as pool:
        logins = [pool.submit(visit(held.served).post, "/login", FORM) for _ in range(10)]
        try:
            held.wait_until_begun(places)
            assert [reader.get(STATISTICS).status for _ in range(5)] == [200] * 5
            time.sleep(0.3)
            assert held.begun() == places
            assert not any(login.done() for login in logins)
        finally:
            held.let_go()
        assert [login.result().status for login in logins] == [302] * 10
    assert held.begun() == 10


def test_without_a_limit_every_thread_hashes(hold, visit):
    held = hold(server="gthread", hash_limit=0)
    with ThreadPoolExecutor(10) as pool:
        logins = [pool.submit(visit(held.served).post, "/login", FORM) for _ in range(10)]
        try:
            held.wait_until_begun(10)
        finally:
            held.let_go()
        assert [login.result().status for login in logins] == [302] * 10


def test_without_a_limit_a_hash_stops_the_loop_of_gevent(hold, visit):
    held = hold(server="gevent", hash_limit=0)
    with ThreadPoolExecutor(2) as pool:
        login = pool.submit(visit(held.served).post, "/login", FORM)
        try:
            held.wait_until_begun(1)
            read = pool.submit(visit(held.served).get, "/login")
            assert not wait([read], timeout=0.7).done
        finally:
            held.let_go()
        assert (login.result().status, read.result().status) == (302, 200)


@pytest.mark.parametrize("kind", ["gthread", "gevent"])
def test_a_read_after_ten_logins_is_answered_before_most_of_them(serve, visit, settings, kind):
    served = serve(replace(settings, server=kind))
    reader = visit(served).login()
    order, all_sent = [], threading.Barrier(11)

    def login():
        visitor = visit(served)
        all_sent.wait(timeout=PATIENCE_S)
        assert visitor.post("/login", FORM).status == 302
        order.append("login")

    with ThreadPoolExecutor(10) as pool:
        logins = [pool.submit(login) for _ in range(10)]
        all_sent.wait(timeout=PATIENCE_S)
        time.sleep(0.05)
        assert reader.get(STATISTICS).status == 200
        order.append("read")
        for done in logins:
            done.result()
    assert order.index("read") <= 5
