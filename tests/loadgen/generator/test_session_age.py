"""When the application may have ended a session: for its age, or for want of requests."""

import time

import pytest

from loadgen.generator import session_age
from loadgen.generator.session_age import SessionAge


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets, in seconds."""
    now = {"s": 1000.0}
    monkeypatch.setattr(session_age, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now["s"])}))
    return now


def age_after(clock, seconds, used_every_s=None, lifetimes_s=(10, 30)):
    age = SessionAge(lifetimes_s)
    age.begin()
    end_s = clock["s"] + seconds
    while used_every_s and clock["s"] + used_every_s < end_s:
        clock["s"] += used_every_s
        age.note_use()
    clock["s"] = end_s
    return age


def test_session_in_use_may_have_ended_at_its_age_alone(clock):
    assert not age_after(clock, 28.0, used_every_s=1.0).may_have_ended()
    assert age_after(clock, 29.0, used_every_s=1.0).may_have_ended()


def test_session_without_requests_may_have_ended_before_its_age(clock):
    assert not age_after(clock, 3.0).may_have_ended()
    assert age_after(clock, 10.0).may_have_ended()


def test_session_before_a_login_may_not_have_ended(clock):
    assert not SessionAge((10, 30)).may_have_ended()


def test_session_of_unknown_lifetime_may_not_have_ended(clock):
    assert not age_after(clock, 1e9, lifetimes_s=None).may_have_ended()


def test_session_that_began_anew_may_not_have_ended(clock):
    age = age_after(clock, 40.0)
    age.begin()
    assert not age.may_have_ended()
    assert time.monotonic() > 0
