"""The toxic `down`: connections are closed and clients refused, until it is removed."""

import errno
import socket

import pytest

from tests.loadgen.proxy_servers import connect, echo_or_flood, ending, ping

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_down_closes_connections_and_refuses_new_ones_until_it_is_removed(make_proxy):
    running = make_proxy(echo_or_flood)
    with connect(running) as first, connect(running) as second:
        ping(first)
        ping(second)
        running.add("off", "down")
        assert {ending(first), ending(second)} <= {"closed", "reset"}
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                connect(running)
    running.remove("off")
    with connect(running) as client:
        ping(client)
    assert running.counts()[0] == 3


def test_down_closes_clients_that_are_not_connected_to_the_server_yet(make_proxy):
    running = make_proxy(echo_or_flood, 60_000)
    with connect(running) as client:
        while running.counts()[0] == 0:  # accepted, and connected to the server in a minute
            pass
        running.add("off", "down")
        assert ending(client) in ("closed", "reset")


def test_port_stays_reserved_while_the_proxy_is_down(make_proxy):
    running = make_proxy(echo_or_flood)
    running.add("off", "down")
    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(running.address)
    assert refused.value.errno == errno.EADDRINUSE
    running.clear()
    with connect(running) as client:
        ping(client)


def test_proxy_is_down_until_the_last_such_toxic_is_removed(make_proxy):
    running = make_proxy(echo_or_flood)
    running.add("off", "down")
    running.add("also-off", "down")
    running.add("far", "latency", latency_ms=50)
    running.remove("off")
    with pytest.raises(ConnectionRefusedError):
        connect(running)
    running.remove("also-off")
    with connect(running) as client:
        assert ping(client) >= 0.1
