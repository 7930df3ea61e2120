"""A worker that hangs is replaced in time while the others serve; one that only starts slowly is left alone."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace

import psutil
import pytest

from tests.brief_server import serve_briefly
from tests.processes import wait_until
from tests.reference_app import slow_start_app, stuck_app
from tests.reference_app.worker_connections import worker_of_connection

REPLACED_WITHIN_S = 10
WORKER_TIMEOUT_S = 5
KINDS = {
    "gthread": {"server": "gthread", "threads": 16, "even_connections": True},
    "gevent": {"server": "gevent", "deadlines": True},
    "uvicorn": {"server": "uvicorn", "driver": "psycopg3", "sessions": "cookie"},
}


@pytest.fixture(params=KINDS)
def two_workers(request, settings):
    return replace(settings, **KINDS[request.param], workers=2, worker_timeout_s=WORKER_TIMEOUT_S)


def workers(served):
    return {child.pid for child in psutil.Process(served.child.pid).children()}


def wait_for_both(served):
    """Wait until both workers accept connections."""
    with ExitStack() as stack:
        wait_until(lambda: {worker_of_connection(served, stack) for _ in range(4)} == {"0", "1"})


def health(visitor):
    """The status of a request and the seconds that it took; status 0 for a connection that was closed."""
    started_s = time.monotonic()
    status = 0
    with suppress(OSError):
        status = visitor.get("/health").status
    return status, time.monotonic() - started_s


def require_replacement(served, visitor, stuck):
    """Fail unless the worker is replaced in time, while new connections are served; the last worker to be there."""
    started_s = time.monotonic()
    others = workers(served) - {stuck}
    with ThreadPoolExecutor(1) as pool:
        answers = []
        while stuck in workers(served) or len(workers(served)) < 2:
            assert time.monotonic() - started_s < REPLACED_WITHIN_S
            answers.append(pool.submit(health, visitor))
            time.sleep(0.05)
        wait_for_both(served)
        assert time.monotonic() - started_s < REPLACED_WITHIN_S
        answers = [future.result() for future in answers]
    assert others <= workers(served)
    return answers


def test_a_stopped_worker_is_replaced_and_loses_only_what_it_has_accepted(serve, visit, two_workers):
    served = serve(two_workers)
    wait_for_both(served)
    stuck = min(workers(served))
    os.kill(stuck, signal.SIGSTOP)
    answers = require_replacement(served, visit(served), stuck)
    # Connections wait in one queue of all workers: none waits for the stopped one.
    assert {status for status, _ in answers} == {200}
    assert max(seconds for _, seconds in answers) < 2


@pytest.mark.parametrize("two_workers", ["gthread"], indirect=True)
def test_a_worker_whose_interpreter_lock_is_held_is_replaced(visit, two_workers, tmp_path):
    with serve_briefly(two_workers, tmp_path / "gunicorn.log", stuck_app.WSGI_APP) as served:
        wait_for_both(served)
        visitor = visit(served)
        before = workers(served)
        with ThreadPoolExecutor(1) as pool:
            in_flight = pool.submit(visitor.get, "/stuck")
            wait_until(lambda: workers(served) - before)
            (stuck,) = before - workers(served)
            assert (tmp_path / "gunicorn.log").read_text().count(f"WORKER TIMEOUT (pid:{stuck})") == 1
            with pytest.raises(OSError, match=r"closed connection|reset"):
                in_flight.result()
        assert visitor.get("/health").status == 200


@pytest.mark.parametrize("kind", ["gthread", "gevent", "uvicorn"])
def test_a_worker_that_starts_slowly_is_not_ended(visit, settings, tmp_path, kind):
    slow = replace(settings, **KINDS[kind], worker_timeout_s=2, warm_up=True)
    application = slow_start_app.LOOP_APP if kind == "uvicorn" else slow_start_app.WSGI_APP
    with serve_briefly(slow, tmp_path / "gunicorn.log", application) as served:
        assert visit(served).get("/health").status == 200
        assert len(workers(served)) == 1
    assert "WORKER TIMEOUT" not in (tmp_path / "gunicorn.log").read_text()
