"""The proxy between real sockets: no byte lost or reordered, and no connection slower than the delay makes it."""

import queue
import random
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psutil
import pytest
from sqlalchemy import make_url

from bench.proxy_cost import added_latency_ms
from loadgen import proxy, services
from tests.loadgen.proxy_servers import (
    FLOOD_BYTES,
    MIB,
    connect,
    echo_or_flood,
    has_closed_all_connections,
    ping,
    read_all,
    read_exactly,
    reset,
)
from workbench.errors import UserError

# Newer Pythons warn of any fork beside threads, and the upstreams here are threads.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("round_trip_ms", [0, 3])
def test_bytes_in_both_directions_at_once_arrive_complete_and_in_order(make_proxy, round_trip_ms):
    sizes = random.Random(1)
    there, back = random.Random(2).randbytes(6 * MIB), random.Random(3).randbytes(5 * MIB)
    received = queue.SimpleQueue()

    def exchange(connection, content):
        """Send in pieces of many sizes, then half-close; returns what the other side sent meanwhile."""
        with ThreadPoolExecutor(1) as reader:
            received_bytes = reader.submit(read_all, connection)
            position = 0
            while position < len(content):
                size = sizes.choice((1, 100, 8192, 65536, 300_000))
                connection.sendall(content[position : position + size])
                position += size
            connection.shutdown(socket.SHUT_WR)
            return received_bytes.result()

    running = make_proxy(lambda connection: received.put(exchange(connection, back)), round_trip_ms)
    with connect(running) as client:
        assert exchange(client, there) == back
    assert received.get(timeout=5) == there


def test_either_side_may_half_close_first(make_proxy):
    heard = threading.Event()

    def answer(connection):
        if connection.recv(1000) == b"you first":
            connection.shutdown(socket.SHUT_WR)
            assert read_all(connection) == b"and I second"
            heard.set()
        else:
            connection.sendall(b"after all of " + read_all(connection))

    running = make_proxy(answer, 5)
    with connect(running) as client:
        client.sendall(b"?")
        time.sleep(0.05)
        client.sendall(b"this")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"after all of this"
    with connect(running) as client:
        client.sendall(b"you first")
        assert read_all(client) == b""
        client.sendall(b"and I second")
        client.shutdown(socket.SHUT_WR)
        assert heard.wait(5)


def test_a_stalled_reader_delays_no_other_connection_and_loses_nothing(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as stalled, connect(running) as other:
        ping(other)
        stalled.sendall(b"flood")
        time.sleep(0.3)
        assert ping(other) < 1
        assert psutil.Process(running.child.pid).memory_info().rss < FLOOD_BYTES
        assert read_exactly(stalled, FLOOD_BYTES) == FLOOD_BYTES
        ping(stalled)


def test_two_hundred_connections_at_once_are_served_and_counted(make_proxy):
    running = make_proxy(echo_or_flood, 1)
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(running)) for _ in range(200)]
        for _ in range(2):
            for number, client in enumerate(clients):
                client.sendall(b"client %d" % number)
            for number, client in enumerate(clients):
                assert client.recv(1000) == b"client %d" % number
        assert running.counts() == (200, 400)


def test_connect_and_each_round_trip_take_the_configured_time(make_proxy):
    running = make_proxy(echo_or_flood, 20)
    start_s = time.monotonic()
    with connect(running) as client:
        ping(client)
        assert time.monotonic() - start_s >= 0.040
        for _ in range(5):
            assert 0.020 <= ping(client) < 0.2


def test_chunks_in_transit_together_are_delayed_together(make_proxy):
    running = make_proxy(echo_or_flood, 20)
    with connect(running) as client:
        ping(client)
        start_s = time.monotonic()
        for _ in range(50):
            client.sendall(b"0123456789")
            time.sleep(0.001)
        assert read_exactly(client, 500) == 500
        assert time.monotonic() - start_s < 50 * 0.020


def test_refused_upstream_connection_closes_the_client(tmp_path):
    unused = ("127.0.0.1", services.free_port())
    with proxy.through(unused, 1, tmp_path / "proxy.log") as running, connect(running) as client:
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert not running.child.ended()


def test_reset_by_the_upstream_closes_the_client_after_the_data_in_transit(make_proxy):
    def answer(connection):
        connection.recv(1000)
        connection.sendall(b"last words")
        reset(connection)

    running = make_proxy(answer, 20)
    with connect(running) as client:
        client.sendall(b"reset me")
        assert client.recv(1000) == b"last words"
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert has_closed_all_connections(running)


