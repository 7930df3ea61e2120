"""Programs of the machine that some deployments need, and that no wheel brings: they may be missing."""

from workbench.errors import UserError

from . import deployments
from .services import pgbouncer


def missing_for(deployment: str) -> str:
    """What this machine lacks for a deployment, `pgbouncer is not installed`; empty where it lacks nothing."""
    needs_pgbouncer = deployments.settings_for(deployment).pooler == "pgbouncer"
    return pgbouncer.MISSING if needs_pgbouncer and not pgbouncer.is_installed() else ""


def require_for(deployment: str) -> None:
    """Raise `UserError` for a deployment that this machine cannot run."""
    if reason := missing_for(deployment):
        raise UserError(f"{deployment} cannot be run: {reason}; install Debian's package pgbouncer")
