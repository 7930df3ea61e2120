"""Goodput of an overload, from rows whose outcome is known."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from analysis.metrics import goodput
from tests.analysis.overloads import REFUSED, admitted, collapsed, overloaded
from tests.synthetic_runs import LOAD_START_US
from workbench.arms import BASELINE, LIMITED


@pytest.fixture
def measured(builder):
    """The values of a run with this outcome at five times the sustained rate."""

    def measured(outcome, deployment=LIMITED):
        (run,) = builder.experiment(overloaded(builder, deployment, "overload-5", outcome)).runs
        return goodput.of_run(run)

    return measured


def test_rates_of_an_overload_are_those_of_what_was_due_and_answered_in_time(measured):
    values = measured(admitted)
    assert values.times == 5
    assert values.offered_rps == pytest.approx(500)
    assert values.goodput_rps == pytest.approx(100)
    assert values.goodput_rps == pytest.approx(values.reads_goodput_rps + values.logins_goodput_rps)
    assert (values.clean_share, values.failures) == (1.0, 3200)
    assert values.reads_p95_ms == pytest.approx(80)
    assert values.recovery_s == 0


def test_a_response_after_the_objective_is_no_goodput_and_stays_in_p95(measured):
    def outcome(piece, at_s, number):
        return (400.0 if piece == 1 else 50.0), {}

    values = measured(outcome)
    assert values.reads_goodput_rps == 0
    assert values.logins_goodput_rps == pytest.approx(25)  # a login may take a second
    assert values.reads_p95_ms == pytest.approx(400)
    assert values.failures == 0


@pytest.mark.parametrize(
    ("failure", "share"),
    [
        (REFUSED, 1.0),
        (REFUSED | {"error": "status 503 without Retry-After"}, 0.0),
        (REFUSED | {"error": "status 503 with an invalid Retry-After"}, 0.0),
        (REFUSED | {"status": 500, "error": "status 500"}, 0.0),
        (REFUSED | {"status": None, "error": "timeout"}, 0.0),
    ],
)
def test_only_a_503_with_retry_after_is_a_clean_failure(measured, failure, share):
    assert measured(lambda piece, *_: (2.0, failure) if piece == 1 else (50.0, {})).clean_share == share


@pytest.mark.parametrize("slow_s", [0.5, 1.5, 3.0])
def test_recovery_ends_when_reads_are_as_fast_as_before(measured, slow_s):
    values = measured(partial(admitted, slow_s=slow_s))
    assert values.recovery_s == pytest.approx(slow_s, abs=goodput.STEP_S)


def test_a_load_that_never_recovers_has_no_recovery(measured):
    values = measured(collapsed, BASELINE)
    assert (values.recovery_s, values.reads_p95_ms, values.clean_share, values.goodput_rps) == (None, None, 0.0, 0.0)


def test_a_relapse_after_the_overload_counts_as_not_yet_recovered(measured):
    def outcome(piece, at_s, number):
        return (900.0 if piece == 2 and 3 <= at_s < 5 else 50.0), {}

    assert measured(outcome).recovery_s == pytest.approx(5, abs=2 * goodput.WINDOW_S)


def test_dropped_arrivals_lower_the_share_that_was_sent(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    run.record["generator"]["dropped"] = {"warmup": 0, "measure": 1000}
    (written,) = builder.experiment(run).runs
    assert goodput.of_run(written).sent_share == pytest.approx(4000 / 5000)


def test_requests_that_are_sent_late_lower_the_share_that_was_sent(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    during = [row for row in run.rows if row["scheduled_us"] >= LOAD_START_US + 5_000_000][:1000]
    for number, row in enumerate(during):
        row["start_us"] += 1_200_000 if number % 2 else 900_000
    (written,) = builder.experiment(run).runs
    assert goodput.of_run(written).sent_share == pytest.approx(3500 / 4000)


def test_requests_that_were_never_due_lower_the_share_that_was_sent(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    run.rows = [row for number, row in enumerate(run.rows) if number < 500 or number % 4]
    (written,) = builder.experiment(run).runs
    assert goodput.of_run(written).sent_share == pytest.approx(3000 / (4000 - 3 * 4000**0.5), abs=0.001)


def test_fewer_arrivals_by_chance_do_not_lower_the_share_that_was_sent(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    run.rows = [row for number, row in enumerate(run.rows) if number < 500 or number % 40]
    (written,) = builder.experiment(run).runs
    values = goodput.of_run(written)
    assert values.offered_rps == pytest.approx(487.5, abs=1)  # two standard deviations below the mean
    assert values.sent_share == 1


def test_seconds_have_what_was_due_in_them(builder):
    (run,) = builder.experiment(overloaded(builder, LIMITED, "overload-2", admitted)).runs
    seconds = goodput.by_second(goodput.requests_of(run))
    assert seconds["offered"].iloc[[0, 6, 14]].tolist() == [100, 200, 100]
    assert seconds["good"].iloc[0] == 100


def waited_ms(due_s: np.ndarray, service_s: float) -> np.ndarray:
    """The response times of one server that serves in turn, each request in the same time."""
    ends_s, free_s = [], 0.0
    for arrival_s in due_s:
        free_s = max(free_s, arrival_s) + service_s
        ends_s.append(free_s)
    return 1000 * (np.array(ends_s) - due_s)


def test_recovery_s_without_an_overload_is_nothing():
    """A queue at 77 % of its limit has p95 of a second between half and twice that of five: chance, and no relapse."""
    recovered = []
    for seed in range(20):
        due_s = np.sort(np.random.default_rng(seed).uniform(0, 21, 2100))
        requests = pd.DataFrame(
            {"due_s": due_s, "response_ms": waited_ms(due_s, 0.0077), "ok": True, "is_login": False}
        )
        requests["good"] = requests["response_ms"] <= goodput.READ_OBJECTIVE_MS
        ends_s = np.array([5.0, 13.0, 21.0])
        requests["piece"] = np.array(goodput.PIECES)[np.searchsorted(ends_s[:2], due_s, side="right")]
        recovered.append(goodput.recovery_s(requests, ends_s))
    assert sum(value is not None and value <= 2.0 for value in recovered) >= 18
