"""Ports that stay free until they are used."""

import socket

import pytest

from loadgen.services import free_port, resources


@pytest.mark.parametrize("taken_by_chance", ["20000 60999", "15100 64000"])
def test_a_free_port_is_none_that_a_connection_gets_by_chance(monkeypatch, tmp_path, taken_by_chance):
    path = tmp_path / "range"
    path.write_text(f"{taken_by_chance}\n")
    monkeypatch.setattr(resources, "EPHEMERAL_RANGE", path)
    low, high = map(int, taken_by_chance.split())
    ports = {free_port() for _ in range(30)}
    assert len(ports) > 20
    assert not [port for port in ports if low <= port <= high]


@pytest.mark.parametrize("said", ["1024 65535", "", None])
def test_where_all_may_be_taken_or_nobody_says_which_it_is_one_that_is_free_now(monkeypatch, tmp_path, said):
    path = tmp_path / "range"
    if said is not None:
        path.write_text(said)
    monkeypatch.setattr(resources, "EPHEMERAL_RANGE", path)
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", free_port()))


def test_a_port_that_somebody_has_is_not_given(monkeypatch):
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        port = mine.getsockname()[1]
        monkeypatch.setattr(resources, "_non_ephemeral_ports", lambda: [port])
        assert free_port() != port
