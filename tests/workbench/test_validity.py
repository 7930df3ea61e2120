"""The gates of a run, each on both sides of its threshold, and what cannot be evaluated."""

import pandas as pd
import pytest

from workbench.littles_law_gate import relative_difference
from workbench.validity import (
    ANSWERED,
    APP_TIME,
    BOUNDS,
    COUNTED,
    DISPATCH_LAG,
    DISPATCH_LAG_TAIL,
    DURATIONS,
    ERRORS,
    EXPECTED,
    FIRST_SENDS,
    GENERATOR_CPU,
    GENERATOR_CPU_PEAK,
    GENERATOR_FAILURES,
    LITTLES_LAW,
    LOOP_GAP,
    MALFORMED,
    OTHERS_CPU,
    OTHERS_CPU_PEAK,
    PARTS,
    REPORTS,
    SERVED,
    STATEMENTS,
    STEAL,
    STOPPED,
    TASKS,
    USERS,
    cpu_share,
    dispatch_lag_ms,
    first_sends_share,
    gates,
    generator_cpu_share,
)


def requests(number=10, statuses=None):
    """Requests of 100 ms one after the other, from 1 s on."""
    starts_us = [1_000_000 + 100_000 * n for n in range(number)]
    statuses = [200] * number if statuses is None else statuses
    frame = {"start_us": starts_us, "latency_us": [100_000] * number, "scheduled_us": starts_us}
    return answered(pd.DataFrame(frame), pd.Series(statuses, dtype="float64"))


def answered(frame, statuses=200.0):
    """With these statuses; what has none was a connection refused."""
    frame = frame.assign(status=statuses)
    frame["error"] = frame["status"].map(lambda status: None if status < 400 else "failed").astype(object)
    return frame.assign(ok=frame["error"].isna())


def late(lags_us, every_us=100_000):
    """Requests of 20 ms, one each `every_us`, sent so late after they were due."""
    due_us = [every_us * n for n in range(len(lags_us))]
    frame = {"scheduled_us": due_us, "start_us": [due + lag for due, lag in zip(due_us, lags_us, strict=True)]}
    return answered(pd.DataFrame(frame | {"latency_us": 20_000}))


def readings(share, role="generator", at_us=(1_000_000, 1_500_000, 2_000_000)):
    return pd.DataFrame([{"at_us": at, "role": role, "cpu_us": round(share * at)} for at in at_us])


def cores(others=0.0, steal=0.0, at_us=tuple(range(0, 12_000_000, 250_000)), busy=0.5, from_us=0):
    """Readings of two cores; `others` and `steal` are shares of both from an instant on."""
    return pd.DataFrame(
        {
            "at_us": at, "role": "machine", "busy_us": busy * 2 * at, "idle_us": (1 - busy - steal) * 2 * at,
            "others_us": others * 2 * max(0, at - from_us), "steal_us": steal * 2 * at,
        }
        for at in at_us
    )  # fmt: skip


def evaluate(rows=None, process=None, counted=10, reported=1, processes=1, summary=None, **more):
    """The gates by their bounds."""
    summary = {"requests": counted, "processes": reported, **(summary or {})}
    evaluated = gates(requests() if rows is None else rows, process, summary=summary, processes=processes, **more)
    return {BOUNDS[gate.name]: gate for gate in evaluated}


