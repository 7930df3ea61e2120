"""A failed login computes the same hashes whether the account exists or not, whatever kind of hash it has."""

import math
import random
import statistics
import time
from dataclasses import replace

import pytest
import scipy.stats
from nacl.pwhash import argon2id
from werkzeug.security import generate_password_hash

from loadgen.accounts import PASSWORD
from loadgen.dataset import SALT
from reference_app import hash_kinds, passwords
from reference_app.hash_kinds import decoy, kind_of
from reference_app.passwords import PREFIXES, hash_password
from tests.reference_app.sign_in import WRONG_PASSWORD, try_login

HASHES = {
    "scrypt": hash_password(PASSWORD, "scrypt", SALT),
    "argon2id": hash_password(PASSWORD, "argon2id", SALT),
    "older scrypt": generate_password_hash(PASSWORD, "scrypt:16384:8:1"),
    "older argon2id": argon2id.str(PASSWORD.encode(), opslimit=2, memlimit=19 * 2**20).decode(),
    "pbkdf2": generate_password_hash(PASSWORD, "pbkdf2:sha256:50000"),
}
DAMAGED = ["", "nonsense", "scrypt:1:1:1$", "scrypt:32768:8:1$salt", "$argon2id$v=19$m=7168,t=5,p=1$x", "md5$a$b"]
UPDATE = 'UPDATE tracetrack."user" SET password_hash = %s, active = %s WHERE username = %s'
NAMES = {name: f"user{number:03}" for number, name in enumerate(HASHES, 1)}
INACTIVE, BROKEN, UNKNOWN = "user020", "user021", "no-such-user"


@pytest.fixture
def mixed(own_rows):
    """Accounts with each kind of hash, one that is inactive, and one whose hash is damaged."""
    original = own_rows('SELECT password_hash, active, username FROM tracetrack."user"')
    for name, username in NAMES.items():
        own_rows(UPDATE, HASHES[name], True, username)
    own_rows(UPDATE, HASHES["argon2id"], False, INACTIVE)
    own_rows(UPDATE, "scrypt:32768:8:1$broken", True, BROKEN)
    yield
    for row in original:
        own_rows(UPDATE, *row)


@pytest.fixture
def app(make_app, settings):
    return make_app(replace(settings, sessions="cookie", password_hash="argon2id"))


@pytest.fixture
def computed(monkeypatch):
    """The kinds of the hashes that were computed since the last look."""
    kinds, real = [], passwords._verify
    monkeypatch.setattr(
        passwords, "_verify", lambda stored, tried: (kinds.append(kind_of(stored)), real(stored, tried))[1]
    )

    def take():
        taken = sorted(kinds)
        kinds.clear()
        return taken

    return take


@pytest.mark.parametrize("kind", HASHES)
def test_the_kind_of_a_hash_is_its_scheme_and_cost(kind):
    assert HASHES[kind].startswith(kind_of(HASHES[kind]))
    assert len({kind_of(stored) for stored in HASHES.values()}) == len(HASHES)


@pytest.mark.parametrize("stored", DAMAGED)
def test_a_damaged_hash_has_no_kind(stored):
    assert kind_of(stored) == ""


@pytest.mark.parametrize("kind", HASHES)
def test_a_decoy_is_of_the_same_kind_and_fits_no_password(app, kind):
    stored = decoy(kind_of(HASHES[kind]))
    assert kind_of(stored) == kind_of(HASHES[kind])
    with app.app_context():
        assert not passwords.verify(stored, PASSWORD)
        assert not passwords.verify(stored, "")


def test_every_failed_login_computes_one_hash_of_each_kind(app, mixed, computed):
    client = app.test_client()
    attempts = [(name, WRONG_PASSWORD) for name in (*NAMES.values(), INACTIVE, BROKEN, UNKNOWN, "", "nul\0")]
    attempts += [(INACTIVE, PASSWORD), (BROKEN, PASSWORD), (NAMES["scrypt"], PASSWORD + "\0")]
    expected = sorted({kind_of(stored) for stored in HASHES.values()})
    for username, password in attempts:
        assert try_login(client, username, password).status_code == 401
        assert computed() == expected, (username, password)


def test_a_successful_login_computes_its_own_hash_only(app, mixed, computed):
    assert try_login(app.test_client(), NAMES["argon2id"]).status_code == 302
    assert computed() == [PREFIXES["argon2id"]]


def test_a_kind_that_appears_later_is_met_at_its_first_attempt_or_within_a_minute(
    app, own_rows, mixed, computed, monkeypatch
):
    for username in NAMES.values():
        own_rows(UPDATE, HASHES["argon2id"], True, username)
    client = app.test_client()
    assert try_login(client, UNKNOWN, WRONG_PASSWORD).status_code == 401
    before = computed()
    own_rows(UPDATE, HASHES["pbkdf2"], True, "user030")
    assert try_login(client, "user030", WRONG_PASSWORD).status_code == 401
    assert try_login(client, UNKNOWN, WRONG_PASSWORD).status_code == 401
    assert computed() == sorted(2 * [*before, kind_of(HASHES["pbkdf2"])])
    own_rows(UPDATE, HASHES["older argon2id"], True, "user031")
    real = time.monotonic
    monkeypatch.setattr(hash_kinds.time, "monotonic", lambda: real() + hash_kinds.REREAD_S)
    assert try_login(client, UNKNOWN, WRONG_PASSWORD).status_code == 401
    assert kind_of(HASHES["older argon2id"]) in computed()


@pytest.mark.exclusive
def test_a_failed_login_takes_the_same_time_for_all_names(app, mixed):
    """The 95 % interval of each name's CPU time over the unknown name's is within 10 %, in 40 interleaved rounds.

    CPU time, because other processes disturb the time on the clock. Without decoys an account of the other scheme takes
    several times as long as an unknown one.
    """
    client = app.test_client()
    names = [NAMES["scrypt"], NAMES["argon2id"], NAMES["pbkdf2"], INACTIVE, UNKNOWN]
    rounds = [_cpu_s_by_name(client, random.Random(turn).sample(names, len(names))) for turn in range(42)][2:]
    for name in names[:-1]:
        low, high = _interval([math.log(times[name] / times[UNKNOWN]) for times in rounds])
        print(f"{name}: {math.exp(low):.3f} to {math.exp(high):.3f}")
        assert 0.9 < math.exp(low) < 1.1, name
        assert 0.9 < math.exp(high) < 1.1, name


def _cpu_s_by_name(client, names):
    times = {}
    for name in names:
        started_s = time.process_time()
        assert try_login(client, name, WRONG_PASSWORD).status_code == 401
        times[name] = time.process_time() - started_s
    return times


def _interval(values):
    """The 95 % interval of the mean, by Student's t."""
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.mean(values) - half, statistics.mean(values) + half
