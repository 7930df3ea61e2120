"""A fault of the way to a server: what is sent in either direction never arrives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loadgen.proxy import Proxy


@contextmanager
def black_hole(between: Proxy, **_: Any) -> Iterator[None]:
    """Nothing gets through the proxy during the block, and its connections stay open."""
    between.add("hole", "timeout", timeout_ms=0)
    yield
    between.remove("hole")