def test_a_good_run_passes_every_gate():
    rows = answered(pd.DataFrame({"scheduled_us": range(0, 10_000_000, 10_000), "latency_us": 5000}))
    rows["start_us"] = rows["scheduled_us"] + 100
    summary = {
        "in_flight_marks": [[(1_000_000, 500_000), (9_000_000, 4_500_000)]],
        "users": {"present": 50, "left_early": 0},
        "started_tasks": {"warmup": 100, "measure": 900},
        "stopped_by_locustfile": 0,
        "parts_elsewhere": 0,
        "loop_gaps": [[(5_000_000, 4_000, 1_000)]],
        "hosts": [{"status": "complete", "clock_error_ms": 0.2}],
    }
    fixed = {"users": 50, "due": 1000, "expected": 1000, "served": 1000, "kind": "open", "steady": True}
    application = {"error_responses": 0, "app_us": 4_000_000, "failed_statements": 0, "durations": [[None, 1000]]}
    witnesses = {"application": application, "database": {"statements": 2000}}
    rows = rows.assign(app_us=4000, db_calls=2)
    process = pd.concat([readings(0.1), cores(others=0.02)])
    evaluated = evaluate(rows, process, 1000, summary=summary, witnesses=witnesses, **fixed)
    passed = {bound for bound, gate in evaluated.items() if gate.passed}
    assert passed == set(BOUNDS.values()) - {FIRST_SENDS, MALFORMED}


@pytest.mark.parametrize(("counted", "missing"), [(10, 0), (11, 1), (9, 1)])
def test_as_many_rows_as_the_generator_counted(counted, missing):
    gate = evaluate(counted=counted)[COUNTED]
    assert (gate.value, gate.passed) == (missing, missing == 0)


@pytest.mark.parametrize(("expected", "missing"), [(10, 0), (150, 140), (9, 1)])
def test_as_many_rows_as_the_scenario_makes(expected, missing):
    gate = evaluate(expected=expected)[EXPECTED]
    assert (gate.value, gate.passed) == (missing, missing == 0)


def test_what_was_not_counted_or_not_fixed_is_not_evaluated():
    evaluated = evaluate(counted=None, kind="open", steady=True)
    unknown = {COUNTED, USERS, TASKS, EXPECTED, SERVED, GENERATOR_CPU, DISPATCH_LAG, LITTLES_LAW}
    unknown |= {GENERATOR_CPU_PEAK, DISPATCH_LAG_TAIL, LOOP_GAP, OTHERS_CPU, OTHERS_CPU_PEAK, STEAL, STOPPED, PARTS}
    unknown |= {ERRORS, APP_TIME, DURATIONS, STATEMENTS}
    assert {bound for bound, gate in evaluated.items() if (gate.value, gate.passed) == (None, None)} == unknown


@pytest.mark.parametrize(("present", "left_early", "missing"), [(10, 0, 0), (8, 0, 2), (10, 3, 3), (9, 1, 2)])
def test_all_users_are_there_until_it_is_their_time_to_go(present, left_early, missing):
    summary = {"users": {"present": present, "left_early": left_early}}
    gate = evaluate(users=10, summary=summary)[USERS]
    assert (gate.value, gate.passed) == (missing, missing == 0)


@pytest.mark.parametrize(("started", "dropped", "apart"), [(10, 0, 0), (7, 3, 0), (7, 0, 3), (7, 4, 1)])
def test_each_task_that_was_due_was_begun_or_counted_as_unsent(started, dropped, apart):
    summary = {"started_tasks": {"warmup": 2, "measure": started - 2}, "dropped": {"warmup": 0, "measure": dropped}}
    gate = evaluate(due=10, summary=summary)[TASKS]
    assert (gate.value, gate.passed) == (apart, apart == 0)


def test_a_failure_of_the_generators_own_is_none_of_the_targets():
    rows = requests(10, [200.0] * 7 + [500.0] * 3)
    assert evaluate(rows)[GENERATOR_FAILURES].passed
    rows.loc[9, "error"] = "load generator: no free port"
    gate = evaluate(rows)[GENERATOR_FAILURES]
    assert (gate.value, gate.passed) == (1, False)


def test_what_went_well_was_answered_also_in_a_protocol_without_a_status():
    rows = requests(3, [None] * 3)
    rows.loc[1, ["error", "ok"]] = None, True
    assert evaluate(rows)[ANSWERED].value == 1


@pytest.mark.parametrize(("reported", "passed"), [(3, True), (2, False), (0, False)])
def test_every_process_of_the_generator_reports_its_count(reported, passed):
    gate = evaluate(reported=reported, processes=3)[REPORTS]
    assert (gate.value, gate.passed) == (3 - reported, passed)


