"""The endpoints of TraceTrack that are put under load: one row for each, in the order of the published report.

A request row carries the name. To add an endpoint: a row here, its route in `reference_app`, and a task in
`loadgen.generator.tracetrack_users`.
"""

from typing import NamedTuple


class Endpoint(NamedTuple):
    """One endpoint: `name` in rows, tables and figures; `lifetime_setting` is that of its cached answers, if any."""

    name: str
    method: str
    path: str
    is_write: bool = False
    lifetime_setting: str | None = None


LOGIN = Endpoint("login", "POST", "/login")
DASHBOARD = Endpoint("dashboard", "GET", "/api/dashboard/stats", lifetime_setting="cache_statistics_ttl_s")
SEARCH = Endpoint("search", "GET", "/api/bags/search", lifetime_setting="cache_search_ttl_s")
SCAN = Endpoint("scan", "POST", "/api/scans", is_write=True)
ENDPOINTS = (LOGIN, DASHBOARD, SEARCH, SCAN)

NAMES = tuple(endpoint.name for endpoint in ENDPOINTS)
PUBLISHED = tuple(endpoint.name for endpoint in ENDPOINTS if not endpoint.is_write)
WRITES = tuple(endpoint.name for endpoint in ENDPOINTS if endpoint.is_write)
READS = tuple(endpoint.name for endpoint in ENDPOINTS if endpoint.method == "GET")
CACHE_LIFETIME_SETTINGS = {
    endpoint.name: endpoint.lifetime_setting for endpoint in ENDPOINTS if endpoint.lifetime_setting is not None
}
