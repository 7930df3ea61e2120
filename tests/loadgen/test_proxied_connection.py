"""Toxics that end connections, and connections of which one side is gone while nothing passes."""

import queue
import threading
import time

import pytest

from tests.loadgen.proxy_servers import (
    connect,
    echo_or_flood,
    ending,
    has_closed_all_connections,
    ping,
    read_exactly,
    receives_nothing,
    reset,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def endings():
    """How the server's connections ended, see `answer_and_note`."""
    return queue.SimpleQueue()


@pytest.fixture
def answer_and_note(endings):
    """An echo that notes how its connection ends: "reset" or "closed"."""

    def answer(connection):
        try:
            echo_or_flood(connection)
        except ConnectionResetError:
            endings.put("reset")
        else:
            endings.put("closed")

    return answer


@pytest.mark.parametrize("direction", ["upstream", "downstream", "both"])
def test_timeout_stops_bytes_and_then_closes_existing_and_new_connections(make_proxy, direction):
    running = make_proxy(echo_or_flood)
    with connect(running) as existing:
        ping(existing)
        start_s = running.add("silence", "timeout", direction, timeout_ms=400)
        new_s = time.monotonic()  # before it connects: its own time counts from when the proxy accepts it
        with connect(running) as new:
            for client in (existing, new):
                client.sendall(b"never answered")
            assert ending(existing) in ("closed", "reset")
            assert time.monotonic() - start_s >= 0.4
            assert ending(new) in ("closed", "reset")
            assert time.monotonic() - new_s >= 0.4
    assert has_closed_all_connections(running)


def test_timeout_drops_what_it_held(make_proxy):
    heard = queue.SimpleQueue()
    running = make_proxy(lambda connection: heard.put(connection.recv(1000)))
    with connect(running) as client:
        running.add("silence", "timeout", timeout_ms=200)
        client.sendall(b"lost")
        assert ending(client) in ("closed", "reset")
    assert heard.get(timeout=5) == b""


def test_timeout_that_is_removed_before_it_ends_lets_the_connection_live(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("silence", "timeout", timeout_ms=300)
        client.sendall(b"held")
        running.remove("silence")
        assert client.recv(1000) == b"held"
        assert receives_nothing(client, 0.6)
        ping(client)


def test_timeout_counts_anew_when_the_toxic_is_added_anew(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("silence", "timeout", timeout_ms=500)
        time.sleep(0.3)
        running.remove("silence")
        start_s = running.add("silence", "timeout", timeout_ms=500)
        assert ending(client) == "closed"
        assert time.monotonic() - start_s >= 0.5


@pytest.mark.parametrize(
    ("direction", "of_client", "of_server"),
    [("upstream", "closed", "reset"), ("downstream", "reset", "closed"), ("both", "reset", "reset")],
)
def test_reset_peer_resets_in_its_direction_and_closes_in_the_other(
    make_proxy, answer_and_note, endings, direction, of_client, of_server
):
    running = make_proxy(answer_and_note)
    with connect(running) as client:
        ping(client)
        running.add("broken", "reset_peer", direction, timeout_ms=0)
        assert ending(client) == of_client
    assert endings.get(timeout=5) == of_server


def test_reset_peer_lets_bytes_pass_until_its_time_and_meets_new_connections_too(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as existing:
        start_s = running.add("broken", "reset_peer", timeout_ms=400)
        ping(existing)
        new_s = time.monotonic()  # before it connects: its own time counts from when the proxy accepts it
        with connect(running) as new:
            ping(new)
            assert ending(existing) == "reset"
            assert time.monotonic() - start_s >= 0.4
            assert ending(new) == "reset"
            assert time.monotonic() - new_s >= 0.4


def test_removed_reset_peer_resets_nothing(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("broken", "reset_peer", timeout_ms=200)
        running.remove("broken")
        assert receives_nothing(client, 0.4)
        ping(client)


def test_connection_that_ends_before_its_reset_closes_as_ever(make_proxy):
    running = make_proxy(echo_or_flood)
    client = connect(running)
    ping(client)
    running.add("late", "reset_peer", timeout_ms=600_000)
    client.close()
    assert has_closed_all_connections(running)
    with connect(running) as other:
        ping(other)


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_end_of_the_client_reaches_the_server_only_after_the_black_hole(make_proxy, answer_and_note, endings, leave):
    running = make_proxy(answer_and_note)
    client = connect(running)
    ping(client)
    running.add("hole", "timeout", timeout_ms=0)
    client.sendall(b"held")
    if leave == "close":
        client.close()
    else:
        reset(client)
    with pytest.raises(queue.Empty):
        endings.get(timeout=0.3)
    running.remove("hole")
    assert endings.get(timeout=5) in ("closed", "reset")
    assert has_closed_all_connections(running)


def test_end_of_the_server_reaches_the_client_only_after_the_black_hole(make_proxy):
    leaves = threading.Event()

    def answer(connection):
        ping_message = connection.recv(1000)
        connection.sendall(ping_message)
        leaves.wait(5)
        connection.sendall(b"last words")

    running = make_proxy(answer)
    with connect(running) as client:
        ping(client)
        running.add("hole", "timeout", timeout_ms=0)
        leaves.set()
        assert receives_nothing(client)
        client.sendall(b"is anyone there")
        assert receives_nothing(client)
        running.remove("hole")
        assert client.recv(1000) == b"last words"
        assert ending(client) in ("closed", "reset")
    assert has_closed_all_connections(running)


def test_toxics_of_several_kinds_act_together_until_all_are_cleared(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as client:
        running.add("far", "latency", latency_ms=50)
        running.add("narrow", "bandwidth", "upstream", rate_kb_s=1)
        running.add("short", "limit_data", "downstream", bytes=150)
        start_s = time.monotonic()
        client.sendall(bytes(100))
        assert read_exactly(client, 100) == 100
        assert time.monotonic() - start_s >= 0.100 + 0.100
        client.sendall(bytes(100))
        assert read_exactly(client, 100) == 50
        assert ending(client) in ("closed", "reset")
    running.clear()
    with connect(running) as client:
        ping(client, bytes(1000))
