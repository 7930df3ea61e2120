"""Admission control: what is over a limit gets 503 at once, and neither class takes the place of the other."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from reference_app.admission import RequestClass
from reference_app.settings import Settings, SettingsError
from tests.brief_server import serve_briefly
from tests.processes import wait_until
from tests.reference_app.sign_in import STATISTICS, encoded_form, logged_in, try_login
from tests.reference_app.table_lock import table_lock

LIMIT, LOGIN_LIMIT = 3, 2
FORM = encoded_form()
LIMITED = {"admission_limit": LIMIT, "admission_login_limit": LOGIN_LIMIT}


@pytest.fixture
def settings(settings):
    return replace(settings, sessions="cookie", pool_size=8, pool_max_overflow=0, hash_limit=1)


@pytest.fixture
def limited(settings):
    return replace(settings, server="gthread", threads=16, **LIMITED)


@pytest.fixture
def locked(server, database):
    """Locks a table during a block, so that its readers wait."""
    return partial(table_lock, server, database)


@pytest.fixture
def lock_waits(server, database):
    """Counts the backends of the application that wait for a lock."""

    def count():
        with closing(server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'tracetrack' "
                "AND wait_event_type = 'Lock'",
                (database,),
            )
            return cursor.fetchone()[0]

    return count


def refused(visitor):
    """The refusals by class, over all workers."""
    pattern = r'tracetrack_refused_requests_total\{class="(\w+)",worker="\S+"\} (\S+)'
    counted = {"login": 0, "other": 0}
    for name, number in re.findall(pattern, visitor.get("/metrics").text):
        counted[name] += int(float(number))
    return counted


def require_refusal(answer):
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json == {"success": False, "error": "too many requests at once"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("kind", [{}, {"server": "gevent", "threads": 1, "deadlines": True}])
def test_requests_over_the_limit_are_refused_at_once_while_logins_and_health_are_admitted(
    serve, visit, limited, locked, kind
):
    served = serve(replace(limited, **kind))
    visitor = visit(served).login()
    with ThreadPoolExecutor(8) as pool:
        with locked("bag"):
            waiting = [pool.submit(visitor.get, "/api/bags/search?q=M444-0000007") for _ in range(LIMIT)]
            wait_until(lambda: visitor.get("/openapi.json").status == 503)  # which reads no table
            began_s = time.monotonic()
            answers = [visitor.get(STATISTICS) for _ in range(20)]
            took_s = time.monotonic() - began_s
            assert visit(served).post("/login", FORM).status == 302
            assert visitor.get("/health").status == 200
            assert not any(each.done() for each in waiting)
        assert [each.result().status for each in waiting] == [200] * LIMIT
    for answer in answers:
        require_refusal(answer)
    assert took_s < 2
    assert refused(visitor)["login"] == 0
    assert refused(visitor)["other"] >= len(answers)
    assert visitor.get(STATISTICS).status == 200


def test_logins_over_their_limit_are_refused_while_reads_are_admitted(serve, visit, limited, locked, lock_waits):
    served = serve(limited)
    reader = visit(served).login()
    with ThreadPoolExecutor(8) as pool:
        with locked('"user"'):
            waiting = [pool.submit(visit(served).post, "/login", FORM) for _ in range(LOGIN_LIMIT)]
            wait_until(lambda: lock_waits() == LOGIN_LIMIT)
            require_refusal(visit(served).post("/login", FORM))
            assert reader.get("/openapi.json").status == 200
            assert not any(each.done() for each in waiting)
        assert [each.result().status for each in waiting] == [302] * LOGIN_LIMIT
    assert refused(reader)["other"] == 0
    assert visit(served).post("/login", FORM).status == 302


def test_a_refusal_is_counted_and_timed_as_any_response(make_app, limited):
    app = make_app(limited)
    client, slot = logged_in(app), app.extensions["worker_slot"]

    def value(name):
        return slot.memory[slot.places[name]]

    before = {name: value(name) for name in ("requests", "error_responses", "responses", "refused_requests")}
    _control(app)._others.free_places.clear()
    answer = client.get(STATISTICS)
    assert answer.status_code == 503
    assert "app;dur=" in answer.headers["Server-Timing"]
    assert {name: value(name) - number for name, number in before.items()} == dict.fromkeys(before, 1)


def test_a_request_that_fails_gives_its_place_back(make_app, limited):
    app = make_app(limited)
    for _ in range(2 * LIMIT):
        assert app.test_client().get("/api/nothing").status_code == 404
    for _ in range(2 * LOGIN_LIMIT):
        assert try_login(app.test_client(), password="no password").status_code == 401
    control = _control(app)
    assert (len(control._others.free_places), len(control._logins.free_places)) == (LIMIT, LOGIN_LIMIT)


def test_without_limits_there_is_no_middleware(make_app, settings):
    assert _control(make_app(settings)) is None


def _control(app):
    """The middleware within those that time and secure the responses; None without one."""
    application = app.wsgi_app
    while hasattr(application, "application"):
        if hasattr(application, "_others"):
            return application
        application = application.application
    return None


def test_a_class_admits_as_many_as_its_limit():
    places = RequestClass(2, "refused_requests")
    assert [places.admit() for _ in range(3)] == [True, True, False]
    places.leave()
    assert [places.admit() for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"admission_limit": 3}, "set both"),
        ({"admission_login_limit": 3}, "set both"),
        (LIMITED | {"server": "uvicorn", "driver": "psycopg3"}, "admission control is for WSGI servers"),
        (LIMITED, "set server to gthread"),
        (LIMITED | {"server": "gthread", "threads": 5}, "set threads higher"),
        ({"hash_wait_ms": 5, "hash_limit": 0}, "set hash_limit to at least 1"),
    ],
)
def test_limits_that_cannot_work_are_refused_with_what_to_set(changes, advice):
    with pytest.raises(SettingsError, match=advice):
        Settings(database_url="", secret_key="", **changes)


@pytest.mark.parametrize("kind", [{"server": "gthread", "threads": 16}, {"server": "gevent", "deadlines": True}])
def test_a_login_that_waits_too_long_for_its_hash_gets_503_and_its_hash_is_left_out(
    settings, visit, tmp_path, monkeypatch, kind
):
    folder = tmp_path / "hashes"
    folder.mkdir()
    monkeypatch.setenv("BLOCKING_HASHES", str(folder))
    monkeypatch.setenv("PYTHONPATH", "tests/reference_app")
    settings = replace(settings, hash_wait_ms=300, **kind)
    with serve_briefly(settings, tmp_path / "gunicorn.log", wsgi_app="blocking_hashes:create_app()") as served:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(visit(served).post, "/login", FORM)
            try:
                wait_until(lambda: len(list(folder.glob("started-*"))) == 1)
                answer = visit(served).post("/login", FORM)
                assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
                assert answer.json["error"] == "too many logins at once"
            finally:
                (folder / "released").touch()
            assert first.result().status == 302
        assert visit(served).post("/login", FORM).status == 302
        assert len(list(folder.glob("started-*"))) == 2
