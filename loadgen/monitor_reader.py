"""What the monitor of a run counted during the load: read from its `/metrics`, as Prometheus reads it."""

import urllib.request
from collections.abc import Mapping

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from workbench.errors import UserError

ACCEPT = "application/openmetrics-text; version=1.0.0"
SLOW_BOUND = "0.5"  # seconds: the bound of the bucket below the slow statements
REQUESTS, STATEMENTS = "http_server_request_duration_seconds", "db_client_operation_duration_seconds"
POOL = "db_client_connection"


def read(port: int) -> dict[str, float]:
    """The counts of the monitor on this port, over all workers. Raises `UserError` if it does not answer."""
    url = f"http://127.0.0.1:{port}/metrics"
    request = urllib.request.Request(url, headers={"Accept": ACCEPT})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            text = response.read().decode()
    except OSError as error:
        raise UserError(f"the monitor of the run does not answer at {url}: {error}") from None
    return _counts(text)


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was counted in between; limits are those of now."""
    limits = ("connections_allowed", "exemplars")
    return {name: value - (0 if name in limits else before[name]) for name, value in after.items()}


def _counts(text: str) -> dict[str, float]:
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def total(name: str, **labels: str) -> float:
        matching = (each for each in samples if each.name == name and labels.items() <= each.labels.items())
        return sum(each.value for each in matching)

    return {
        "requests": total(f"{REQUESTS}_count"),
        "statements": total(f"{STATEMENTS}_count"),
        "slow_statements": total(f"{STATEMENTS}_count") - total(f"{STATEMENTS}_bucket", le=SLOW_BOUND),
        "connection_uses": total(f"{POOL}_use_time_seconds_count"),
        "connection_use_s": total(f"{POOL}_use_time_seconds_sum"),
        "connections_allowed": total(f"{POOL}_max"),
        "exemplars": float(sum(each.exemplar is not None for each in samples)),
    }
