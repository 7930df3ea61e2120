"""A server that answers at once and counts requests: what saturates the generators and not itself.

nginx where it is installed, with one process; else Granian, which comes with the workbench and is slower.
"""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from loadgen.services import free_port
from loadgen.subprocesses import Child, start
from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.polling import attempts

from .counted_app import COUNT_PATH
from .placement import pinned, process_tree_cpu_s

START_TIMEOUT_S = 20.0
SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"  # where Debian has nginx, which other users' PATH lacks
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = {count_path} {{ stub_status; }}
        location / {{ default_type text/plain; return 200 "ok"; }}
    }}
}}
"""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class CountingServer:
    """The running server; `label` is its name with its version."""

    label: str
    url: str
    child: Child
    parse_count: Callable[[str], int]

    def requests(self) -> int:
        """The number of requests that it has answered, those for this number included."""
        with _direct.open(f"{self.url}{COUNT_PATH}", timeout=10) as response:
            return self.parse_count(response.read().decode())

    def cpu_s(self) -> float:
        """The CPU time of its processes so far."""
        return process_tree_cpu_s(self.child.pid)


@contextmanager
def counting_server(folder: Path, core: int) -> Iterator[CountingServer]:
    """Run the server on one core for the block; its files go to `folder`. Raises `UserError` if it does not start."""
    port = free_port()
    label, command, parse_count = _nginx(folder, port) or _granian(port)
    log = folder / "server.log"
    with start(label, command, log, folder=REPOSITORY, prepare=pinned(core)) as child:
        server = CountingServer(label, f"http://127.0.0.1:{port}", child, parse_count)
        _wait_until_up(server)
        yield server


def _wait_until_up(server: CountingServer) -> None:
    for _ in attempts(START_TIMEOUT_S, 0.05):
        if server.child.ended():
            break
        try:
            server.requests()
        except OSError:
            continue
        return
    raise UserError(f"{server.label} did not start: {server.child.last_line() or 'it printed nothing'}")


Served = tuple[str, list[str], Callable[[str], int]]  # label, command, and how its count is read


def _nginx(folder: Path, port: int) -> Served | None:
    program = shutil.which("nginx", path=SYSTEM_PATH)
    if not program:
        return None
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, count_path=COUNT_PATH))
    printed = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
    label = f"nginx {printed.strip().rpartition('/')[2]}"
    return label, [program, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(configuration)], _nginx_count


def _granian(port: int) -> Served:
    command = [
        sys.executable, "-m", "granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--runtime-threads", "1", "--no-ws", "--log-level", "error", "bench.peers.counted_app:app",
    ]  # fmt: skip
    return f"Granian {version('granian')}", command, int


def _nginx_count(text: str) -> int:
    """The third of the numbers below `server accepts handled requests`, see ngx_http_stub_status_module."""
    return int(re.findall(r"\d+", text.partition("requests")[2])[2])
