"""Sessions of every kind: cookies, ids, lifetimes and logout."""

import hashlib
import json
import time
import zlib
from dataclasses import replace

import pytest
from itsdangerous.encoding import base64_decode

from reference_app.sessions.cookie_sessions import CookieSessions
from reference_app.sessions.database_sessions import MAX_REMOVED, DatabaseSessions
from reference_app.sessions.json_session import SessionRecord
from reference_app.sessions.shared_sessions import SharedSessions
from tests.reference_app.sign_in import STATISTICS, credential, form, status_with, token_of, try_login

PUBLISHED = ("filesystem", "flask-session-redis")
JSON = {"shared": SharedSessions, "database": DatabaseSessions, "cookie": CookieSessions}
ALL_KINDS = pytest.mark.parametrize("kind", [*PUBLISHED, *JSON])
JSON_KINDS = pytest.mark.parametrize("kind", list(JSON))


@pytest.fixture
def settings(settings, store, kind):
    return replace(settings, sessions=kind, redis_url=store.url, store_prefix=store.prefix, password_hash="argon2id")


def writes(store_client):
    return store_client.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"]


def aged(app, token, *, began_s=0, seen_s=0):
    """The cookie of the same session, as if it had begun, or was last written, so many seconds earlier."""
    settings = app.extensions["settings"]
    sessions = JSON[settings.sessions].from_settings(app, settings)
    with app.app_context():
        record = sessions.read(token)
        older = SessionRecord(record.data, record.began_s - began_s, record.seen_s - seen_s)
        return sessions.write(token, older, 3600)


@ALL_KINDS
def test_after_a_logout_the_cookie_is_invalid(app, client, auth):
    auth.login()
    token = token_of(client)
    assert status_with(app, token) == 200
    assert auth.logout().location == "/login"
    assert token_of(client) is None
    assert status_with(app, token) == 401


@ALL_KINDS
def test_each_login_has_a_cookie_of_its_own(client, auth):
    auth.login("user001")
    first = token_of(client)
    auth.login("user001")
    assert token_of(client) not in (None, first)


@ALL_KINDS
def test_the_id_before_a_login_is_invalid_after_it(app, client, auth):
    auth.login("user001")
    before = token_of(client)
    auth.login("user002")
    assert status_with(app, before) == 401
    assert client.get(STATISTICS).json["user_context"]["username"] == "user002"


@ALL_KINDS
@pytest.mark.parametrize("chosen", ["chosen", "A" * 43])
def test_an_id_of_the_clients_choice_never_becomes_valid(app, client, auth, chosen):
    client.set_cookie("session", chosen)
    auth.login()
    assert token_of(client) != chosen
    assert status_with(app, token_of(client)) == 200
    assert status_with(app, chosen) == 401


@ALL_KINDS
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_has_the_same_attributes_when_it_is_set_and_deleted(client, settings, kind, scheme):
    answers = [
        client.post("/login", base_url=f"{scheme}://localhost", data=form()),
        client.post("/logout", base_url=f"{scheme}://localhost"),
    ]
    for answer in answers:
        (cookie,) = answer.headers.getlist("Set-Cookie")
        attributes = cookie.split("; ")[1:]
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert ("Secure" in attributes) == (scheme == "https")
        assert not any(attribute.startswith("Domain") for attribute in attributes)
        assert "Cookie" in answer.headers["Vary"]


@ALL_KINDS
def test_a_session_ends_for_lack_of_requests(make_app, settings, kind):
    app = make_app(replace(settings, session_lifetime_s=1))
    client = app.test_client()
    try_login(client)
    token = token_of(client)
    time.sleep(2.1)
    assert status_with(app, token) == 401


@JSON_KINDS
def test_a_session_ends_for_its_age_despite_requests(app, client, auth, settings, kind):
    auth.login()
    nearly_expired = aged(app, token_of(client), began_s=settings.session_longest_s - 100, seen_s=61)
    answer = app.test_client(use_cookies=False).get(STATISTICS, headers={"Cookie": f"session={nearly_expired}"})
    assert answer.status_code == 200
    (cookie,) = answer.headers.getlist("Set-Cookie")
    (left,) = (int(part.removeprefix("Max-Age=")) for part in cookie.split("; ") if part.startswith("Max-Age"))
    assert 90 <= left <= 100
    expired = aged(app, token_of(client), began_s=settings.session_longest_s + 1)
    assert status_with(app, expired) == 401


@pytest.mark.parametrize("kind", ["shared"])
def test_the_store_drops_a_session_when_it_ends(app, client, auth, settings, store_client):
    auth.login()
    (key,) = store_client.keys("*session:*")
    assert settings.session_lifetime_s - 5 <= store_client.ttl(key) <= settings.session_lifetime_s


@pytest.mark.parametrize("kind", ["shared", "database"])
def test_a_session_that_its_store_expires_outlives_a_clock_that_is_set_ahead(app, client, auth, settings, kind):
    auth.login()
    seen_long_ago = aged(app, token_of(client), seen_s=settings.session_lifetime_s + 1)
    assert status_with(app, seen_long_ago) == 200


@JSON_KINDS
def test_a_session_that_is_only_read_is_written_once_a_minute(app, client, auth, store_client, kind):
    auth.login()
    before = writes(store_client)
    for _ in range(20):
        assert "Set-Cookie" not in client.get(STATISTICS).headers
    assert writes(store_client) == before
    client.set_cookie("session", aged(app, token_of(client), seen_s=60))
    before = writes(store_client)
    assert ["Set-Cookie" in client.get(STATISTICS).headers for _ in range(3)] == [True, False, False]
    assert writes(store_client) == before + (kind == "shared")


