"""A session ends at the next request after its account changed, whatever keeps the sessions."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from loadgen.accounts import PASSWORD
from loadgen.dataset import SALT
from reference_app.passwords import hash_password
from tests.reference_app.sign_in import STATISTICS, WRONG_PASSWORD, logged_in, status_with, token_of, try_login

FRAMEWORKS = ("flask", "quart")

ALL_KINDS = pytest.mark.parametrize("kind", ["filesystem", "flask-session-redis", "shared", "cookie"])
NAME = "user001"
ORIGINAL = 'SELECT role, active, password_hash FROM tracetrack."user" WHERE username = %s'
RESTORED = 'UPDATE tracetrack."user" SET role = %s, active = %s, password_hash = %s WHERE username = %s'
OTHER_HASH = hash_password(WRONG_PASSWORD, "argon2id", SALT)
CHANGES = {
    "deactivated": "active = false",
    "demoted": "role = 'dispatcher'",
    "another password": f"password_hash = '{OTHER_HASH}'",
    "no password": "password_hash = ''",
}
CHANGED = pytest.mark.parametrize("change", CHANGES)


@pytest.fixture
def settings(settings, store, kind):
    return replace(settings, sessions=kind, redis_url=store.url, store_prefix=store.prefix, cache="process")


@pytest.fixture
def changed(own_rows):
    """Changes the account of `NAME` for a block."""

    @contextmanager
    def change(assignment):
        (original,) = own_rows(ORIGINAL, NAME)
        own_rows(f'UPDATE tracetrack."user" SET {assignment} WHERE username = %s', NAME)
        try:
            yield
        finally:
            own_rows(RESTORED, *original, NAME)

    return change


@ALL_KINDS
@CHANGED
def test_the_next_request_after_a_change_is_refused(app, changed, kind, change):
    user = logged_in(app, NAME)
    assert user.get(STATISTICS).status_code == 200
    token = token_of(user)
    with changed(CHANGES[change]):
        answer = user.get(STATISTICS)  # which is in the cache
        assert (answer.status_code, answer.json) == (401, {"success": False, "error": "not logged in"})
        assert token_of(user) is None
    # The session has ended for good: to undo the change does not bring it back.
    assert status_with(app, token) == 401
    assert try_login(user, NAME).status_code == 302
    assert user.get(STATISTICS).status_code == 200


@ALL_KINDS
@pytest.mark.parametrize("method_and_path", ["GET /api/bags/search?q=M444", "POST /api/scans", "GET /"])
def test_every_view_of_a_user_looks_at_the_account(app, changed, kind, method_and_path):
    method, path = method_and_path.split()
    user = logged_in(app, NAME)
    with changed(CHANGES["deactivated"]):
        answer = user.open(path, method=method, headers={"Idempotency-Key": "k"}, json={"qr_id": "M444-0000001"})
    assert (answer.status_code, answer.location) in [(401, None), (302, "/login")]


@ALL_KINDS
def test_an_account_that_is_removed_has_no_session(app, own_rows, kind):
    own_rows(
        "INSERT INTO tracetrack.\"user\" (id, username, password_hash, role) VALUES (901, %s, %s, 'biller')",
        "short-lived",
        hash_password(PASSWORD, "argon2id", SALT),
    )
    user = logged_in(app, "short-lived")
    own_rows("DELETE FROM tracetrack.\"user\" WHERE username = 'short-lived'")
    assert user.get(STATISTICS).status_code == 401


@ALL_KINDS
def test_a_change_of_another_account_or_of_what_no_session_depends_on_ends_nothing(app, changed, own_rows, kind):
    user, other = logged_in(app, NAME), logged_in(app, "user002")
    with changed(CHANGES["deactivated"]):
        assert other.get(STATISTICS).status_code == 200
        assert user.get(STATISTICS).status_code == 401
    assert try_login(user, NAME).status_code == 302
    with changed("dispatch_area = 'north', created_at = now()"):
        assert user.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("kind", ["shared"])
def test_a_new_name_is_shown_at_once(app, changed, own_rows):
    user = logged_in(app, NAME)
    with changed("username = 'renamed'"):
        context = user.get(STATISTICS).json["user_context"]
        own_rows("UPDATE tracetrack.\"user\" SET username = %s WHERE username = 'renamed'", NAME)
    assert context == {"id": 1, "username": "renamed", "role": "admin"}


@pytest.mark.parametrize("kind", ["shared"])
def test_a_password_that_is_changed_during_a_login_ends_its_session(app, changed, own_rows, monkeypatch):
    assignment = f"UPDATE tracetrack.\"user\" SET password_hash = '{OTHER_HASH}' WHERE username = %s"
    interface = app.session_interface
    renew = interface.renew
    with changed("active = true"):
        monkeypatch.setattr(interface, "renew", lambda session: (own_rows(assignment, NAME), renew(session)))
        user = app.test_client()
        assert try_login(user, NAME).status_code == 302
        assert user.get(STATISTICS).status_code == 401


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_login_that_stores_a_new_hash_keeps_its_own_session(make_app, settings, changed):
    app = make_app(replace(settings, password_hash="argon2id"))
    with changed(f"password_hash = '{hash_password(PASSWORD, 'scrypt', SALT)}'"):
        user = logged_in(app, NAME)
        assert user.get(STATISTICS).status_code == 200


@pytest.mark.parametrize("kind", ["cookie"])
def test_what_a_session_knows_of_a_password_depends_on_the_key(app, make_app, settings):
    credentials = {
        created.session_interface._inner.read(token_of(logged_in(created, NAME))).data["user"]["credential"]
        for created in (app, make_app(replace(settings, secret_key="another key of the tests")))
    }
    assert len(credentials) == 2
    assert {len(credential) for credential in credentials} == {32}


@pytest.mark.parametrize("kind", ["cookie"])
def test_a_lookup_over_a_dead_connection_gives_503_and_the_next_one_another_connection(
    make_app, settings, own_rows, database
):
    user = logged_in(make_app(replace(settings, pool_pre_ping=False, pool_size=1, cache="off")), NAME)
    own_rows(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND application_name = %s",
        database,
        "tracetrack",
    )
    answer = user.get(STATISTICS)
    assert (answer.status_code, answer.json["error"]) == (503, "database error")
    assert user.get(STATISTICS).status_code == 200
