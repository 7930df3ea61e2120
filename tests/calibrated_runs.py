"""RunFiles runs whose CPU times are known, for tests of calibration and predictions."""

from analysis.queueing.service_demands import EndpointDemands, ServiceDemand
from tests.builders import Builder, RunFiles


def spend_cpu(run: RunFiles, role: str, ms: float) -> RunFiles:
    """Set the CPU time of a role, from before the load to after it; return the run."""
    readings = [reading for reading in run.process if reading["role"] == role]
    for position, reading in enumerate(readings):
        reading["cpu_us"] = round(1000 * ms * position / (len(readings) - 1))
    return run


def reported_python_ms(run: RunFiles) -> float:
    """The time in Python, hashing included, that the requests of a run report."""
    return sum(row["app_us"] - row["pool_us"] - row["db_us"] for row in run.rows) / 1000


def known_run(
    builder: Builder,
    deployment: str = "as-measured",
    scenario: str = "single",
    *,
    server_ms: float = 0.0,
    database_ms: float = 0.0,
    generator_ms: float = 0.0,
) -> RunFiles:
    """A run with these mean CPU times of a request: of the workers beyond what it reports, of PostgreSQL, and of the
    load generator."""
    run = builder.run(deployment, scenario)
    requests = len(run.rows)
    run.record["generator"]["cpu_ms"] = generator_ms * requests
    spend_cpu(run, "server", reported_python_ms(run) + server_ms * requests)
    return spend_cpu(run, "database", database_ms * requests)


def only_demand(endpoint: EndpointDemands) -> ServiceDemand:
    """The demand that all requests to the endpoint have; none is a cache hit."""
    (demand,) = set(endpoint.misses)
    return demand
