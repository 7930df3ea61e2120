"""The processes that the application of a run reaches its database and its carrier by, by role: counts and state."""

from workbench.errors import UserError

from .proxy import Proxy
from .services import Pooler, UpstreamServer

Route = dict[str, Proxy | Pooler | UpstreamServer]


def pids(route: Route) -> dict[str, int]:
    """The process ids by role."""
    return {role: between.child.pid for role, between in route.items()}


def readings(route: Route) -> dict[str, dict | None]:
    """What the `pooler` and the `upstream` counted; None for one that the route has not."""
    counting = {role: between for role, between in route.items() if isinstance(between, Pooler | UpstreamServer)}
    return {role: counting[role].readings() if role in counting else None for role in ("pooler", "upstream")}


def require_running(route: Route) -> None:
    """Raise `UserError` that names a process which has ended."""
    for child in (between.child for between in route.values()):
        if child.ended():
            code = child.process.returncode
            raise UserError(f"{child.name} ended in mid-run (code {code}): {child.last_line()}\nIts log is {child.log}")
