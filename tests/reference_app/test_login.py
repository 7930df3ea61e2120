from contextlib import closing
from dataclasses import replace

import pytest

from loadgen.accounts import PASSWORD

KINDS = pytest.mark.parametrize("sessions", ["filesystem", "cookie"])


@pytest.fixture
def sessions():
    return "filesystem"


@pytest.fixture
def settings(settings, sessions):
    return replace(settings, sessions=sessions)


def session_id(client):
    cookie = client.get_cookie("session")
    return cookie and cookie.value


def test_the_form_is_served(client):
    answer = client.get("/login")
    assert answer.status_code == 200
    assert 'name="password"' in answer.text
    assert "alert" not in answer.text


@KINDS
def test_a_login_leads_to_the_index(client, auth, sessions):
    assert client.get("/").location == "/login"
    answer = auth.login("user007")
    assert (answer.status_code, answer.location) == (302, "/")
    cookie = client.get_cookie("session")
    assert cookie.http_only
    assert "user007 (dispatcher)" in client.get("/").text


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("user001", "count every bug"),
        ("user001", ""),
        ("user001", PASSWORD + "\0"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("", ""),
        ("user001\0", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("USER001", PASSWORD),
        ("u" * 10_000, PASSWORD),
    ],
)
def test_anything_else_is_refused(client, auth, username, password):
    answer = auth.login(username, password)
    assert answer.status_code == 401
    assert "Unknown user name or wrong password." in answer.text
    assert client.get("/api/dashboard/stats").status_code == 401


def test_a_form_without_fields_is_refused(client):
    assert client.post("/login").status_code == 401


def test_an_account_that_is_not_active_is_refused(server, database, auth):
    statement = "UPDATE tracetrack.\"user\" SET active = %s WHERE username = 'user100'"
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, (False,))
        try:
            assert auth.login("user100").status_code == 401
        finally:
            cursor.execute(statement, (True,))
    assert auth.login("user100").status_code == 302


@KINDS
def test_the_session_ends_with_the_logout(client, auth, sessions):
    auth.login()
    before = session_id(client)
    answer = auth.logout()
    assert (answer.status_code, answer.location) == (302, "/login")
    assert session_id(client) is None
    assert client.get("/api/dashboard/stats").status_code == 401
    if sessions == "filesystem":
        client.set_cookie("session", before)
        assert client.get("/api/dashboard/stats").status_code == 401


def test_the_session_of_before_the_login_is_worth_nothing(client, auth):
    auth.login("user001")
    before = session_id(client)
    auth.login("user002")
    after = session_id(client)
    assert before != after
    client.set_cookie("session", before)
    assert client.get("/api/dashboard/stats").status_code == 401
    client.set_cookie("session", after)
    assert client.get("/api/dashboard/stats").json["user_context"]["username"] == "user002"


def test_a_session_id_of_the_visitors_own_choice_is_not_taken_over(client, auth):
    client.set_cookie("session", "chosen-by-somebody")
    auth.login()
    assert session_id(client) != "chosen-by-somebody"


def test_a_forged_cookie_is_no_session(make_app, settings):
    client = make_app(replace(settings, sessions="cookie")).test_client()
    client.set_cookie("session", "eyJ1c2VyIjp7ImlkIjoxfX0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/api/dashboard/stats").status_code == 401
