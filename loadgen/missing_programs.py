"""What some arms need of the machine: programs that no wheel brings, and rights. They may be missing."""

from workbench.errors import UserError

from . import deployments
from .fault_needs import fault_setup, stepped_clock
from .services import pgbouncer

REMEDIES = {
    pgbouncer.MISSING: "; install Debian's package pgbouncer",
    stepped_clock.MISSING: "; install Debian's package faketime",
}


def missing_for(deployment: str, scenario: str = "") -> str:
    """What this machine lacks for a deployment, `pgbouncer is not installed`; empty where it lacks nothing.

    With a `scenario`, also what is missing for its fault.
    """
    settings = deployments.settings_for(deployment)
    if settings.pooler == "pgbouncer" and not pgbouncer.is_installed():
        return pgbouncer.MISSING
    return fault_setup.missing_for(scenario, settings)


def subject(deployment: str, scenario: str) -> str:
    """What cannot be run: the deployment, or the deployment under the scenario whose fault lacks something."""
    return deployment if missing_for(deployment) else f"{deployment} under {scenario}"


def require_for(deployment: str, scenario: str = "") -> None:
    """Raise `UserError` for a deployment that this machine cannot run, or not under this scenario."""
    if reason := missing_for(deployment, scenario):
        raise UserError(f"{subject(deployment, scenario)} cannot be run: {reason}{REMEDIES.get(reason, '')}")
