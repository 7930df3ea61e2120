"""The store of a run: a new one with a password, or yours, left as it was."""

import psutil
import pytest
import redis

from loadgen import services
from loadgen.services import free_port, store_server
from workbench.errors import UserError


@pytest.fixture
def started_store(tmp_path):
    with store_server(tmp_path, tmp_path / "valkey.log") as started:
        yield started


def test_started_store_is_empty_and_requires_a_password(started_store):
    with redis.Redis.from_url(started_store.url) as client:
        assert client.dbsize() == 0
        assert client.config_get("save") == {"save": ""}
    with (
        redis.Redis(port=redis.Redis.from_url(started_store.url).connection_pool.connection_kwargs["port"]) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert started_store.version.startswith("Valkey ")


def test_started_store_listens_on_this_machine_only(started_store):
    connections = psutil.Process(started_store.pid).net_connections("tcp")
    assert [each.laddr.ip for each in connections if each.status == "LISTEN"] == ["127.0.0.1"]


def test_started_store_is_gone_after_its_block_and_leaves_no_data(tmp_path):
    with store_server(tmp_path, tmp_path / "valkey.log") as started:
        with redis.Redis.from_url(started.url) as client:
            client.set("key", "value")
        # Valkey writes a title over its arguments, after a moment in which they can be read.
        command_line = [*started.child.process.args, *psutil.Process(started.pid).cmdline()]
    assert not psutil.pid_exists(started.pid)
    assert {path.name for path in tmp_path.iterdir()} == {"valkey.conf", "valkey.log"}
    assert (tmp_path / "valkey.conf").stat().st_mode & 0o077 == 0
    password = redis.Redis.from_url(started.url).connection_pool.connection_kwargs["password"]
    assert password not in " ".join(command_line)
    assert password not in (tmp_path / "valkey.log").read_text()


def test_store_that_cannot_start_is_reported_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setitem(services.valkey.SETTINGS, "maxmemory", "a lot")
    with (
        pytest.raises(UserError, match=r"Valkey did not start: .*valkey\.log"),
        store_server(tmp_path, tmp_path / "valkey.log"),
    ):
        pass


@pytest.fixture
def given_store(started_store, monkeypatch):
    monkeypatch.setenv("REDIS_URL", started_store.url)
    with redis.Redis.from_url(started_store.url) as client:
        yield client


def test_given_store_loses_only_the_keys_of_the_run(given_store, started_store, tmp_path):
    given_store.set("tracetrack:other", "stays")
    with store_server(tmp_path / "unused", tmp_path / "unused.log") as used:
        assert (used.url, used.child, used.pid) == (started_store.url, None, None)
        for number in range(1200):
            given_store.set(f"{used.prefix}session:{number}", "goes")
        with store_server(tmp_path / "unused", tmp_path / "unused.log") as beside:
            assert beside.prefix != used.prefix
    assert given_store.keys("*") == [b"tracetrack:other"]
    assert not (tmp_path / "unused").exists()


def test_given_store_loses_the_keys_of_an_interrupted_run(given_store, tmp_path):
    interrupted = store_server(tmp_path, tmp_path / "unused.log")
    used = interrupted.__enter__()
    given_store.set(f"{used.prefix}session", "goes")
    assert not interrupted.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert given_store.keys("*") == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://:hidden@127.0.0.1:6379", "REDIS_URL is not a URL of a store"),
        ("redis://:hidden@127.0.0.1:port", "REDIS_URL is not a URL of a store"),
        ("hidden", "REDIS_URL is not a URL of a store"),
        ("redis://:hidden@127.0.0.1:{free}/0", "the store 127.0.0.1:{free} does not answer: .*\nCheck REDIS_URL"),
    ],
)
def test_unusable_url_is_refused_without_showing_its_password(tmp_path, monkeypatch, url, reason):
    free = free_port()
    monkeypatch.setenv("REDIS_URL", url.replace("{free}", str(free)))
    with (
        pytest.raises(UserError, match=reason.replace("{free}", str(free))) as refusal,
        store_server(tmp_path, tmp_path / "unused.log"),
    ):
        pass
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize("password", [":hidden@", "me:hidden@", ""])
def test_wrong_or_missing_password_is_refused_without_showing_it(started_store, tmp_path, monkeypatch, password):
    port = redis.Redis.from_url(started_store.url).connection_pool.connection_kwargs["port"]
    monkeypatch.setenv("REDIS_URL", f"redis://{password}127.0.0.1:{port}/0")
    with (
        pytest.raises(UserError, match="does not answer: it requires another user name or password") as refusal,
        store_server(tmp_path, tmp_path / "unused.log"),
    ):
        pass
    assert "hidden" not in str(refusal.value)
