"""Whether what serves a load is still there, or why it is not."""

from workbench.errors import UserError

from . import route_processes
from .collectors.collector import Collector
from .memory.memory_limit import MemoryLimit
from .route_processes import Route
from .services import DatabaseServer
from .subprocesses import Child


def check(
    gunicorn: Child,
    route: Route,
    server: DatabaseServer,
    collector: Collector,
    memory: MemoryLimit,
    *,
    database_may_be_away: bool = False,
) -> None:
    """Raise `UserError` if the application, the database or what is between them has ended, and say which.

    An application that the kernel ended for want of memory is an outcome: the load goes on without it. A declared fault
    may take the database away for some time.
    """
    route_processes.require_running(route)
    if gunicorn.ended() and not memory.has_run_out():
        code = gunicorn.process.returncode
        raise UserError(f"gunicorn ended in mid-run (code {code}): {gunicorn.last_line()}\nIts log is {gunicorn.log}")
    if database_may_be_away:
        return
    if server.child:
        server.require_alive()
    if collector.failure:
        raise UserError(f"the database stopped answering in mid-run: {collector.failure}")
