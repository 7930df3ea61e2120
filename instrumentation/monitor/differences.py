"""What the workers did between two readings; a worker that was started since counts from 0."""

from collections.abc import Iterator

from ..monitor_file import Route, WorkerRequests
from ..worker_metrics import FIXED_FIELDS, WorkerValues
from .readings import Reading


def counter_differences(before: Reading, now: Reading) -> dict[str, int]:
    """What all workers have counted in between, by field."""
    totals: dict[str, int] = {}
    for number, values in now.counters.items():
        earlier: WorkerValues = before.counters.get(number, {})
        is_same = earlier.get("started_ns") == values["started_ns"]
        for name, value in values.items():
            totals[name] = totals.get(name, 0) + value - (earlier[name] if is_same else 0)
    return totals or dict.fromkeys(FIXED_FIELDS, 0)


def route_differences(before: Reading, now: Reading) -> list[Route]:
    """The routes of all workers that had requests in between, with those requests only."""
    return [route for number in now.requests for route in _recent(before.requests.get(number), now.requests[number])]


def _recent(earlier: WorkerRequests | None, now: WorkerRequests) -> Iterator[Route]:
    same = earlier if earlier and earlier.started_us == now.started_us else None
    known = {(route.method, route.route, route.status): route for route in same.routes} if same else {}
    for route in now.routes:
        if old := known.get((route.method, route.route, route.status)):
            added = tuple(count - before for count, before in zip(route.buckets, old.buckets, strict=True))
            route = route._replace(buckets=added, duration_us=route.duration_us - old.duration_us)
        if route.total:
            yield route
