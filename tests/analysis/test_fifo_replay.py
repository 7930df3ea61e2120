"""The replay of a burst against what must hold of any queue, and against the published run."""

import math

import pandas as pd
import pytest

from analysis.metrics import published_report
from analysis.queueing import burst_means, replay_burst

SERVICE_MS = {"login": 202.0, "dashboard": 206.0, "search": 92.0}
UNEVEN_MS = {"login": 10.0, "dashboard": 1.0, "search": 0.25}


def test_one_user_never_waits():
    requests = replay_burst(SERVICE_MS, 1)
    assert dict(zip(requests["endpoint"], requests["latency_ms"], strict=True)) == SERVICE_MS
    assert list(requests["start_ms"]) == [0, 202, 408]


def test_two_users_by_hand():
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
def test_the_server_works_until_all_is_done(service_ms, users):
    assert burst_means(service_ms, users)["duration"] == pytest.approx(users * sum(service_ms.values()))


@pytest.mark.parametrize("service_ms", [SERVICE_MS, UNEVEN_MS])
def test_first_come_first_served_without_overlap(service_ms):
    requests = replay_burst(service_ms, 25)
    answered_ms = requests["start_ms"] + requests["latency_ms"]
    taken_ms = answered_ms - requests["endpoint"].map(service_ms)
    assert requests["start_ms"].is_monotonic_increasing
    assert (taken_ms - requests["start_ms"] > -1e-6).all()
    assert taken_ms.iloc[1:].to_numpy() == pytest.approx(answered_ms.iloc[:-1].to_numpy())


def test_each_user_sends_the_next_request_at_the_answer():
    for _, own in replay_burst(SERVICE_MS, 10).groupby("user"):
        assert list(own["endpoint"]) == ["login", "dashboard", "search"]
        answered_ms = own["start_ms"] + own["latency_ms"]
        assert own["start_ms"].iloc[1:].to_numpy() == pytest.approx(answered_ms.iloc[:-1].to_numpy())


def test_mean_login_is_that_of_a_row_of_equal_jobs():
    assert burst_means(SERVICE_MS, 25)["login"] == pytest.approx(202 * (25 + 1) / 2)


def test_the_order_of_the_mapping_does_not_matter():
    assert burst_means(dict(reversed(SERVICE_MS.items())), 5) == burst_means(SERVICE_MS, 5)


def test_a_series_serves_as_mapping():
    assert burst_means(pd.Series(SERVICE_MS), 5) == burst_means(SERVICE_MS, 5)


@pytest.mark.parametrize("users", [25, 50])
def test_one_queue_gives_the_published_figures(users):
    service_ms = published_report.load("service").set_index("endpoint")["service_ms"].to_dict()
    stated = published_report.load("load").query("users == @users").set_index("endpoint")["mean_ms"].to_dict()
    stated["duration"] = 1000 * published_report.load("totals").set_index("users").loc[users, "duration_s"]
    assert burst_means(service_ms, users) == pytest.approx(stated, rel=0.035)


@pytest.mark.parametrize(
    ("service_ms", "users", "message"),
    [
        (SERVICE_MS, 0, "at least one user"),
        ({"login": 202.0, "search": 92.0}, 1, "no service time for dashboard"),
        ({**SERVICE_MS, "search": -1.0}, 1, "search is -1.0"),
        ({**SERVICE_MS, "login": math.nan}, 1, "login is nan"),
    ],
)
def test_what_cannot_be_replayed_is_refused(service_ms, users, message):
    with pytest.raises(ValueError, match=message):
        replay_burst(service_ms, users)
