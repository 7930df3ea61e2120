"""Logging in and out, and the session ids around a login."""

from contextlib import closing
from dataclasses import replace

import pytest

from loadgen.accounts import PASSWORD
from tests.reference_app.sign_in import STATISTICS, WRONG_PASSWORD, token_of

FRAMEWORKS = ("flask", "quart")

SESSION_KINDS = pytest.mark.parametrize("sessions", ["filesystem", "cookie"])


@pytest.fixture
def sessions():
    return "filesystem"


@pytest.fixture
def settings(settings, sessions):
    return replace(settings, sessions=sessions)


def test_the_login_form_is_served(client):
    answer = client.get("/login")
    assert answer.status_code == 200
    assert 'name="password"' in answer.text
    assert "alert" not in answer.text


@SESSION_KINDS
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
        ("user001", WRONG_PASSWORD),
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
def test_a_login_with_other_credentials_is_refused(client, auth, username, password):
    answer = auth.login(username, password)
    assert answer.status_code == 401
    assert "Unknown user name or wrong password." in answer.text
    assert client.get(STATISTICS).status_code == 401


def test_a_form_without_fields_is_refused(client):
    assert client.post("/login").status_code == 401


def test_a_login_to_an_inactive_account_is_refused(server, database, auth):
    statement = "UPDATE tracetrack.\"user\" SET active = %s WHERE username = 'user100'"
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, (False,))
        try:
            assert auth.login("user100").status_code == 401
        finally:
            cursor.execute(statement, (True,))
    assert auth.login("user100").status_code == 302


@SESSION_KINDS
def test_a_logout_ends_the_session(client, auth, sessions):
    auth.login()
    before = token_of(client)
    answer = auth.logout()
    assert (answer.status_code, answer.location) == (302, "/login")
    assert token_of(client) is None
    assert client.get(STATISTICS).status_code == 401
    if sessions == "filesystem":
        client.set_cookie("session", before)
        assert client.get(STATISTICS).status_code == 401


def test_the_session_before_a_login_is_invalid_after_it(client, auth):
    auth.login("user001")
    before = token_of(client)
    auth.login("user002")
    after = token_of(client)
    assert before != after
    client.set_cookie("session", before)
    assert client.get(STATISTICS).status_code == 401
    client.set_cookie("session", after)
    assert client.get(STATISTICS).json["user_context"]["username"] == "user002"


def test_a_session_id_of_the_clients_choice_is_replaced(client, auth):
    client.set_cookie("session", "chosen-by-the-client")
    auth.login()
    assert token_of(client) != "chosen-by-the-client"


def test_a_forged_cookie_is_no_session(make_app, settings):
    client = make_app(replace(settings, sessions="cookie")).test_client()
    client.set_cookie("session", "eyJ1c2VyIjp7ImlkIjoxfX0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get(STATISTICS).status_code == 401


def test_a_user_name_is_text_on_the_page(own_rows, client, auth):
    own_rows("UPDATE tracetrack.\"user\" SET username = '<script>' WHERE username = 'user009'")
    try:
        auth.login("<script>")
        page = client.get("/").text
    finally:
        own_rows("UPDATE tracetrack.\"user\" SET username = 'user009' WHERE username = '<script>'")
    assert "Logged in as &lt;script&gt;" in page
    assert "<script" not in page
