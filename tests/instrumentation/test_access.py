"""Who may see the monitor: tokens open it once and for a minute, cookies for a quarter of an hour."""

import time

import pytest

from instrumentation.monitor.access import Access, derive_key, issue_token

SECRET_KEY = "a key of the tests that is long enough for the monitor too"
KEY = derive_key(SECRET_KEY)


@pytest.fixture
def access():
    return Access(KEY)


@pytest.fixture
def later(monkeypatch):
    """Sets the clock forward."""
    real = time.time
    return lambda seconds: monkeypatch.setattr(time, "time", lambda: real() + seconds)


def test_a_token_opens_the_monitor_once_for_its_user(access):
    token = issue_token(KEY, "ann")
    assert access.user(access.redeem(token)) == "ann"
    assert access.redeem(token) is None


def test_a_token_of_over_a_minute_opens_nothing(access, later):
    token = issue_token(KEY, "ann")
    later(60 + 2)
    assert access.redeem(token) is None


def test_a_cookie_ends_after_a_quarter_of_an_hour(access, later):
    cookie = access.redeem(issue_token(KEY, "ann"))
    later(15 * 60 - 2)
    assert access.user(cookie) == "ann"
    later(15 * 60 + 2)
    assert access.user(cookie) is None


def test_a_token_is_no_cookie_and_a_cookie_no_token(access):
    token = issue_token(KEY, "ann")
    assert access.user(token) is None
    assert access.redeem(access.redeem(token)) is None


def test_what_another_key_signed_opens_nothing(access):
    other = issue_token(derive_key("another key of the tests"), "ann")
    assert access.redeem(other) is None
    assert access.redeem(issue_token(SECRET_KEY, "ann")) is None


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="at least 32 characters"):
        Access("x" * 31)
