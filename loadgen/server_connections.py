"""How many connections PostgreSQL allows in the runs of an experiment: one number, as another takes a restart.

A deployment declares how many its server allows. It does not notice that there are more, unless it starts with the
larger number and not with its own. Such a deployment, whose outcome the number is, keeps its own.
"""

from collections.abc import Iterable

from reference_app.connection_budget import Budget

from . import deployments

RESERVED = 3  # PostgreSQL's default of superuser_reserved_connections


def shared_by(names: Iterable[str]) -> dict[str, int]:
    """The number of connections to allow for each of the deployments."""
    declared = {name: deployments.settings_for(name).max_connections for name in names}
    largest = max(declared.values(), default=0)
    return {name: largest if _fits(name, largest) == _fits(name, own) else own for name, own in declared.items()}


def _fits(name: str, max_connections: int) -> bool:
    """True if the deployment starts on a server with so many connections."""
    return Budget(deployments.settings_for(name), max_connections, RESERVED).fits()
