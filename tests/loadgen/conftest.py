from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from loadgen import proxy
from tests.loadgen.page_server import LOCUSTFILE, Pages, listening
from tests.loadgen.proxy_servers import upstream


@pytest.fixture(scope="module")
def pages():
    with listening(Pages) as url:
        yield url


@pytest.fixture
def locustfile(tmp_path):
    (tmp_path / "mine.py").write_text(LOCUSTFILE)
    return str(tmp_path / "mine.py")


@pytest.fixture
def make_proxy(tmp_path) -> Iterator[Callable[..., proxy.Proxy]]:
    """Start a proxy with this round trip in front of a server that answers with this function."""
    with ExitStack() as stack:

        def make(answer, round_trip_ms=0.0, **options):
            address = stack.enter_context(upstream(answer))
            return stack.enter_context(proxy.through(address, round_trip_ms, tmp_path / "proxy.log", **options))

        yield make
