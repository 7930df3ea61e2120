"""`python -m instrumentation.monitor`: serve `/metrics` and `/monitor` of an application, from its workers' files."""

import asyncio
import os
import socket
import sys

import click
import uvicorn

from ..monitor_file import MonitorFileError
from ..worker_metrics import MetricsFileError
from .access import KEY_VARIABLE, Access
from .liveness import is_alive
from .monitor_app import MonitorApp
from .monitor_process import MonitorNotStarted, listen
from .readings import Readings
from .session_count import SessionCounter, SessionStore

WATCH_S = 0.2
MAX_CONNECTIONS = 400  # pages, scripts and scrapes together; uvicorn answers 503 to more
START_S = 30.0  # for the first worker to appear


@click.command()
@click.option("--metrics-file", required=True, help="The file of the workers' metrics; the monitor's is beside it.")
@click.option("--port", type=click.IntRange(0, 65535), default=9464, show_default=True, help="On 127.0.0.1.")
@click.option("--listen-fd", type=int, help="A socket that listens already, in the place of a port.")
@click.option("--prefix", default="", help="In front of the names of the application's own counters.")
@click.option("--public-url", default="", help="Where browsers find the monitor, if not on this machine.")
@click.option("--while-alive", type=int, help="End with this process; without it, with the last worker.")
def main(
    metrics_file: str, port: int, listen_fd: int | None, prefix: str, public_url: str, while_alive: int | None
) -> None:
    """Serve the metrics of an application's workers, and a live page of them, on 127.0.0.1.

    The key that signs access to the page is in the environment variable INSTRUMENTATION_MONITOR_KEY.
    """
    try:
        access = Access(os.environ.pop(KEY_VARIABLE, ""))
    except ValueError as error:
        raise click.ClickException(f"{KEY_VARIABLE}: {error}") from None
    sessions = SessionCounter(SessionStore.from_environ())
    try:
        readings = Readings(metrics_file)
    except (MetricsFileError, MonitorFileError, OSError) as error:
        raise click.ClickException(f"the metrics cannot be read: {error}") from None
    try:
        listening = listen(port) if listen_fd is None else socket.socket(fileno=listen_fd)
    except MonitorNotStarted as error:
        raise click.ClickException(str(error)) from None
    app = MonitorApp(readings, access, sessions, prefix, public_url)
    asyncio.run(_serve(app, readings, sessions, listening, while_alive))


async def _serve(
    app: MonitorApp, readings: Readings, sessions: SessionCounter, listening: socket.socket, owner: int | None
) -> None:
    config = uvicorn.Config(
        app, lifespan="off", log_level="warning", access_log=False, server_header=False, ws="none",
        limit_concurrency=MAX_CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    background = app.publish_snapshots(), sessions.count_repeatedly(), _watch(server, readings, owner)
    tasks = [asyncio.ensure_future(each) for each in background]
    try:
        await server.serve(sockets=[listening])
    finally:
        for task in tasks:
            task.cancel()


async def _watch(server: uvicorn.Server, readings: Readings, owner: int | None) -> None:
    """Let the server end with the process that it belongs to, or with the last worker."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + START_S
    while not server.should_exit:
        await asyncio.sleep(WATCH_S)
        pids = [owner] if owner else readings.registered_workers()
        if pids:  # the first worker was there, even if it has ended before this look
            end_s = 0.0
        if not any(map(is_alive, pids)) and loop.time() > end_s:
            server.should_exit = True
    app = server.config.app
    assert isinstance(app, MonitorApp)
    app.viewers.close()


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m instrumentation.monitor"))
