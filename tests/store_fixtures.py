"""Applications whose connections a test takes, and a shared store that it may kill, freeze and start again."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis

from instrumentation import deadlines
from loadgen import subprocesses
from loadgen.services import StoreServer, store_server, valkey


@dataclass
class OwnStore:
    server: StoreServer
    directory: Path

    @property
    def url(self) -> str:
        return self.server.url

    def kill(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.child.process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server.pid, signal.SIGCONT)

    @contextmanager
    def started_again(self) -> Iterator[subprocesses.Child]:
        """Another process on the same port, with nothing in it."""
        command = [str(valkey._program()), str(self.directory / "valkey.conf")]
        with subprocesses.start("Valkey", command, self.directory / "again.log") as child:
            self._wait_until_it_answers()
            yield child

    def _wait_until_it_answers(self):
        end_s = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < end_s:
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.01)
        pytest.fail("the store did not start again")


@pytest.fixture
def own_store(tmp_path) -> Iterator[OwnStore]:
    directory = tmp_path / "store"
    directory.mkdir()
    with store_server(directory, directory / "valkey.log") as server:
        yield OwnStore(server, directory)


@pytest.fixture
def start(make_app, settings):
    """Starts an application with other settings, in a context in which its connections can be taken."""
    with ExitStack() as stack:

        def started(**changed):
            app = make_app(replace(settings, **changed))
            stack.enter_context(app.app_context())
            return app

        yield started
        deadlines.install(False)


@pytest.fixture
def stored(store):
    """A client of the store, to see what is kept there."""
    with redis.Redis.from_url(store.url) as client:
        yield client
