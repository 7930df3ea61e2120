"""The store of a run: our own, new and closed to strangers, or yours, left as it was."""

import psutil
import pytest
import redis

from loadgen import services
from loadgen.services import free_port, store_server
from workbench.errors import UserError


@pytest.fixture
def own(tmp_path):
    with store_server(tmp_path, tmp_path / "valkey.log") as started:
        yield started


def test_our_own_is_empty_and_closed_to_strangers(own):
    with redis.Redis.from_url(own.url) as client:
        assert client.dbsize() == 0
        assert client.config_get("save") == {"save": ""}
    with (
        redis.Redis(port=redis.Redis.from_url(own.url).connection_pool.connection_kwargs["port"]) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    assert own.version.startswith("Valkey ")


def test_our_own_is_gone_afterwards_and_leaves_nothing(tmp_path):
    with store_server(tmp_path, tmp_path / "valkey.log") as started:
        with redis.Redis.from_url(started.url) as client:
            client.set("kept", "nowhere")
        command_line = psutil.Process(started.pid).cmdline()
    assert not psutil.pid_exists(started.pid)
    assert {path.name for path in tmp_path.iterdir()} == {"valkey.conf", "valkey.log"}
    assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0
    password = redis.Redis.from_url(started.url).connection_pool.connection_kwargs["password"]
    assert password not in " ".join(command_line)
    assert password not in (tmp_path / "valkey.log").read_text()


def test_one_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setitem(services.valkey.SETTINGS, "maxmemory", "a lot")
    with (
        pytest.raises(UserError, match=r"Valkey did not start: .*valkey\.log"),
        store_server(tmp_path, tmp_path / "valkey.log"),
    ):
        pass


@pytest.fixture
def yours(own, monkeypatch):
    monkeypatch.setenv("REDIS_URL", own.url)
    with redis.Redis.from_url(own.url) as client:
        yield client


def test_of_yours_only_the_keys_of_the_run_are_removed(yours, own, tmp_path):
    yours.set("tracetrack:somebody's", "stays")
    with store_server(tmp_path / "unused", tmp_path / "unused.log") as used:
        assert (used.url, used.child, used.pid) == (own.url, None, None)
        for number in range(1200):
            yours.set(f"{used.prefix}session:{number}", "goes")
        with store_server(tmp_path / "unused", tmp_path / "unused.log") as beside:
            assert beside.prefix != used.prefix
    assert yours.keys("*") == [b"tracetrack:somebody's"]
    assert not (tmp_path / "unused").exists()


def test_of_yours_the_keys_are_removed_when_a_run_is_interrupted(yours, tmp_path):
    interrupted = store_server(tmp_path, tmp_path / "unused.log")
    used = interrupted.__enter__()
    yours.set(f"{used.prefix}session", "goes")
    assert not interrupted.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert yours.keys("*") == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://:hidden@127.0.0.1:6379", "REDIS_URL is not a URL of a store"),
        ("redis://:hidden@127.0.0.1:port", "REDIS_URL is not a URL of a store"),
        ("hidden", "REDIS_URL is not a URL of a store"),
        ("redis://:hidden@127.0.0.1:{free}/0", "the store 127.0.0.1:{free} does not answer: .*\nCheck REDIS_URL"),
    ],
)
def test_what_cannot_be_used_of_yours_is_refused_without_its_password(tmp_path, monkeypatch, url, reason):
    free = free_port()
    monkeypatch.setenv("REDIS_URL", url.replace("{free}", str(free)))
    with (
        pytest.raises(UserError, match=reason.replace("{free}", str(free))) as refusal,
        store_server(tmp_path, tmp_path / "unused.log"),
    ):
        pass
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize("password", [":hidden@", "me:hidden@", ""])
def test_a_wrong_password_of_yours_or_none_is_told_without_it(own, tmp_path, monkeypatch, password):
    port = redis.Redis.from_url(own.url).connection_pool.connection_kwargs["port"]
    monkeypatch.setenv("REDIS_URL", f"redis://{password}127.0.0.1:{port}/0")
    with (
        pytest.raises(UserError, match="does not answer: it requires another user name or password") as refusal,
        store_server(tmp_path, tmp_path / "unused.log"),
    ):
        pass
    assert "hidden" not in str(refusal.value)
