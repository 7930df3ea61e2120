"""The timetable of faults: each begins and ends when it is due, as recorded, and none outlasts the block."""

import time

import pytest

from loadgen.fault_injection.injector import Injector
from loadgen.fault_injection.timetable import Timetable
from loadgen.fault_needs.planned_fault import PlannedFault
from loadgen.generator.interface import RELEASED
from workbench.errors import UserError
from workbench.faults import DATABASE, STORE
from workbench.polling import attempts

LATE_S = 0.5  # that a busy machine may be late


class Noted(Injector):
    """A fault that does nothing but note when it was made."""

    is_back = True
    is_early = False
    refusal = None
    failure = ""
    search_s = 0.0

    def __init__(self):
        self.calls = []

    def prepare(self):
        time.sleep(self.search_s)

    def begin(self):
        self.calls.append("begin")
        if self.refusal:
            raise self.refusal

    def repeat(self):
        self.calls.append("repeat")

    def end(self):
        self.calls.append("end")
        if self.failure:
            raise UserError(self.failure)

    def is_over(self):
        return self.is_back

    def has_ended_early(self):
        return self.is_early


@pytest.fixture
def records():
    return []


@pytest.fixture
def make_timetable(tmp_path, records):
    def make(injector, at_s=0.1, duration_s=0.3, name="store-away"):
        started_ns = time.monotonic_ns()
        (tmp_path / RELEASED).write_text(str(started_ns))
        return Timetable((PlannedFault(name, at_s, duration_s),), [injector], tmp_path, started_ns, records.append)

    return make


def advance_for(timetable, seconds):
    for _ in attempts(seconds, 0.01):
        timetable.advance()


def test_fault_begins_and_ends_when_due_and_as_recorded(make_timetable, records):
    injector = Noted()
    with make_timetable(injector) as timetable:
        advance_for(timetable, 0.3 + LATE_S)
        (fault,) = timetable.record()
    assert (injector.calls[0], injector.calls[-1], set(injector.calls[1:-1])) == ("begin", "end", {"repeat"})
    assert injector.calls.count("end") == 1
    assert 0.1 <= fault["begin_us"] / 1e6 < 0.1 + LATE_S
    assert 0.4 <= fault["end_us"] / 1e6 < 0.4 + LATE_S
    begun, ended, closed = (record[0] for record in records)
    assert (begun["begin_us"], begun["end_us"]) == (fault["begin_us"], None)
    assert ended == closed == fault


def test_fault_begins_when_what_it_hits_was_found(make_timetable):
    injector = Noted()
    injector.search_s = 0.3
    with make_timetable(injector) as timetable:
        advance_for(timetable, 0.5)
        (fault,) = timetable.record()
    assert fault["begin_us"] / 1e6 >= 0.4


def test_timetable_before_the_release_of_the_users_begins_nothing(make_timetable, tmp_path):
    injector = Noted()
    with make_timetable(injector) as timetable:
        (tmp_path / RELEASED).unlink()
        advance_for(timetable, 0.3)
    assert injector.calls == []
    assert timetable.record() == [{"name": "store-away", "begin_us": None, "end_us": None, "reason": ""}]


def test_timetable_that_is_left_in_mid_fault_undoes_it_and_records_no_end(make_timetable, records):
    injector = Noted()
    with make_timetable(injector, duration_s=60) as timetable:
        advance_for(timetable, 0.2)
    assert (injector.calls[0], injector.calls[-1]) == ("begin", "end")
    assert records[-1][0]["begin_us"] > 0
    assert records[-1][0]["end_us"] is None


@pytest.mark.parametrize("failing", [0, 1])
def test_fault_that_cannot_be_undone_leaves_no_other_in_force(tmp_path, records, failing):
    injectors = [Noted(), Noted()]
    injectors[failing].failure = "PostgreSQL did not start"
    (tmp_path / RELEASED).write_text(str(time.monotonic_ns()))
    planned = (PlannedFault("database-stopped", 0, 60), PlannedFault("store-away", 0, 60))
    with (
        pytest.raises(UserError, match="did not start"),
        Timetable(planned, injectors, tmp_path, time.monotonic_ns(), records.append) as timetable,
    ):
        advance_for(timetable, 0.1)
    assert [injector.calls[-1] for injector in injectors] == ["end", "end"]
    assert len(records[-1]) == 2


@pytest.mark.parametrize("error", [UserError("Operation not permitted"), PermissionError("Operation not permitted")])
def test_fault_that_cannot_be_made_is_undone_and_has_the_reason(make_timetable, error):
    injector = Noted()
    injector.refusal = error
    with make_timetable(injector) as timetable:
        advance_for(timetable, 0.3)
    assert injector.calls == ["begin", "end"]
    assert timetable.record() == [
        {"name": "store-away", "begin_us": None, "end_us": None, "reason": "Operation not permitted"}
    ]


@pytest.mark.parametrize("duration_s", [0, 0.1])
def test_fault_that_had_no_effect_was_not_made(make_timetable, records, duration_s):
    injector = Noted()
    injector.problem = "worker 7 did not end"
    with make_timetable(injector, duration_s=duration_s) as timetable:
        advance_for(timetable, 0.4)
    expected = {"name": "store-away", "begin_us": None, "end_us": None, "reason": "worker 7 did not end"}
    assert timetable.record() == records[-1] == [expected]


def test_fault_ends_when_what_it_took_away_is_back(make_timetable):
    injector = Noted()
    injector.is_back = False
    with make_timetable(injector, duration_s=0.1) as timetable:
        advance_for(timetable, 0.5)
        assert injector.calls[-1] == "end"
        assert timetable.record()[0]["end_us"] is None
        injector.is_back = True
        timetable.advance()
        assert timetable.record()[0]["end_us"] / 1e6 >= 0.5
    assert injector.calls.count("end") == 1


def test_fault_that_the_application_has_undone_ends_early(make_timetable):
    injector = Noted()
    with make_timetable(injector, duration_s=60) as timetable:
        advance_for(timetable, 0.2)
        injector.is_early = True
        timetable.advance()
        assert timetable.record()[0]["end_us"] is not None


def test_instant_ends_when_it_begins(make_timetable):
    with make_timetable(Noted(), duration_s=0) as timetable:
        advance_for(timetable, 0.3)
        (fault,) = timetable.record()
    assert fault["begin_us"] == fault["end_us"]


def test_fault_concerns_its_part_only_and_from_its_begin(make_timetable):
    with make_timetable(Noted(), duration_s=0.1) as timetable:
        assert not timetable.concerns(STORE)
        advance_for(timetable, 0.5)
        assert timetable.concerns(STORE)
        assert not timetable.concerns(DATABASE)
