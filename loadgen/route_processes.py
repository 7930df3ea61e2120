"""The processes between the application of a run and its database, by role: what they counted, and whether they run."""

from workbench.errors import UserError

from .proxy import Proxy
from .services import Pooler

Route = dict[str, Proxy | Pooler]


def pids(route: Route) -> dict[str, int]:
    """The process ids by role."""
    return {role: between.child.pid for role, between in route.items()}


def pooler_readings(route: Route) -> dict | None:
    """What the pooler counted; None for a route without one."""
    pooler = route.get("pooler")
    return pooler.readings() if isinstance(pooler, Pooler) else None


def require_running(route: Route) -> None:
    """Raise `UserError` that names a process which has ended."""
    for child in (between.child for between in route.values()):
        if child.ended():
            code = child.process.returncode
            raise UserError(f"{child.name} ended in mid-run (code {code}): {child.last_line()}\nIts log is {child.log}")
