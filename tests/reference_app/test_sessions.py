"""What every kind of session promises while nothing is wrong."""

import hashlib
import json
import time
import zlib
from dataclasses import replace

import pytest
from itsdangerous.encoding import base64_decode

from loadgen.accounts import PASSWORD
from reference_app.sessions.cookie import CookieSessions
from reference_app.sessions.json_session import Kept
from reference_app.sessions.shared import SharedSessions

STATISTICS = "/api/dashboard/stats"
PUBLISHED, OWN = ("filesystem", "flask-session-redis"), {"shared": SharedSessions, "cookie": CookieSessions}
KINDS = pytest.mark.parametrize("kind", [*PUBLISHED, *OWN])
OWN_KINDS = pytest.mark.parametrize("kind", list(OWN))
TAKEN_BACK = pytest.mark.parametrize("kind", [*PUBLISHED, "shared"])


@pytest.fixture
def settings(settings, store, kind):
    return replace(settings, sessions=kind, redis_url=store.url, store_prefix=store.prefix, password_hash="argon2id")


def token_of(client):
    cookie = client.get_cookie("session")
    return cookie and cookie.value


def status_with(app, token):
    return app.test_client(use_cookies=False).get(STATISTICS, headers={"Cookie": f"session={token}"}).status_code


def writes(stored):
    return stored.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"]


def aged(app, token, *, began_s=0, seen_s=0):
    """The cookie of the same session, as if it had begun, or was last written, so much earlier."""
    sessions = OWN[app.settings.sessions].of(app, app.settings)
    kept = sessions.read(token)
    return sessions.write(token, Kept(kept.data, kept.began_s - began_s, kept.seen_s - seen_s), 3600)


@TAKEN_BACK
def test_after_a_logout_the_cookie_is_worth_nothing(app, client, auth):
    auth.login()
    token = token_of(client)
    assert status_with(app, token) == 200
    assert auth.logout().location == "/login"
    assert token_of(client) is None
    assert status_with(app, token) == 401


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_signed_cookie_is_forgotten_by_the_browser_alone(app, client, auth):
    auth.login()
    token = token_of(client)
    auth.logout()
    assert token_of(client) is None
    assert client.get(STATISTICS).status_code == 401
    assert status_with(app, token) == 200


@KINDS
def test_each_login_has_a_cookie_of_its_own(client, auth):
    auth.login("user001")
    first = token_of(client)
    auth.login("user001")
    assert token_of(client) not in (None, first)


@TAKEN_BACK
def test_the_id_of_before_a_login_is_worth_nothing(app, client, auth):
    auth.login("user001")
    before = token_of(client)
    auth.login("user002")
    assert status_with(app, before) == 401
    assert client.get(STATISTICS).json["user_context"]["username"] == "user002"


@KINDS
@pytest.mark.parametrize("chosen", ["chosen", "A" * 43])
def test_an_id_of_the_visitors_choice_never_becomes_one(app, client, auth, chosen):
    client.set_cookie("session", chosen)
    auth.login()
    assert token_of(client) != chosen
    assert status_with(app, token_of(client)) == 200
    assert status_with(app, chosen) == 401


@KINDS
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_says_the_same_when_it_is_set_and_deleted(client, settings, kind, scheme):
    answers = [
        client.post("/login", base_url=f"{scheme}://localhost", data={"username": "user001", "password": PASSWORD}),
        client.post("/logout", base_url=f"{scheme}://localhost"),
    ]
    for answer in answers:
        (cookie,) = answer.headers.getlist("Set-Cookie")
        attributes = cookie.split("; ")[1:]
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert ("Secure" in attributes) == (scheme == "https")
        assert not any(attribute.startswith("Domain") for attribute in attributes)
        assert "Cookie" in answer.headers["Vary"]


@KINDS
def test_a_session_ends_for_want_of_requests(make_app, settings, kind):
    app = make_app(replace(settings, session_lifetime_s=1))
    client = app.test_client()
    client.post("/login", data={"username": "user001", "password": PASSWORD})
    token = token_of(client)
    time.sleep(2.1)
    assert status_with(app, token) == 401


