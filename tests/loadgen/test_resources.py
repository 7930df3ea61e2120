"""Ports that stay free until they are used."""

import socket

import pytest

from loadgen.services import free_port, resources


@pytest.mark.parametrize("ephemeral_range", ["20000 60999", "15100 64000"])
def test_free_port_is_outside_the_ephemeral_range(monkeypatch, tmp_path, ephemeral_range):
    path = tmp_path / "range"
    path.write_text(f"{ephemeral_range}\n")
    monkeypatch.setattr(resources, "EPHEMERAL_RANGE", path)
    low, high = map(int, ephemeral_range.split())
    ports = {free_port() for _ in range(30)}
    assert len(ports) > 20
    assert not [port for port in ports if low <= port <= high]


@pytest.mark.parametrize("content", ["1024 65535", "", None])
def test_free_port_without_a_known_range_can_be_bound(monkeypatch, tmp_path, content):
    path = tmp_path / "range"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(resources, "EPHEMERAL_RANGE", path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))


def test_free_port_is_not_one_in_use(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(resources, "_non_ephemeral_ports", lambda: [port])
        assert free_port() != port
