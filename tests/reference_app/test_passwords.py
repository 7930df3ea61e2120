"""Password hashes: they fit their password only, and no more are computed at once than the limit."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from loadgen.dataset import SALT
from reference_app import passwords
from reference_app.passwords import hash_password, verify

SCHEMES = pytest.mark.parametrize("scheme", ["scrypt", "argon2id"])


@SCHEMES
@pytest.mark.parametrize(("hash_limit", "password"), [(0, "count every bag"), (2, ""), (2, "süß and long " * 50)])
def test_only_the_password_fits_its_hash(make_app, settings, scheme, hash_limit, password):
    stored = hash_password(password, scheme, SALT)
    with make_app(replace(settings, hash_limit=hash_limit)).app_context():
        assert verify(stored, password)
        assert not verify(stored, password + "x")


@SCHEMES
def test_the_same_salt_gives_the_same_hash(scheme):
    first = hash_password("count every bag", scheme, SALT)
    assert hash_password("count every bag", scheme, SALT) == first
    assert hash_password("count every bag", scheme, SALT[::-1]) != first
    assert hash_password("count every bug", scheme, SALT) != first
    assert first.startswith({"scrypt": "scrypt:32768:8:1$", "argon2id": "$argon2id$v=19$m=7168,t=5,p=1$"}[scheme])


@pytest.mark.parametrize("stored", ["", "nonsense", "$argon2id$nonsense", "scrypt:1:1:1$"])
def test_no_password_fits_a_damaged_hash(app, stored):
    with app.app_context():
        assert not verify(stored, "count every bag")


@pytest.mark.parametrize(("hash_limit", "expected"), [(1, 1), (2, 2), (0, 8)])
def test_no_more_hashes_are_computed_at_once_than_the_limit(make_app, settings, monkeypatch, hash_limit, expected):
    app = make_app(replace(settings, hash_limit=hash_limit))
    lock, together, counts = threading.Lock(), threading.Barrier(8), {"now": 0, "max": 0}
    all_started = threading.Event()

    def slow(stored, password):
        with lock:
            counts["now"] += 1
            counts["max"] = max(counts["max"], counts["now"])
            if counts["now"] == expected:
                all_started.set()
        all_started.wait(timeout=5)
        with lock:
            counts["now"] -= 1
        return True

    def log_in(_):
        together.wait(timeout=10)
        with app.app_context():
            return verify("", "")

    monkeypatch.setattr(passwords, "_verify", slow)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(log_in, range(8)))
    assert counts["max"] == expected
