"""A logout is final: no response that was under way at the time brings the session, its entry or its cookie back."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from reference_app.sessions import json_session
from reference_app.sessions.session_files import SessionFiles
from tests.processes import wait_until
from tests.reference_app.sign_in import STATISTICS, status_with, token_of, try_login

KINDS = ("filesystem", "flask-session-redis", "shared", "database", "cookie")
ALL_KINDS = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def settings(settings, store, kind):
    return replace(settings, sessions=kind, redis_url=store.url, store_prefix=store.prefix)


@pytest.fixture(autouse=True)
def no_sessions(own_rows):
    """Those of other tests of the module are gone."""
    own_rows("DELETE FROM tracetrack.session")


@pytest.fixture(autouse=True)
def written_at_each_request(monkeypatch):
    monkeypatch.setattr(json_session, "REFRESH_S", 0)


@pytest.fixture
def during_request(app, client):
    """Does something while a request of the client is under way; the response to that request."""

    def answer_after(action):
        with app.test_request_context(STATISTICS, headers={"Cookie": f"session={token_of(client)}"}):
            assert app.preprocess_request() is None
            response = app.dispatch_request()
            assert response.status_code == 200
            action()
            return app.process_response(response)

    return answer_after


@pytest.fixture
def entries(tmp_path, store_client, own_rows, kind):
    """The stored sessions that have a user."""

    def read():
        if kind == "filesystem":
            contents = [file.read_bytes() for file in (tmp_path / "sessions").iterdir()]
        elif kind == "database":
            contents = [text.encode() for (text,) in own_rows("SELECT content::text FROM tracetrack.session")]
        else:
            contents = [store_client.get(key) for key in store_client.keys("*session:*")]
        return [content for content in contents if b"user001" in content]

    return read


@ALL_KINDS
def test_a_request_in_flight_refreshes_a_session_that_goes_on(client, auth, during_request, kind):
    auth.login()
    (cookie,) = during_request(lambda: None).headers.getlist("Set-Cookie")
    client.set_cookie("session", cookie.split(";")[0].removeprefix("session="))
    assert client.get(STATISTICS).status_code == 200


@ALL_KINDS
def test_a_request_in_flight_does_not_undo_a_logout(app, client, auth, during_request, entries, kind):
    auth.login()
    token = token_of(client)
    response = during_request(auth.logout)
    assert "Set-Cookie" not in response.headers
    assert entries() == []
    assert status_with(app, token) == 401


@ALL_KINDS
def test_a_request_in_flight_does_not_replace_the_cookie_of_the_next_login(app, client, auth, during_request, kind):
    auth.login()
    before = token_of(client)
    response = during_request(lambda: (auth.logout(), auth.login("user002")))
    assert "Set-Cookie" not in response.headers
    assert status_with(app, before) == 401
    assert client.get(STATISTICS).json["user_context"]["username"] == "user002"


@ALL_KINDS
def test_a_second_logout_in_flight_ends_nothing_else(app, client, auth, entries, kind):
    auth.login()
    other = app.test_client()
    assert try_login(other).status_code == 302
    token = token_of(client)
    auth.logout()
    client.set_cookie("session", token)
    assert auth.logout().status_code == 302
    assert status_with(app, token) == 401
    assert other.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("kind", ["filesystem", "flask-session-redis"])
def test_a_served_request_that_waits_does_not_undo_a_logout(serve, visit, settings, own_rows, server, database, kind):
    served = serve(replace(settings, server="gthread", threads=4))
    user = visit(served).login()
    (cookie,) = user.cookies
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, closing(server.connect(database)) as locking:
        locking.cursor().execute("BEGIN; LOCK TABLE tracetrack.bag IN ACCESS EXCLUSIVE MODE")
        in_flight = pool.submit(visit(served).get, STATISTICS, Cookie=f"session={cookie.value}")
        wait_until(lambda: own_rows(waiting, database))
        assert user.post("/logout", b"").status == 302
        locking.cursor().execute("COMMIT")
        answer = in_flight.result(timeout=10)
    assert (answer.status, answer.headers["Set-Cookie"]) == (200, None)
    assert visit(served).get(STATISTICS, Cookie=f"session={cookie.value}").status == 401


@pytest.mark.parametrize("kind", ["filesystem"])
def test_a_file_that_was_removed_is_not_replaced(app, tmp_path):
    files = SessionFiles(str(tmp_path / "other"), 0, app.extensions["worker_slot"])
    assert not files.replace("key", {"user": 1}, 60)
    assert files.get("key") is None
    assert files.set("key", {"user": 1}, 60)
    assert files.replace("key", {"user": 2}, 60)
    files.delete("key")
    assert not files.replace("key", {"user": 3}, 60)
    assert files.get("key") is None


@pytest.mark.parametrize("kind", ["cookie"])
def test_the_list_of_ended_sessions_forgets_those_whose_cookies_have_expired(client, auth, own_rows, settings):
    own_rows("DELETE FROM tracetrack.ended_session")
    own_rows("INSERT INTO tracetrack.ended_session VALUES ('old', now() - interval '1 day'), ('recent', now())")
    auth.login()
    auth.logout()
    listed = [session_id for (session_id,) in own_rows("SELECT id FROM tracetrack.ended_session")]
    assert "old" not in listed
    assert "recent" in listed
    assert len(listed) == 2


@pytest.mark.parametrize("kind", ["cookie", "database"])
def test_a_logout_that_cannot_be_stored_is_refused(make_app, settings, server, client, auth):
    auth.login()
    elsewhere = make_app(replace(settings, database_url=server.url_of("no_such_database"))).test_client()
    elsewhere.set_cookie("session", token_of(client))
    answer = elsewhere.post("/logout")
    assert answer.status_code == 503
    assert "Set-Cookie" not in answer.headers
    assert json.loads(answer.text)["success"] is False
