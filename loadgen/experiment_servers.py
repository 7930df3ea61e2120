"""The database servers of an experiment: the one that its templates are built on, and those that its runs need."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from workbench.paths import data_directory

from . import dataset, deployments, memory_prediction_log, run, server_connections, services
from .arm_database import MAX_CONNECTIONS
from .arm_runs import ArmSystems
from .checkout import Codes
from .fault_needs.fault_setup import NOTEBOOK_KERNEL, FaultSetup
from .fork_client import ForkServer
from .plan import Plan
from .run_database import RunDatabases
from .run_spec import RunSpec
from .services import DatabaseServer

# Carries out a run in its folder, with the run after it on the same server, and returns its record.
Runner = Callable[[RunSpec, Path, RunSpec | None], dict]


def for_templates(plan: Plan) -> AbstractContextManager[DatabaseServer | None]:
    """The server that the templates are built on; none where no arm has a database of the workbench."""
    if not plan.needs_database:
        return nullcontext()
    connections = max(server_connections.shared_by(plan.deployments()).values())
    return services.database_server(data_directory() / "postgres", connections)


def build_templates(plan: Plan, server: DatabaseServer, systems: ArmSystems | None) -> None:
    """Build a template for each set of indexes and each schema."""
    names = [
        dataset.ensure_template(server, plan.scale, indexes, schema)
        for schema in (systems.schemas() if systems else [dataset.SCHEMA])
        for indexes in sorted({deployments.settings_for(deployment).indexes for deployment in plan.deployments()})
    ]
    if systems:
        dataset.drop_other_templates(server, names)


@contextmanager
def runner(forks: ForkServer, systems: ArmSystems | None, allowed: int | None) -> Iterator[Runner]:
    """What carries out runs: on a database server with `allowed` connections, or without one for None."""
    if allowed is None:
        assert systems, "runs of deployments and checkouts need a database server"
        with _server_of(systems) as started:
            yield lambda spec, directory, _: systems.execute(spec, directory, started)
        return
    codes = Codes(systems.checkouts if systems else {})
    with (
        services.database_server(data_directory() / "postgres", allowed) as server,
        RunDatabases(server) as databases,
    ):

        def execute_run(spec: RunSpec, directory: Path, following: RunSpec | None) -> dict:
            memory_prediction_log.record(spec, directory)
            if FaultSetup.of(spec.load().faults).needs(NOTEBOOK_KERNEL):
                from . import kernel_run  # Jupyter's client, which no other run needs

                return kernel_run.execute(spec, directory)
            return run.execute(databases, spec, directory, forks, following, codes)

        yield execute_run


def _server_of(systems: ArmSystems) -> AbstractContextManager[DatabaseServer | None]:
    """The server for arms that have a database of the workbench; none where no arm has."""
    if not systems.need_server:
        return nullcontext()
    return services.database_server(data_directory() / "postgres", MAX_CONNECTIONS)