@pytest.mark.parametrize(
    ("statuses", "served", "apart"),
    [
        pytest.param([200] * 10, 10, 0, id="as many"),
        pytest.param([200] * 10, 9, 1, id="answered and never served"),
        pytest.param([200] * 10, 11, 1, id="served and not recorded"),
        pytest.param([200] * 8 + [None] * 2, 8, 0, id="lost on the way there"),
        pytest.param([200] * 8 + [None] * 2, 10, 0, id="lost on the way back"),
        pytest.param([200] * 8 + [None] * 2, 7, 1, id="fewer served than answered"),
    ],
)
def test_the_application_counted_as_many(statuses, served, apart):
    gate = evaluate(requests(10, statuses), served=served)[SERVED]
    assert (gate.value, gate.passed) == (apart, apart == 0)


def test_the_lag_is_that_of_requests_that_were_due_at_an_instant():
    assert dispatch_lag_ms(late([1000] * 99 + [9000] * 1)) == pytest.approx(1.0, abs=0.1)
    assert dispatch_lag_ms(late([0] * 900 + [2000] * 100)) == pytest.approx(2.0)
    assert dispatch_lag_ms(requests()) is None


@pytest.mark.parametrize(("lag_us", "passed"), [(5000, True), (5100, False)])
def test_a_generator_that_lags_makes_the_run_invalid(lag_us, passed):
    gate = evaluate(late([lag_us] * 10), kind="open")[DISPATCH_LAG]
    assert (gate.value, gate.passed) == (lag_us / 1000, passed)


@pytest.mark.parametrize(("last_us", "passed"), [(10_000, True), (60_000, False)])
def test_a_burst_is_sent_within_a_small_share_of_its_time(last_us, passed):
    """Three users, due in one instant, who then send one request more each; 400 ms from there to the last answer."""
    times = {"scheduled_us": [0, 0, 0, 370_000], "start_us": [100, 500, last_us, 370_000], "latency_us": 30_000}
    rows = answered(pd.DataFrame(times))
    assert first_sends_share(rows) == pytest.approx(last_us / 400_000)
    gate = evaluate(rows, kind="burst")[FIRST_SENDS]
    assert gate.passed is passed


def steady(number=1000, latency_us=20_000):
    """A request each 10 ms: two are in flight at a time where each takes 20 ms."""
    rows = {"start_us": [10_000 * n for n in range(number)], "latency_us": latency_us}
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("rows", "apart"),
    [
        pytest.param(steady(), 0.0, id="agrees"),
        pytest.param(steady().drop(index=range(300, 340)), 0.05, id="rows lost"),
        pytest.param(pd.concat([steady(), steady()[300:340]]), 0.05, id="rows twice"),
        pytest.param(steady(latency_us=21_000), 0.05, id="times too long"),
    ],
)
def test_littles_law_finds_what_is_wrong_with_the_rows(rows, apart):
    marks = [[(1_000_000, 0), (9_000_000, 16_000_000)]]
    assert relative_difference(rows, marks) == pytest.approx(apart, abs=0.001)


def test_littles_law_adds_up_several_processes():
    marks = [[(1_000_000, 5), (9_000_000, 12_000_005)], [(1_000_000, 0), (9_000_000, 4_000_000)]]
    assert relative_difference(steady(), marks) == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize("marks", [[], [[]], [[(1, 0)]], [[(0, 0), (10, 10)], [(0, 0)]], [[(0, 0), (500_000, 9)]]])
def test_littles_law_is_not_evaluated_without_both_marks_or_of_few_rows(marks):
    assert relative_difference(steady(), marks) is None


@pytest.mark.parametrize(("statuses", "passed"), [([None] * 10, False), ([None] * 9 + [500], True), ([], False)])
def test_the_target_answered_at_least_once_rightly_or_not(statuses, passed):
    gate = evaluate(requests(len(statuses), statuses))[ANSWERED]
    assert gate.passed is passed