@JSON_KINDS
def test_a_short_session_with_requests_continues(make_app, settings, kind):
    client = make_app(replace(settings, session_lifetime_s=4)).test_client()
    try_login(client)
    for _ in range(8):
        time.sleep(1.0)
        assert client.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("kind", ["shared"])
def test_a_read_whose_refresh_a_full_store_refuses_succeeds(app, client, auth, store_client):
    auth.login()
    client.set_cookie("session", aged(app, token_of(client), seen_s=60))
    store_client.config_set("maxmemory", "1")
    try:
        answer = client.get(STATISTICS)
    finally:
        store_client.config_set("maxmemory", "256mb")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert "Set-Cookie" in client.get(STATISTICS).headers


@pytest.mark.parametrize("kind", ["flask-session-redis"])
def test_flask_session_writes_at_each_request(client, auth, store_client):
    auth.login()
    before = writes(store_client)
    assert all("Set-Cookie" in client.get(STATISTICS).headers for _ in range(20))
    assert writes(store_client) == before + 20


@pytest.mark.parametrize("kind", ["shared"])
def test_the_store_holds_plain_json_and_no_usable_id(app, client, auth, store_client):
    auth.login()
    token = token_of(client)
    (key,) = store_client.keys("*")
    assert key.decode() == f"tracetrack:session:{hashlib.sha256(token.encode()).hexdigest()}"
    content = store_client.get(key)
    assert token.encode() not in content
    assert json.loads(content).keys() == {"data", "began_s", "seen_s"}
    user = {"id": 1, "username": "user001", "role": "admin", "credential": credential(app)}
    assert json.loads(content)["data"] == {"user": user}


@pytest.mark.parametrize("kind", ["cookie"])
def test_the_cookie_holds_compressed_json(client, auth):
    auth.login()
    payload = token_of(client).removeprefix(".").partition(".")[0]
    assert json.loads(zlib.decompress(base64_decode(payload)))["data"]["user"]["username"] == "user001"


@pytest.mark.parametrize("kind", ["database"])
def test_the_table_holds_plain_json_and_no_usable_id(app, client, auth, own_rows, kind):
    own_rows("DELETE FROM tracetrack.session")
    auth.login()
    token = token_of(client)
    ((stored_id, content),) = own_rows("SELECT id, content FROM tracetrack.session")
    assert bytes(stored_id) == hashlib.sha256(token.encode()).digest()
    assert token not in json.dumps(content)
    assert content.keys() == {"data", "began_s", "seen_s"}
    assert content["data"]["user"]["credential"] == credential(app)


@pytest.mark.parametrize("kind", ["database"])
def test_a_row_is_written_once_a_minute_and_ends_with_its_session(app, client, auth, own_rows, settings, kind):
    own_rows("DELETE FROM tracetrack.session")
    auth.login()
    row = "SELECT xmin::text, extract(epoch FROM expires_at - now()) FROM tracetrack.session"
    ((version, left_s),) = own_rows(row)
    assert settings.session_lifetime_s - 5 <= left_s <= settings.session_lifetime_s
    for _ in range(5):
        client.get(STATISTICS)
    assert own_rows(row)[0][0] == version
    own_rows("UPDATE tracetrack.session SET expires_at = now() + interval '100 s'")
    aged(app, token_of(client), seen_s=60)
    client.get(STATISTICS)
    assert own_rows(row)[0][1] > 3500
    own_rows("UPDATE tracetrack.session SET expires_at = now()")
    assert client.get(STATISTICS).status_code == 401


@pytest.mark.parametrize("kind", ["database"])
def test_a_login_removes_sessions_that_have_ended_and_no_others(app, client, auth, own_rows, kind):
    own_rows("DELETE FROM tracetrack.session")
    auth.login()
    ended, count = "INSERT INTO tracetrack.session SELECT sha256(n::text::bytea), '{}', now() - n * interval '1 h'", 30
    own_rows(f"{ended} FROM generate_series(1, {count}) n")
    assert try_login(app.test_client()).status_code == 302
    assert own_rows("SELECT count(*) FROM tracetrack.session WHERE expires_at <= now()") == [(count - MAX_REMOVED,)]
    assert try_login(app.test_client()).status_code == 302
    assert own_rows("SELECT count(*), min(expires_at) > now() FROM tracetrack.session") == [(3, True)]
    assert client.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("kind", ["database"])
def test_a_read_needs_one_statement_more_and_one_round_trip(make_app, settings, kind):
    def counts(sessions):
        client = make_app(replace(settings, sessions=sessions, pool_pre_ping=False)).test_client()
        try_login(client)
        timing = client.get("/api/bags/search?q=").headers["Server-Timing"].split(", ")
        parts = {part.split(";")[0]: part.rpartition("=")[2].strip('"') for part in timing}
        return int(parts["db"]), int(parts["trips"])

    without, with_session = counts("shared"), counts("database")
    assert with_session == (without[0] + 1, without[1] + 1)


@JSON_KINDS
def test_a_lifetime_of_zero_is_refused(settings, kind):
    for name in ("session_lifetime_s", "session_longest_s"):
        with pytest.raises(ValueError, match=name):
            replace(settings, **{name: 0})