@OWN_KINDS
def test_a_session_ends_for_its_age_however_much_it_is_used(app, client, auth, settings, kind):
    auth.login()
    nearly = aged(app, token_of(client), began_s=settings.session_longest_s - 100, seen_s=61)
    answer = app.test_client(use_cookies=False).get(STATISTICS, headers={"Cookie": f"session={nearly}"})
    assert answer.status_code == 200
    (cookie,) = answer.headers.getlist("Set-Cookie")
    (left,) = (int(part.removeprefix("Max-Age=")) for part in cookie.split("; ") if part.startswith("Max-Age"))
    assert 90 <= left <= 100
    over = aged(app, token_of(client), began_s=settings.session_longest_s + 1)
    assert status_with(app, over) == 401


@pytest.mark.parametrize("kind", ["shared"])
def test_the_store_forgets_a_session_when_it_ends(app, client, auth, settings, stored):
    auth.login()
    (key,) = stored.keys("*session:*")
    assert settings.session_lifetime_s - 5 <= stored.ttl(key) <= settings.session_lifetime_s


@OWN_KINDS
def test_a_session_that_is_only_read_is_written_once_a_minute(app, client, auth, stored, kind):
    auth.login()
    before = writes(stored)
    for _ in range(20):
        assert "Set-Cookie" not in client.get(STATISTICS).headers
    assert writes(stored) == before
    client.set_cookie("session", aged(app, token_of(client), seen_s=60))
    before = writes(stored)
    assert ["Set-Cookie" in client.get(STATISTICS).headers for _ in range(3)] == [True, False, False]
    assert writes(stored) == before + (kind == "shared")


@OWN_KINDS
def test_a_short_session_that_is_used_goes_on(make_app, settings, kind):
    client = make_app(replace(settings, session_lifetime_s=2)).test_client()
    client.post("/login", data={"username": "user001", "password": PASSWORD})
    for _ in range(8):
        time.sleep(0.5)
        assert client.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("kind", ["shared"])
def test_a_refresh_that_a_full_store_does_not_take_spoils_no_read(app, client, auth, stored):
    auth.login()
    client.set_cookie("session", aged(app, token_of(client), seen_s=60))
    stored.config_set("maxmemory", "1")
    try:
        answer = client.get(STATISTICS)
    finally:
        stored.config_set("maxmemory", "256mb")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert "Set-Cookie" in client.get(STATISTICS).headers


@pytest.mark.parametrize("kind", ["flask-session-redis"])
def test_flask_session_writes_at_each_request(client, auth, stored):
    auth.login()
    before = writes(stored)
    assert all("Set-Cookie" in client.get(STATISTICS).headers for _ in range(20))
    assert writes(stored) == before + 20


@pytest.mark.parametrize("kind", ["shared"])
def test_a_refresh_that_races_with_a_logout_does_not_bring_the_session_back(app, client, auth, stored):
    auth.login()
    token = aged(app, token_of(client), seen_s=60)
    before = writes(stored)
    with app.test_request_context(STATISTICS, headers={"Cookie": f"session={token}"}):
        auth.logout()
        app.process_response(app.make_response(""))
    assert writes(stored) == before + 1
    assert stored.keys("*session:*") == []
    assert status_with(app, token) == 401


@pytest.mark.parametrize("kind", ["shared"])
def test_the_store_holds_plain_json_and_no_id_to_log_in_with(client, auth, stored):
    auth.login()
    token = token_of(client)
    (key,) = stored.keys("*")
    assert key.decode() == f"tracetrack:session:{hashlib.sha256(token.encode()).hexdigest()}"
    content = stored.get(key)
    assert token.encode() not in content
    assert json.loads(content).keys() == {"data", "began_s", "seen_s"}
    assert json.loads(content)["data"] == {"user": {"id": 1, "username": "user001", "role": "admin"}}


@pytest.mark.parametrize("kind", ["cookie"])
def test_the_cookie_holds_compressed_json(client, auth):
    auth.login()
    payload = token_of(client).removeprefix(".").partition(".")[0]
    assert json.loads(zlib.decompress(base64_decode(payload)))["data"]["user"]["username"] == "user001"


@OWN_KINDS
def test_no_lifetime_of_nothing_is_accepted(settings, kind):
    for name in ("session_lifetime_s", "session_longest_s"):
        with pytest.raises(ValueError, match=name):
            replace(settings, **{name: 0})