@pytest.mark.parametrize(("share", "passed"), [(0.0, True), (0.8, True), (0.81, False), (1.0, False)])
def test_the_generator_has_cpu_to_spare(share, passed):
    gate = evaluate(process=readings(share))[GENERATOR_CPU]
    assert gate.value == pytest.approx(share, abs=1e-5)
    assert (gate.threshold, gate.passed) == (GENERATOR_CPU.threshold, passed)


@pytest.mark.parametrize(
    "process",
    [
        pytest.param(None, id="no readings"),
        pytest.param(readings(0.9, role="server"), id="of others"),
        pytest.param(readings(0.9, at_us=(1_500_000,)), id="only one"),
        pytest.param(readings(0.9, at_us=(500_000, 900_000, 2_100_000)), id="before and after the load"),
    ],
)
def test_without_two_readings_during_the_load_the_generator_is_not_evaluated(process):
    gate = evaluate(process=process)[GENERATOR_CPU]
    assert (gate.value, gate.passed) == (None, None)


def test_a_run_without_requests_has_no_share_of_cpu():
    assert generator_cpu_share(requests(0), readings(0.5)) is None


def test_what_the_generator_did_before_and_after_the_load_does_not_count():
    inside = readings(0.1)
    outside = pd.DataFrame([{"at_us": at, "role": "generator", "cpu_us": cpu} for at, cpu in ((0, 0), (3e6, 9e6))])
    together = pd.concat([outside.iloc[:1], inside, outside.iloc[1:]])
    assert generator_cpu_share(requests(), together) == pytest.approx(0.1)


def test_the_share_of_any_role_can_be_asked():
    both = pd.concat([readings(0.1), readings(0.7, role="server")])
    assert cpu_share(requests(), both, "server") == pytest.approx(0.7)


def test_a_gate_says_its_figure_and_what_is_allowed():
    evaluated = evaluate(process=readings(0.95), counted=12, expected=10)
    assert evaluated[COUNTED].reason() == "rows missing against the generator's count: 2, allowed none"
    assert evaluated[GENERATOR_CPU].reason() == "generator CPU, share of one core: 95.0%, allowed at most 80.0%"


def test_a_record_of_a_gate_has_its_name_figure_threshold_and_verdict():
    name = "rows missing against the scenario"
    assert evaluate(expected=10)[EXPECTED].record() == {"name": name, "value": 0, "threshold": 0, "passed": True}


def test_a_load_that_was_over_before_two_readings_is_evaluated_by_its_own_clock():
    rows, summary = requests(), {"requests": len(requests()), "processes": 1}
    span_us = (rows["start_us"] + rows["latency_us"]).max() - rows["start_us"].min()
    for share, passed in ((0.5, True), (0.9, False)):
        evaluated = gates(rows, None, summary=summary | {"cpu_ms": share * span_us / 1000})
        (cpu,) = (gate for gate in evaluated if gate.name == GENERATOR_CPU.name)
        assert (cpu.value, cpu.passed) == (pytest.approx(share), passed)


@pytest.mark.parametrize(
    ("gap", "during_ms", "passed"),
    [
        pytest.param((1_200_000, 12_000, 0), 12.0, True, id="short"),
        pytest.param((1_200_000, 45_000, 45_000), 45.0, False, id="long"),
        pytest.param((100_000, 900_000, 0), 0.0, True, id="before the load"),
        pytest.param((2_010_000, 900_000, 0), 0.0, True, id="after the load"),
        pytest.param((900_000, 110_000, 0), 10.0, True, id="cut at the first send"),
    ],
)
@pytest.mark.parametrize("kind", ["burst", "open", "sustained"])
def test_a_loop_that_stands_still_makes_the_run_invalid(kind, gap, during_ms, passed):
    gate = evaluate(summary={"loop_gaps": [[], [gap]]}, kind=kind)[LOOP_GAP]
    assert (gate.value, gate.passed) == (during_ms, passed)


