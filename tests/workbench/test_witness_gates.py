"""The three witnesses of a load agree where the run was quiet, and each kind of disagreement shows in its own gate."""

import pandas as pd
import pytest

from workbench.validity import APP_TIME, BOUNDS, DURATIONS, ERRORS, STATEMENTS, gates

WITNESSES = (ERRORS, APP_TIME, DURATIONS, STATEMENTS)
APP_US = [500, 1_000, 1_001, 9_000, 30_000]


def rows(**columns):
    frame = pd.DataFrame({"app_us": APP_US, "db_calls": [1, 2, 0, 3, 1], "status": [200.0, 302, 200, 404, 200]})
    frame = frame.assign(start_us=range(0, 500, 100), scheduled_us=range(0, 500, 100), latency_us=40_000, error=None)
    return frame.assign(ok=True, **columns)


def counts(**changed):
    return {
        "requests": 5, "responses": 5, "error_responses": 1, "statements": 7, "failed_statements": 0,
        "app_us": sum(APP_US), "durations": [[1_000, 2], [10_000, 2], [None, 1]], **changed,
    }  # fmt: skip


def evaluate(requests=None, application=None, statements=7):
    database = None if statements is None else {"statements": statements}
    witnesses = {"application": counts() if application is None else application, "database": database}
    requests = rows() if requests is None else requests
    evaluated = gates(requests, None, summary={"processes": 1, "requests": 5}, witnesses=witnesses)
    by_bound = {BOUNDS[gate.name]: gate for gate in evaluated}
    return {bound: by_bound[bound].value for bound in WITNESSES}


def test_witnesses_that_agree_differ_in_nothing():
    assert evaluate() == {ERRORS: 0, APP_TIME: 0, DURATIONS: 0, STATEMENTS: 0}


@pytest.mark.parametrize(
    ("disagreement", "bound", "value"),
    [
        pytest.param({"requests": rows(app_us=[400, *APP_US[1:]])}, APP_TIME, 0.1, id="time edited"),
        pytest.param({"requests": rows(app_us=[*APP_US[:4], 9_500])}, DURATIONS, 1, id="in another interval"),
        pytest.param({"requests": rows(status=[200.0] * 5)}, ERRORS, 1, id="error hidden"),
        pytest.param({"application": counts(error_responses=3)}, ERRORS, 2, id="errors not recorded"),
        pytest.param({"statements": 9}, STATEMENTS, 2, id="PostgreSQL counted more"),
        pytest.param({"statements": 6}, STATEMENTS, 1, id="PostgreSQL counted less"),
        pytest.param({"requests": rows(db_calls=[1, 1, 0, 3, 1])}, STATEMENTS, 1, id="statements hidden"),
        pytest.param({"requests": rows().iloc[:4]}, DURATIONS, 1, id="row deleted"),
        pytest.param({"requests": pd.concat([rows(), rows().iloc[:2]])}, DURATIONS, 1, id="rows added"),
    ],
)
def test_a_disagreement_makes_the_run_invalid(disagreement, bound, value):
    assert evaluate(**disagreement)[bound] == pytest.approx(value)
    assert not bound.evaluate(value).passed


def test_times_that_are_exchanged_between_intervals_show_though_their_sum_is_the_same():
    exchanged = rows(app_us=[1_500, 1_000, 1_001, 8_000, 30_000])
    assert evaluate(exchanged) == {ERRORS: 0, APP_TIME: 0, DURATIONS: 1, STATEMENTS: 0}


def test_a_statement_that_failed_is_not_counted_by_postgresql():
    assert evaluate(application=counts(failed_statements=2), statements=5)[STATEMENTS] == 0
    assert evaluate(application=counts(failed_statements=2), statements=4)[STATEMENTS] == 1
    server_error = rows(status=[500.0, 302, 200, 404, 200])
    assert evaluate(server_error, counts(error_responses=2), statements=6)[STATEMENTS] == 0


NONE = dict.fromkeys(WITNESSES)


def test_a_witness_that_is_not_available_is_no_disagreement():
    unanswered = rows(status=[200.0, None, 200, 404, 200], app_us=[500, None, 1_001, 9_000, 30_000])
    assert evaluate(unanswered) == NONE
    assert evaluate(rows().drop(columns=["app_us"])) == NONE
    assert evaluate(statements=None)[STATEMENTS] is None
    replaced = gates(rows(), None, summary={}, witnesses={"application": None, "database": {"statements": 3}})
    of_target = gates(rows(), None, summary={})
    for evaluated in (replaced, of_target):
        assert {BOUNDS[gate.name]: gate.passed for gate in evaluated if BOUNDS[gate.name] in WITNESSES} == NONE
