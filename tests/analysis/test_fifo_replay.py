"""The replay of a burst against properties of any queue, and against the published run."""

import math

import pandas as pd
import pytest

from analysis.findings import published_report
from analysis.queueing import burst_means, replay_burst

SERVICE_MS = {"login": 202.0, "dashboard": 206.0, "search": 92.0}
UNEVEN_MS = {"login": 10.0, "dashboard": 1.0, "search": 0.25}


def test_replay_of_one_user_has_no_wait():
    requests = replay_burst(SERVICE_MS, 1)
    assert dict(zip(requests["endpoint"], requests["latency_ms"], strict=True)) == SERVICE_MS
    assert list(requests["start_ms"]) == [0, 202, 408]


def test_replay_of_two_users_is_as_computed_by_hand():
    requests = replay_burst({"login": 3, "dashboard": 5, "search": 1}, 2)
    assert list(requests.itertuples(index=False, name=None)) == [
        (0, "login", 0, 3),
        (1, "login", 0, 6),
        (0, "dashboard", 3, 8),
        (1, "dashboard", 6, 10),
        (0, "search", 11, 6),
        (1, "search", 16, 2),
    ]


@pytest.mark.parametrize("service_ms", [SERVICE_MS, UNEVEN_MS])
@pytest.mark.parametrize("users", [1, 2, 25, 50])
def test_duration_is_all_service_times_together(service_ms, users):
    assert burst_means(service_ms, users)["duration"] == pytest.approx(users * sum(service_ms.values()))


@pytest.mark.parametrize("service_ms", [SERVICE_MS, UNEVEN_MS])
def test_replay_serves_in_order_of_arrival_without_overlap(service_ms):
    requests = replay_burst(service_ms, 25)
    answered_ms = requests["start_ms"] + requests["latency_ms"]
    taken_ms = answered_ms - requests["endpoint"].map(service_ms)
    assert requests["start_ms"].is_monotonic_increasing
    assert (taken_ms - requests["start_ms"] > -1e-6).all()
    assert taken_ms.iloc[1:].to_numpy() == pytest.approx(answered_ms.iloc[:-1].to_numpy())


def test_replay_sends_the_next_request_at_the_response():
    for _, requests in replay_burst(SERVICE_MS, 10).groupby("user"):
        assert list(requests["endpoint"]) == ["login", "dashboard", "search"]
        answered_ms = requests["start_ms"] + requests["latency_ms"]
        assert requests["start_ms"].iloc[1:].to_numpy() == pytest.approx(answered_ms.iloc[:-1].to_numpy())


def test_mean_login_is_that_of_equal_jobs_in_a_queue():
    assert burst_means(SERVICE_MS, 25)["login"] == pytest.approx(202 * (25 + 1) / 2)


def test_burst_means_do_not_depend_on_the_order_of_the_mapping():
    assert burst_means(dict(reversed(SERVICE_MS.items())), 5) == burst_means(SERVICE_MS, 5)


def test_burst_means_take_a_series():
    assert burst_means(pd.Series(SERVICE_MS), 5) == burst_means(SERVICE_MS, 5)


@pytest.mark.parametrize("users", [25, 50])
def test_burst_means_of_the_published_service_times_are_the_published_means(users):
    service_ms = published_report.load("service").set_index("endpoint")["service_ms"].to_dict()
    published = published_report.load("load").query("users == @users").set_index("endpoint")["mean_ms"].to_dict()
    published["duration"] = 1000 * published_report.load("totals").set_index("users").loc[users, "duration_s"]
    assert burst_means(service_ms, users) == pytest.approx(published, rel=0.035)


@pytest.mark.parametrize(
    ("service_ms", "users", "message"),
    [
        (SERVICE_MS, 0, "at least one user"),
        ({"login": 202.0, "search": 92.0}, 1, "no service time for dashboard"),
        ({**SERVICE_MS, "search": -1.0}, 1, "search is -1.0"),
        ({**SERVICE_MS, "login": math.nan}, 1, "login is nan"),
    ],
)
def test_replay_of_bad_input_is_refused(service_ms, users, message):
    with pytest.raises(ValueError, match=message):
        replay_burst(service_ms, users)
