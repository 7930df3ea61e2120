"""The `Server-Timing` of a request: parts that do not overlap, within the time in the application."""

import time
from dataclasses import replace

import pytest
from werkzeug.test import Client

from instrumentation import server_timing as timing
from instrumentation.server_timing import PARTS, TimedApplication
from loadgen.accounts import PASSWORD
from tests.timings import server_timing

PART_COLUMNS = [f"{part}_us" for part in PARTS]


def serve(work, **headers):
    """The timing columns of a request in which `work` is done."""

    def application(environ, start_response):
        work()
        start_response("200 OK", [])
        return []

    return server_timing(
        Client(TimedApplication(application, lambda: 0, run_token=None))
        .get("/", headers=headers)
        .headers["Server-Timing"]
    )


def spend(milliseconds):
    end_ns = time.monotonic_ns() + milliseconds * 1_000_000
    while time.monotonic_ns() < end_ns:
        pass


def test_parts_do_not_overlap_and_never_exceed_app():
    def work():
        spend(3)
        for number, part in enumerate(PARTS, 1):
            with timing.part(part):
                spend(number)

    columns = serve(work)
    for number, part in enumerate(PARTS, 1):
        assert columns[f"{part}_us"] >= 1000 * number
    # Time outside of the parts is in `app` only; each value is rounded to the microsecond.
    assert sum(columns[name] for name in PART_COLUMNS) <= columns["app_us"] - 3000 + len(PARTS)


def test_an_inner_part_is_not_in_the_outer_one():
    def work():
        with timing.part("cache"):
            spend(2)
            with timing.part("db"):
                spend(20)
            spend(2)

    columns = serve(work)
    assert columns["db_us"] >= 20_000
    assert 4_000 <= columns["cache_us"] <= columns["app_us"] - columns["db_us"] + 2


def test_a_part_ends_with_an_exception_in_it():
    def work():
        with pytest.raises(LookupError), timing.part("db"):
            raise LookupError
        spend(10)

    columns = serve(work)
    assert columns["db_us"] <= columns["app_us"] - 10_000


def test_the_queue_runs_from_the_clients_clock():
    sent_ns = time.monotonic_ns()
    time.sleep(0.02)
    columns = serve(lambda: None, **{"X-Request-Start": f"t={sent_ns}"})
    assert 20_000 <= columns["queue_us"] <= (time.monotonic_ns() - sent_ns) / 1000


@pytest.mark.parametrize(
    "header",
    ["", "t=", "now", "t=-5", "t=1.5", "t=" + "9" * 50, "t=0x10", "t=1e9", "t=٣", "t=9999999999999999999"],
)
def test_an_invalid_send_time_gives_no_queue(header):
    # What is not ASCII is sent as the bytes that a client would send.
    columns = serve(lambda: None, **{"X-Request-Start": header.encode().decode("latin-1")})
    assert "queue_us" not in columns
    assert columns["app_us"] >= 0


def test_a_clock_of_another_host_gives_no_queue():
    for sent_ns in (time.monotonic_ns() + 10**9, time.monotonic_ns() - 2 * timing.MAX_QUEUE_NS):
        if sent_ns >= 0:
            assert "queue_us" not in serve(lambda: None, **{"X-Request-Start": f"t={sent_ns}"})


def test_the_wait_for_the_loop_is_at_most_the_time_of_the_part():
    def work():
        with timing.part("db"):
            spend(5)
            timing.current().wait_for_loop(10**9, 0)
        with timing.part("session"):
            spend(5)
            timing.current().wait_for_loop(2 * 10**6, 4 * 10**6)

    columns = serve(work)
    assert columns["db_us"] == 0
    assert columns["loop_us"] >= 5_000 + 2_000
    assert columns["session_us"] >= 3_000
    assert sum(columns[name] for name in PART_COLUMNS) <= columns["app_us"] + len(PARTS)


@pytest.mark.parametrize("part", ["pool", "cache"])
def test_a_wait_for_another_request_counts_every_stall_of_the_loop(part):
    def work():
        with timing.part(part):
            spend(5)
            timing.current().wait_for_loop(2 * 10**6, 4 * 10**6)

    columns = serve(work)
    assert columns["loop_us"] == 4_000
    assert columns[f"{part}_us"] >= 1_000


def test_a_loop_that_is_not_watched_has_no_part():
    assert "loop_us" not in server_timing(timing.Timing(0, None, knows_loop=False).header(0))


def test_time_outside_of_a_request_is_not_booked():
    with timing.part("db"):
        pass
    assert serve(lambda: None)["db_us"] == 0


