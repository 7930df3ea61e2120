"""The gates of a run, each on both sides of its threshold, and what cannot be judged."""

import pandas as pd
import pytest

from analysis.validity import HIGHEST_GENERATOR_CPU, cpu_share, gates, generator_cpu_share

COUNT, SCENARIO, ANSWERED, CPU = range(4)


def requests(number=10, statuses=None):
    """Requests of 100 ms one after the other, from 1 s on."""
    starts_us = [1_000_000 + 100_000 * n for n in range(number)]
    statuses = [200] * number if statuses is None else statuses
    frame = {"start_us": starts_us, "latency_us": [100_000] * number, "status": pd.Series(statuses, dtype="float64")}
    return pd.DataFrame(frame)


def readings(share, role="generator", at_us=(1_000_000, 1_500_000, 2_000_000)):
    return pd.DataFrame([{"at_us": at, "role": role, "cpu_us": round(share * at)} for at in at_us])


def judge(rows=None, process=None, counted=10, expected=10):
    return gates(requests() if rows is None else rows, process, counted=counted, expected=expected)


def test_a_good_run_passes_every_gate():
    assert [gate.passed for gate in judge(process=readings(0.1))] == [True] * 4


@pytest.mark.parametrize(("counted", "missing"), [(10, 0), (11, 1), (9, 1)])
def test_as_many_rows_as_the_generator_counted(counted, missing):
    gate = judge(counted=counted)[COUNT]
    assert (gate.figure, gate.passed) == (missing, missing == 0)


@pytest.mark.parametrize(("expected", "missing"), [(10, 0), (150, 140), (9, 1)])
def test_as_many_rows_as_the_scenario_makes(expected, missing):
    gate = judge(expected=expected)[SCENARIO]
    assert (gate.figure, gate.passed) == (missing, missing == 0)


def test_what_was_not_counted_or_not_fixed_is_not_judged():
    judged = judge(counted=None, expected=None)
    assert [(judged[place].figure, judged[place].passed) for place in (COUNT, SCENARIO)] == [(None, None)] * 2


@pytest.mark.parametrize(("statuses", "passed"), [([None] * 10, False), ([None] * 9 + [500], True), ([], False)])
def test_the_target_answered_at_least_once_rightly_or_not(statuses, passed):
    gate = judge(requests(len(statuses), statuses))[ANSWERED]
    assert gate.passed is passed


@pytest.mark.parametrize(("share", "passed"), [(0.0, True), (0.8, True), (0.81, False), (1.0, False)])
def test_the_generator_has_cpu_to_spare(share, passed):
    gate = judge(process=readings(share))[CPU]
    assert gate.figure == pytest.approx(share, abs=1e-5)
    assert (gate.threshold, gate.passed) == (HIGHEST_GENERATOR_CPU, passed)


@pytest.mark.parametrize(
    "process",
    [
        pytest.param(None, id="no readings"),
        pytest.param(readings(0.9, role="server"), id="of others"),
        pytest.param(readings(0.9, at_us=(1_500_000,)), id="only one"),
        pytest.param(readings(0.9, at_us=(500_000, 900_000, 2_100_000)), id="before and after the load"),
    ],
)
def test_without_two_readings_during_the_load_the_generator_is_not_judged(process):
    gate = judge(process=process)[CPU]
    assert (gate.figure, gate.passed) == (None, None)


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
    judged = judge(process=readings(0.95), counted=12)
    assert judged[COUNT].reason() == "rows missing against the generator's count: 2, allowed 0"
    assert judged[CPU].reason() == "generator CPU, share of one core: 0.95, allowed 0.8"


def test_a_record_of_a_gate_has_its_name_figure_threshold_and_verdict():
    name = "rows missing against the scenario"
    assert judge()[SCENARIO].record() == {"name": name, "figure": 0, "threshold": 0, "passed": True}
