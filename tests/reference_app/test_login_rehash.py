"""A login replaces an outdated hash by the deployment's own, and succeeds also if that fails."""

from contextlib import closing
from dataclasses import replace

import pytest
from nacl.pwhash import argon2id
from werkzeug.security import generate_password_hash

from loadgen.accounts import PASSWORD
from loadgen.dataset import SALT
from reference_app import passwords
from reference_app.passwords import PREFIXES, hash_password
from tests.reference_app.sign_in import WRONG_PASSWORD
from tests.reference_app.sign_in import try_login as post_login

FRAMEWORKS = ("flask", "quart")

SCHEMES = pytest.mark.parametrize("scheme", ["scrypt", "argon2id"])
OTHERS = {"scrypt": "argon2id", "argon2id": "scrypt"}


def older_hash(scheme):
    """A hash of the password at the cost of an earlier version."""
    if scheme == "scrypt":
        return generate_password_hash(PASSWORD, "scrypt:16384:8:1")
    return argon2id.str(PASSWORD.encode(), opslimit=2, memlimit=19 * 2**20).decode()


class Account:
    def __init__(self, cursor):
        self.cursor = cursor

    def read(self):
        self.cursor.execute("SELECT password_hash FROM tracetrack.\"user\" WHERE username = 'user001'")
        return self.cursor.fetchone()[0]

    def store(self, value):
        self.cursor.execute("UPDATE tracetrack.\"user\" SET password_hash = %s WHERE username = 'user001'", (value,))
        return value


@pytest.fixture
def account(server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        yield Account(cursor)


@pytest.fixture
def app_of(make_app, settings):
    return lambda scheme, **more: make_app(replace(settings, sessions="cookie", password_hash=scheme, **more))


def try_login(app, password=PASSWORD):
    return post_login(app.test_client(), password=password).status_code


def warnings(caplog):
    return [record.message for record in caplog.records if record.name == "reference_app.login"]


@SCHEMES
@pytest.mark.parametrize("stored", ["of the other scheme", "of an older cost"])
def test_an_outdated_hash_is_replaced_by_the_deployments(app_of, account, scheme, stored):
    app = app_of(scheme)
    before = account.store(older_hash(scheme) if "older" in stored else hash_password(PASSWORD, OTHERS[scheme], SALT))
    assert not before.startswith(PREFIXES[scheme])
    assert try_login(app) == 302
    after = account.read()
    assert after.startswith(PREFIXES[scheme])
    assert (try_login(app), try_login(app, WRONG_PASSWORD)) == (302, 401)
    assert account.read() == after


@SCHEMES
def test_a_current_hash_stays(app_of, account, scheme, monkeypatch):
    before = account.store(hash_password(PASSWORD, scheme, SALT))
    monkeypatch.setattr(passwords, "new_hash", lambda password: pytest.fail("hashed anew"))
    assert try_login(app_of(scheme)) == 302
    assert account.read() == before


def test_a_wrong_password_changes_no_hash(app_of, account):
    before = account.store(older_hash("scrypt"))
    assert try_login(app_of("argon2id"), WRONG_PASSWORD) == 401
    assert account.read() == before


def test_each_account_gets_a_salt_of_its_own(app_of, account):
    app, hashes = app_of("argon2id"), set()
    for _ in range(2):
        account.store(older_hash("argon2id"))
        assert try_login(app) == 302
        hashes.add(account.read())
    assert len(hashes) == 2


def test_a_login_whose_new_hash_cannot_be_stored_succeeds(app_of, account, caplog):
    before = account.store(older_hash("argon2id"))
    account.cursor.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$;
        CREATE TRIGGER refusing BEFORE UPDATE ON tracetrack."user" FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    try:
        assert try_login(app_of("argon2id")) == 302
    finally:
        account.cursor.execute("DROP FUNCTION refuse CASCADE")
    assert account.read() == before
    assert warnings(caplog) == ["password not rehashed"]
    logged = str([vars(record) for record in caplog.records])
    assert "disk full" in logged
    assert not any(secret in logged for secret in (PASSWORD, before, PREFIXES["argon2id"]))


def test_a_login_to_a_locked_account_waits_no_longer_than_a_statement_may_take(
    app_of, account, server, database, caplog
):
    before = account.store(older_hash("argon2id"))
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute("SELECT FROM tracetrack.\"user\" WHERE username = 'user001' FOR UPDATE")
        assert try_login(app_of("argon2id", statement_timeout_ms=200)) == 302
    assert account.read() == before
    assert warnings(caplog) == ["password not rehashed"]


def test_a_password_that_is_changed_during_a_login_stays_changed(app_of, account, monkeypatch):
    account.store(older_hash("argon2id"))
    changed = hash_password(WRONG_PASSWORD, "argon2id", SALT)
    real = passwords.new_hash
    monkeypatch.setattr(passwords, "new_hash", lambda password: (account.store(changed), real(password))[1])
    app = app_of("argon2id")
    assert try_login(app) == 302
    assert account.read() == changed
    assert (try_login(app), try_login(app, WRONG_PASSWORD)) == (401, 302)


@SCHEMES
@pytest.mark.parametrize(
    ("username", "password"),
    [("user001", PASSWORD), ("user001", WRONG_PASSWORD), ("nobody", PASSWORD), ("", ""), ("user\0001", PASSWORD)],
)
def test_every_login_computes_one_hash_where_all_are_of_one_kind(
    app_of, account, monkeypatch, scheme, username, password
):
    account.cursor.execute('UPDATE tracetrack."user" SET password_hash = %s', (hash_password(PASSWORD, scheme, SALT),))
    app, computed, real = app_of(scheme), [], passwords._verify
    monkeypatch.setattr(passwords, "_verify", lambda stored, tried: (computed.append(stored), real(stored, tried))[1])
    app.test_client().post("/login", data={"username": username, "password": password})
    assert [stored.startswith(PREFIXES[scheme]) for stored in computed] == [True]