@pytest.mark.parametrize("deployment", [{}, {"cache": "process", "sessions": "cookie", "hash_limit": 1}])
def test_every_response_of_the_application_has_its_times(make_app, settings, deployment):
    client = make_app(replace(settings, **deployment)).test_client()
    sent = {"X-Request-Start": f"t={time.monotonic_ns()}"}
    login = {"username": "user001", "password": PASSWORD}
    requests = [
        ("GET", "/login", {}, 200),
        ("GET", "/", {}, 302),
        ("GET", "/api/dashboard/stats", {}, 401),
        ("POST", "/login", {"data": {"username": "user001", "password": "wrong"}}, 401),
        ("POST", "/login", {"data": {"username": "u" * 70_000}}, 413),
        ("POST", "/login", {"data": login}, 302),
        ("GET", "/", {}, 200),
        ("GET", "/api/dashboard/stats", {}, 200),
        ("GET", "/api/bags/search?q=M444", {}, 200),
        ("GET", "/api/bags/search?q=M", {}, 400),
        ("GET", "/api/nothing", {}, 404),
        ("DELETE", "/login", {}, 405),
        ("HEAD", "/health", {}, 200),
        ("POST", "/logout", {}, 302),
    ]
    for method, path, more, status in requests:
        answer = client.open(path, method=method, headers=sent, **more)
        assert answer.status_code == status, path
        (header,) = answer.headers.getlist("Server-Timing")
        columns = server_timing(header)
        assert set(columns) - {"connection"} == {
            *PART_COLUMNS, "queue_us", "app_us", "db_calls", "db_round_trips", "cache", "worker",
        }, path  # fmt: skip
        assert ("connection" in columns) == (columns["pool_us"] > 0), path
        assert sum(columns[name] for name in PART_COLUMNS) <= columns["app_us"] + len(PARTS), path


def test_the_work_of_a_request_is_booked_on_its_parts(client, auth):
    login = server_timing(auth.login().headers["Server-Timing"])
    assert login["hash_us"] > 5_000
    assert login["db_calls"] == 1
    dashboard = server_timing(client.get("/api/dashboard/stats").headers["Server-Timing"])
    assert dashboard["db_calls"] == 3  # the account and two queries
    assert dashboard["db_us"] > 0
    assert dashboard["session_us"] > 0
    assert dashboard["hash_us"] == 0


def test_the_header_names_the_worker(client, monkeypatch):
    monkeypatch.setenv("TRACETRACK_WORKER", "3")
    assert server_timing(client.get("/login").headers["Server-Timing"])["worker"] == 3


TOKEN = "a-token-of-the-tests"


@pytest.fixture
def token_client(make_app, settings):
    return make_app(replace(settings, server_timing_for_all=False, run_token=TOKEN)).test_client()


@pytest.mark.parametrize("path", ["/login", "/api/nothing", "/health", "/api/dashboard/stats"])
def test_only_the_run_is_timed(token_client, path):
    assert "app_us" in server_timing(token_client.get(path, headers={"X-Run-Token": TOKEN}).headers["Server-Timing"])
    for given in ({}, {"X-Run-Token": ""}, *({"X-Run-Token": wrong} for wrong in WRONG_TOKENS)):
        assert "Server-Timing" not in token_client.get(path, headers=given).headers


WRONG_TOKENS = [TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), f"{TOKEN},{TOKEN}", "\xff\xfe", "x" * 10_000, f"Bearer {TOKEN}"]


def test_without_a_token_nobody_is_timed(make_app, settings):
    client = make_app(replace(settings, server_timing_for_all=False)).test_client()
    for given in ({}, {"X-Run-Token": ""}):
        assert "Server-Timing" not in client.get("/login", headers=given).headers


def test_an_untimed_request_is_served_as_a_timed_one(token_client):
    timed, untimed = (token_client.get("/login", headers=given) for given in ({"X-Run-Token": TOKEN}, {}))
    assert timed.data == untimed.data
    assert set(timed.headers.keys()) - set(untimed.headers.keys()) == {"Server-Timing"}


def test_a_number_that_fits_into_no_row_is_not_reported():
    def connection_of(number):
        served = timing.Timing(0, None)
        served.use_connection(number)
        return server_timing(served.header(0)).get("connection")

    assert connection_of(timing.MAX_CONNECTION) == 9_999
    assert connection_of(timing.MAX_CONNECTION + 1) is None


def test_the_middleware_refuses_an_empty_token():
    with pytest.raises(ValueError, match="empty run token"):
        TimedApplication(lambda environ, start_response: [], lambda: 0, run_token="")


@pytest.mark.parametrize("header", ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "not-one"])
def test_the_trace_of_the_caller_is_named_where_it_is_one(header):
    def application(environ, start_response):
        start_response("200 OK", [])
        return []

    client = Client(TimedApplication(application, lambda: 0, run_token=None))
    sent = client.get("/", headers={"traceparent": header}).headers["Server-Timing"]
    assert sent.endswith(f', trace;desc="{header[3:35]}"') is header.startswith("00-")
    assert server_timing(sent)["worker"] == 0
