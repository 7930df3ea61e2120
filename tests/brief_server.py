"""An application that a test serves for itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadgen import application
from loadgen.application import Application
from reference_app.settings import Settings


@contextmanager
def serve_briefly(settings: Settings, log: Path, wsgi_app: str = "") -> Iterator[Application]:
    """Serve like `loadgen.application.serve`, but kill the server after the block.

    An orderly end waits for the clients' idle connections, for a second or two.
    """
    with application.serve(settings, log, wsgi_app=wsgi_app) as served:
        yield served
        os.killpg(served.child.pid, signal.SIGKILL)