def test_last_bytes_of_the_upstream_reach_a_client_that_still_sends(make_proxy):
    def answer(connection):
        connection.recv(1)
        connection.sendall(b"last words")

    running = make_proxy(answer, 20)
    with connect(running) as client:
        with suppress(ConnectionError):
            for _ in range(100):
                client.sendall(b"more")
                time.sleep(0.001)
        assert client.recv(1000) == b"last words"
    assert has_closed_all_connections(running)


@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_client_that_closes_while_receiving_ends_both_connections(make_proxy, leave):
    requested, left = threading.Event(), threading.Event()

    def answer(connection):
        requested.set()
        left.wait(5)
        while True:
            connection.sendall(bytes(MIB))

    running = make_proxy(answer)
    client = connect(running)
    client.sendall(b"go on for ever")
    assert requested.wait(5)  # a proxy that has not accepted the client yet has no connection either
    leave(client)
    left.set()
    assert has_closed_all_connections(running)


def test_sends_before_an_answer_count_as_one_round_trip(make_proxy):
    running = make_proxy(echo_or_flood, 120)
    with connect(running) as client:
        ping(client)
        client.sendall(b"one ")
        time.sleep(0.080)  # the proxy has the answer to this one soon, the client not yet
        client.sendall(b"two")
        assert read_exactly(client, 7) == 7
    assert running.counts() == (1, 2)


def test_postgres_takes_one_round_trip_a_statement(server, tmp_path):
    url = make_url(server.url)
    with proxy.through((url.host, url.port), 4, tmp_path / "proxy.log") as running:
        host, port = running.address
        connection = services.connect(url.set(host=host, port=port).render_as_string(hide_password=False))
        with connection.cursor() as cursor:
            for autocommit, round_trips in ((True, 1), (False, 2)):  # with BEGIN
                connection.autocommit = autocommit
                _, before = running.counts()
                start_s = time.monotonic()
                cursor.execute("SELECT 1")
                assert time.monotonic() - start_s >= round_trips * 0.004
                assert running.counts() == (1, before + round_trips)
            cursor.execute("SELECT repeat('x', 3000000)")
            assert cursor.fetchone() == ("x" * 3_000_000,)
        connection.close()


def test_through_ends_the_process_with_the_block(tmp_path):
    with proxy.through(("127.0.0.1", 1), 60_000, tmp_path / "proxy.log") as running, connect(running):
        start_s = time.monotonic()
    assert time.monotonic() - start_s < 2
    assert running.child.ended()
    with pytest.raises(ConnectionRefusedError):
        connect(running)


def test_through_listens_on_this_machine_only(tmp_path):
    with proxy.through(("127.0.0.1", 1), 0, tmp_path / "proxy.log") as running:
        connections = psutil.Process(running.child.pid).net_connections("tcp")
        assert [each.laddr.ip for each in connections if each.status == "LISTEN"] == ["127.0.0.1"]


def test_added_latency_is_measured_from_direct_and_proxied_pairs():
    added = added_latency_ms(3, 2, 20)
    assert 0 < added.direct_median_ms <= added.direct_p99_ms
    assert -added.direct_median_ms <= added.median_ms < 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--upstream": "nonsense"}, "--upstream is HOST:PORT, not 'nonsense'"),
        ({"--upstream": "127.0.0.1:99999"}, "--upstream is HOST:PORT, not '127.0.0.1:99999'"),
        ({"--upstream": "host..none:1"}, "--upstream: there is no host 'host..none'"),
        ({"--round-trip-ms": "nan"}, "--round-trip-ms is a time from 0 to 60000 ms, not nan"),
        ({"--round-trip-ms": "inf"}, "--round-trip-ms is a time from 0 to 60000 ms, not inf"),
    ],
)
def test_bad_options_are_reported_in_one_line(options, message):
    assert error_output(options) == f"Error: {message}\n"


def test_port_in_use_is_reported_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        output = error_output({"--listen": place})
    assert output == f"Error: {place} cannot be listened on (Address already in use); choose another --listen\n"


def test_through_raises_user_error_with_the_reason_of_a_failed_start(tmp_path):
    with (
        pytest.raises(UserError, match=r"did not start: --round-trip-ms is a time from 0 to 60000 ms, not -1\.0"),
        proxy.through(("127.0.0.1", 1), -1, tmp_path / "proxy.log"),
    ):
        pass


def error_output(options):
    given = {"--listen": "127.0.0.1:0", "--upstream": "127.0.0.1:1", "--round-trip-ms": "1"} | options
    arguments = [argument for pair in given.items() for argument in pair]
    command = [sys.executable, "-m", "loadgen.proxy", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert finished.returncode == 1
    assert finished.stdout == ""
    return finished.stderr
