"""The hub of a run over hosts: what it takes from workers, and what it does not."""

import time

import pytest
import zmq

from loadgen import host_secret, load_versions
from loadgen.hosts import host_hub, host_messages
from loadgen.hosts.host_hub import HostHub
from loadgen.hosts.run_channel import RunChannel, RunLost
from tests.loadgen.hosts.over_hosts import SECRET, free_ports
from tests.loadgen.run_process import wait_for

KEYS = host_secret.derive(SECRET)


@pytest.fixture
def hub():
    running = HostHub(2, {"url": "http://127.0.0.1:9", "locustfile": None})
    running.port = free_ports()
    running.start("127.0.0.1", running.port, KEYS)
    yield running
    running.close()


@pytest.fixture
def channel(hub):
    opened = RunChannel("127.0.0.1", hub.port, KEYS)
    yield opened
    opened.close()


def join(channel, name="w"):
    return channel.join(10, print, name=name, pid=1, versions=load_versions.versions(), locustfile=None)


def test_a_worker_is_ready_when_its_clock_is_related(hub, channel):
    welcome = join(channel)
    assert welcome.fields["url"] == "http://127.0.0.1:9"
    clock = channel.measure_clock()
    assert abs(clock.offset_ns) <= clock.uncertainty_ns
    channel.send("clock", when="join", **clock._asdict())
    line = wait_for(lambda: not hub.news.empty() and hub.news.get(), 5, "news")
    assert line.startswith("host w (127.0.0.1, process 1) is ready: its monotonic clock is +0.00") or "is -0.00" in line
    assert not hub.is_gathered  # one of two


def test_a_worker_that_falls_silent_before_the_load_frees_its_place(hub, channel, monkeypatch):
    monkeypatch.setattr("loadgen.hosts.joined_host.SILENCE_S", 0.5)
    join(channel)
    line = wait_for(lambda: not hub.news.empty() and hub.news.get(), 10, "news")
    assert line == "host w (127.0.0.1, process 1) was silent for 10 s"
    assert (hub.hosts, hub.problem) == ({}, "")


def test_a_worker_that_is_not_known_is_refused(hub, channel):
    channel.send("beat")
    with pytest.raises(RunLost, match="does not wait for this worker"):
        channel.receive(5)


NO_MESSAGES = [
    [b"x", b""],
    [b"[1]", b""],
    [b"{}", b""],
    [b"7", b""],
    [b"[1, {}]", b""],
    [b'["join", {}]'],
    [b"[" * 10**6, b""],
]


@pytest.mark.parametrize("frames", NO_MESSAGES)
def test_a_message_that_is_none_is_left_out(hub, channel, frames):
    channel._socket.send_multipart(frames)
    assert join(channel).kind == "welcome"


@pytest.mark.parametrize(
    "fields",
    [
        ("clock", {"offset_ns": "x", "uncertainty_ns": 1, "rounds": 1}),
        ("part", {"name": ["x"], "offset": {}}),
        ("part", {}),
        ("probe", {}),
        ("complete", {"files": 7}),
    ],
)
def test_fields_of_another_kind_harm_nothing(hub, channel, fields):
    join(channel)
    kind, values = fields
    channel.send(kind, **values)
    time.sleep(0.2)
    assert hub._thread.is_alive()


def test_a_message_that_is_too_large_ends_its_connection_alone(hub, channel):
    other = RunChannel("127.0.0.1", hub.port, KEYS)
    own = {"name": "large", "pid": 1, "versions": load_versions.versions(), "locustfile": None, "wall_s": time.time()}
    other.send("join", bytes(host_messages.MAX_BYTES + 1), **own)
    assert other.receive(2) is None
    assert join(channel).kind == "welcome"
    assert [host.name for host in hub.hosts.values()] == ["w"]
    other._socket.close(0)


def test_text_of_a_worker_is_one_short_line(hub, channel):
    join(channel, name="a\nb\x1b[31m" + "c" * 1_000)
    (host,) = hub.hosts.values()
    assert "\n" not in host.text
    assert "\x1b" not in host.text
    assert len(host.name) <= host_hub.MAX_TEXT


def test_a_run_whose_folder_cannot_be_written_ends(hub, channel, tmp_path):
    second = RunChannel("127.0.0.1", hub.port, KEYS)
    for each in (channel, second):
        join(each)
        each.send("clock", when="join", **each.measure_clock()._asdict())
    wait_for(lambda: hub.is_gathered, 5, "hosts")
    hub.begin(tmp_path / "missing", 1, {})
    wait_for(lambda: channel.receive(0.1) == ("begin", {"number": 0, "first": 0, "end": 1}, b""), 5, "begin")
    channel.send("part", b"x", name="requests-host-0.arrows", offset=0)
    problem = wait_for(lambda: hub.problem, 5, "problem")
    assert problem.startswith("the rows could not be written: No such file or directory; free some space")
    second.close()


def test_a_port_in_use_is_an_error_before_any_thread(hub):
    second = HostHub(1, {"url": "", "locustfile": None})
    with pytest.raises(zmq.ZMQError):
        second.start("127.0.0.1", hub.port, KEYS)
