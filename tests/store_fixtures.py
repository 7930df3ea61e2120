"""Fixtures: an application whose connections a test takes, and a shared store that it may kill, freeze and restart."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask

from instrumentation import deadlines
from loadgen import subprocesses
from loadgen.services import StoreServer, store_server, valkey
from tests.processes import frozen, wait_until


@dataclass
class OwnStore:
    """A Valkey of the test's own, and the folder of its files."""

    server: StoreServer
    directory: Path

    @property
    def url(self) -> str:
        return self.server.url

    def kill(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.child.process.wait()

    def frozen(self) -> AbstractContextManager[None]:
        """The store answers nothing during the block."""
        return frozen([self.server.pid])

    @contextmanager
    def restarted(self) -> Iterator[subprocesses.Child]:
        """Run a new and empty process on the same port during the block."""
        command = [str(valkey._program()), str(self.directory / "valkey.conf")]
        with subprocesses.start("Valkey", command, self.directory / "restarted.log") as child:
            wait_until(self._answers)
            yield child

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client, suppress(redis.ConnectionError):
            return client.ping()
        return False


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[OwnStore]:
    directory = tmp_path / "store"
    directory.mkdir()
    with store_server(directory, directory / "valkey.log") as server:
        yield OwnStore(server, directory)


@pytest.fixture
def start(make_app, settings) -> Iterator[Callable[..., Flask]]:
    """Starts an application with changed settings, in a context in which its connections can be taken."""
    with ExitStack() as stack:

        def start_app(**changed: Any) -> Flask:
            app = make_app(replace(settings, **changed))
            stack.enter_context(app.app_context())
            return app

        yield start_app
        deadlines.install(False)


@pytest.fixture
def store_client(store: StoreServer) -> Iterator[redis.Redis]:
    """A client of the store, to see and change its content."""
    with redis.Redis.from_url(store.url) as client:
        yield client