def test_only_measured_requests_are_the_load():
    rows = requests(20).assign(phase=["start"] * 10 + ["measure"] * 10)
    gate = evaluate(rows, summary={"loop_gaps": [[(1_500_000, 300_000, 0)]]})[LOOP_GAP]
    assert (gate.value, gate.passed) == (0.0, True)


@pytest.mark.parametrize("gaps", [None, [], [None], [[(1_500_000, 300_000, 0)], None]])
def test_a_loop_that_was_not_watched_is_not_evaluated(gaps):
    assert evaluate(summary={"loop_gaps": gaps})[LOOP_GAP].passed is None


@pytest.mark.parametrize(("number", "passed"), [(2000, True), (2003, False), (100, None)])
def test_the_tail_of_the_lag_is_evaluated_where_it_is_one(number, passed):
    """Every thousandth request is sent 45 ms late, after the first two thousand."""
    lags_us = [45_000 if n >= 2000 else 500 for n in range(number)]
    assert evaluate(late(lags_us), kind="open")[DISPATCH_LAG_TAIL].passed is passed


def test_the_busiest_second_of_the_generator_decides():
    at_us = range(1_000_000, 2_000_000 + 10 * 1_000_000, 250_000)
    cpu_us = [0.1 * at if at < 5_000_000 else 0.1 * at + min(at - 5_000_000, 1_000_000) * 0.85 for at in at_us]
    process = pd.DataFrame({"at_us": at_us, "role": "generator", "cpu_us": cpu_us})
    evaluated = evaluate(requests(100), process)
    assert evaluated[GENERATOR_CPU].passed
    assert evaluated[GENERATOR_CPU_PEAK].value == pytest.approx(0.95)
    assert not evaluated[GENERATOR_CPU_PEAK].passed


@pytest.mark.parametrize(("share", "passed"), [(0.0, True), (0.1, True), (0.2, False), (0.9, False)])
def test_cpu_that_others_take_makes_the_run_invalid(share, passed):
    gate = evaluate(process=cores(others=share))[OTHERS_CPU]
    counting_error = 0.1 / (2 * 1.0)  # two cores for a second
    assert gate.value == pytest.approx(max(0.0, share - counting_error), abs=1e-9)
    assert gate.passed is passed


def test_others_that_come_for_seconds_show_in_the_busiest_one():
    process = cores(others=0.6, from_us=9_000_000, at_us=range(0, 12_000_000, 250_000))
    evaluated = evaluate(requests(100), process)
    assert evaluated[OTHERS_CPU_PEAK].value == pytest.approx(0.6 - 0.05)
    assert not evaluated[OTHERS_CPU_PEAK].passed


@pytest.mark.parametrize(("share", "passed"), [(0.04, True), (0.06, False)])
def test_time_of_the_hypervisor_makes_the_run_invalid(share, passed):
    gate = evaluate(process=cores(steal=share))[STEAL]
    assert (gate.value, gate.passed) == (pytest.approx(share), passed)


@pytest.mark.parametrize(
    "process",
    [
        pytest.param(readings(0.1), id="of another role"),
        pytest.param(cores(others=0.9).drop(columns=["others_us", "steal_us"]), id="of an earlier format"),
        pytest.param(cores(others=0.9).assign(others_us=None, steal_us=None), id="not known"),
        pytest.param(cores(others=0.9, at_us=(0,)), id="only one"),
    ],
)
def test_without_readings_of_the_machine_others_are_not_evaluated(process):
    evaluated = evaluate(process=process)
    assert {evaluated[bound].passed for bound in (OTHERS_CPU, OTHERS_CPU_PEAK, STEAL)} == {None}


def test_on_a_shared_machine_disturbances_are_observed_and_not_evaluated():
    summary = {"loop_gaps": [[(1_200_000, 45_000, 0)]]}
    evaluated = evaluate(process=cores(others=0.8), summary=summary, shared_machine=True)
    assert (evaluated[LOOP_GAP].value, evaluated[LOOP_GAP].passed) == (45.0, None)
    assert evaluated[OTHERS_CPU].value > 0.5
    assert evaluated[OTHERS_CPU].passed is None
