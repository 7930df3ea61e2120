"""Toxics that act on the bytes of a connection: when bytes pass, in which direction, and what a removal sets free."""

import queue
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.loadgen.proxy_servers import (
    FLOOD_BYTES,
    MIB,
    connect,
    echo_or_flood,
    ending,
    ping,
    read_all,
    read_exactly,
    receives_nothing,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LONG_MS = 60_000
DIRECTIONS = ("upstream", "downstream")


def clock(connection):
    """Answer each message with the instant at which it came, in seconds."""
    while connection.recv(1000):
        connection.sendall(b"%.6f" % time.monotonic())


def times_s(client):
    """How long a message was on its way to `clock`, and the answer on its way back."""
    start_s = time.monotonic()
    client.sendall(b"?")
    there_s = float(client.recv(1000))
    return {"upstream": there_s - start_s, "downstream": time.monotonic() - there_s}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_latency_delays_existing_and_new_connections_in_its_direction_only(make_proxy, direction):
    running = make_proxy(clock)
    with connect(running) as existing:
        times_s(existing)
        running.add("far", "latency", direction, latency_ms=400)
        with connect(running) as new:
            for client in (existing, new):
                taken_s = times_s(client)
                assert taken_s.pop(direction) >= 0.4
                assert min(taken_s.values()) < 0.4


def test_latencies_of_two_toxics_and_of_the_proxy_add_up(make_proxy):
    running = make_proxy(echo_or_flood, 40)
    with connect(running) as client:
        running.add("one", "latency", latency_ms=30)
        running.add("two", "latency", "upstream", latency_ms=50)
        assert ping(client) >= 0.040 + 2 * 0.030 + 0.050
        running.remove("one")
        assert ping(client) >= 0.040 + 0.050


def test_removed_latency_lets_chunks_in_transit_pass_at_once_and_in_order(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("far", "latency", latency_ms=LONG_MS)
        for number in range(100):
            client.sendall(b"%03d" % number)
        assert receives_nothing(client)
        running.remove("far")
        assert client.recv(3) == b"000"
        assert read_exactly(client, 297) == 297
        ping(client)


def test_jitter_keeps_the_order_and_comes_from_the_seed(make_proxy):
    running = make_proxy(echo_or_flood, seed=7)
    drawn = random.Random("7 1 upstream")
    with connect(running) as client:
        ping(client)
        running.add("unsteady", "latency", "upstream", latency_ms=40, jitter_ms=40)
        for _ in range(8):
            assert ping(client) >= (40 + drawn.uniform(-40, 40)) / 1000
        sent = b"".join(b"%04d" % number for number in range(200))
        for position in range(0, 800, 4):
            client.sendall(sent[position : position + 4])
        received = b""
        while len(received) < 800:
            received += client.recv(1000)
        assert received == sent


def first_and_last_s(connection, size):
    """When the first and the last of so many bytes came, after now."""
    start_s = time.monotonic()
    assert connection.recv(1)
    first_s = time.monotonic() - start_s
    assert read_exactly(connection, size - 1) == size - 1
    return first_s, time.monotonic() - start_s


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bandwidth_spreads_bytes_over_the_time_that_they_take(make_proxy, direction):
    size, times = 60_000, queue.SimpleQueue()

    def answer(connection):
        connection.recv(1)
        if direction == "downstream":
            connection.sendall(bytes(size))
        else:
            times.put(first_and_last_s(connection, size))

    running = make_proxy(answer)
    running.add("narrow", "bandwidth", direction, rate_kb_s=100)
    with connect(running) as client:
        client.sendall(b"?")
        if direction == "downstream":
            times.put(first_and_last_s(client, size))
        else:
            client.sendall(bytes(size))
        first_s, last_s = times.get(timeout=10)
    assert last_s >= 0.55
    assert first_s < last_s / 2


def test_bandwidth_does_not_slow_the_other_direction(make_proxy):
    running = make_proxy(lambda connection: connection.recv(1) and connection.sendall(bytes(MIB)))
    running.add("narrow", "bandwidth", "upstream", rate_kb_s=0.1)
    with connect(running) as client:
        client.sendall(b"?")
        assert read_exactly(client, MIB) == MIB


def test_removed_bandwidth_lets_what_waits_pass_at_once(make_proxy):
    content = random.Random(1).randbytes(MIB)
    running = make_proxy(lambda connection: connection.recv(1) and connection.sendall(content))
    running.add("narrow", "bandwidth", rate_kb_s=1)
    with connect(running) as client:
        client.sendall(b"?")
        begin = client.recv(10)
        running.remove("narrow")
        assert begin + read_all(client) == content


def test_latency_and_bandwidth_together_take_both_times(make_proxy):
    running = make_proxy(lambda connection: connection.recv(1) and connection.sendall(bytes(20_000)))
    running.add("far", "latency", "downstream", latency_ms=150)
    running.add("narrow", "bandwidth", "downstream", rate_kb_s=100)
    with connect(running) as client:
        client.sendall(b"?")
        first_s, last_s = first_and_last_s(client, 20_000)
    assert first_s >= 0.150
    assert last_s >= 0.150 + 0.200


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_black_hole_stops_bytes_in_its_direction_and_its_removal_lets_them_pass(make_proxy, direction):
    heard = threading.Event()

    def answer(connection):
        while message := connection.recv(1000):
            if message == b"held":
                heard.set()
            connection.sendall(message)

    running = make_proxy(answer)
    with connect(running) as existing:
        ping(existing)
        running.add("hole", "timeout", direction, timeout_ms=0)
        with connect(running) as new:
            for client in (existing, new):
                client.sendall(b"held")
            assert receives_nothing(new)
            assert receives_nothing(existing)
            assert heard.is_set() == (direction == "downstream")
            running.remove("hole")
            for client in (existing, new):
                assert client.recv(1000) == b"held"
                ping(client)


def test_black_hole_holds_no_more_than_the_bytes_in_transit_and_loses_none(make_proxy):
    content = random.Random(2).randbytes(FLOOD_BYTES)
    received = queue.SimpleQueue()
    running = make_proxy(lambda connection: received.put(read_all(connection)))
    with connect(running) as client, ThreadPoolExecutor(1) as sender:
        client.settimeout(30)
        running.add("hole", "timeout", timeout_ms=0)
        sending = sender.submit(client.sendall, content)
        time.sleep(0.5)
        assert not sending.done()
        assert psutil.Process(running.child.pid).memory_info().rss < FLOOD_BYTES
        running.remove("hole")
        sending.result()
        client.close()
    assert received.get(timeout=20) == content


def test_rate_counts_from_the_end_of_a_black_hole(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("narrow", "bandwidth", "upstream", rate_kb_s=1)
        running.add("hole", "timeout", "upstream", timeout_ms=0)
        client.sendall(bytes(400))
        assert receives_nothing(client, 0.5)
        start_s = running.remove("hole")
        assert read_exactly(client, 400) == 400
        assert time.monotonic() - start_s >= 0.4


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_slow_close_delays_the_end_of_its_direction_but_no_bytes(make_proxy, direction):
    heard = queue.SimpleQueue()

    def answer(connection):
        heard.put((read_all(connection), time.monotonic()))
        connection.sendall(b"last words")

    running = make_proxy(answer)
    with connect(running) as client:
        running.add("slow", "slow_close", direction, delay_ms=400)
        client.sendall(b"first words")
        client.shutdown(socket.SHUT_WR)
        start_s = time.monotonic()
        assert client.recv(1000) == b"last words"
        assert ending(client) == "closed"
        end_s = time.monotonic()
    there, heard_s = heard.get(timeout=5)
    assert there == b"first words"
    taken_s = {"upstream": heard_s - start_s, "downstream": end_s - heard_s}
    assert taken_s.pop(direction) >= 0.4
    assert min(taken_s.values()) < 0.4


def test_removed_slow_close_lets_the_end_pass(make_proxy):
    running = make_proxy(lambda connection: read_all(connection))
    with connect(running) as client:
        running.add("slow", "slow_close", delay_ms=LONG_MS)
        client.shutdown(socket.SHUT_WR)
        assert receives_nothing(client)
        running.remove("slow")
        assert ending(client) == "closed"


@pytest.mark.parametrize("round_trip_ms", [0, 10])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_limit_data_closes_after_the_bytes_that_pass_while_it_is_in_force(make_proxy, direction, round_trip_ms):
    received = queue.SimpleQueue()

    def answer(connection):
        while (message := connection.recv(1000)) == b"ping":
            connection.sendall(message)
        if direction == "downstream":
            connection.sendall(bytes(5000))
        else:
            received.put(message + read_all(connection))

    running = make_proxy(answer, round_trip_ms)
    with connect(running) as client:
        ping(client)
        running.add("short", "limit_data", direction, bytes=1500)
        client.sendall(bytes(5000) if direction == "upstream" else b"?")
        if direction == "downstream":
            assert read_exactly(client, 5000) == 1500
        else:
            assert received.get(timeout=5) == bytes(1500)
            assert ending(client) in ("closed", "reset")


def test_limit_of_zero_bytes_closes_at_the_first_one(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("short", "limit_data", bytes=0)
        assert receives_nothing(client)
        client.sendall(b"?")
        assert ending(client) in ("closed", "reset")


def test_removed_limit_no_longer_counts(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("short", "limit_data", bytes=10)
        ping(client)
        running.remove("short")
        running.add("short", "limit_data", bytes=10)
        ping(client)  # as the new one counts from 0
        running.remove("short")
        ping(client, b"more than ten bytes")
