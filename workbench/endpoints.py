"""The endpoints of TraceTrack that are put under load, in the order of the published report.

A request row carries the name. To add an endpoint: a row here, its route in `reference_app`, and in
`loadgen.generator.tracetrack_users` a method of its name that sends the request and checks the response.
"""

from typing import NamedTuple


class Endpoint(NamedTuple):
    """One endpoint; `name` is that of its rows, tables and figures.

    `read_share` and `read_write_share` are its shares of the requests of loads that draw them; each column adds up to
    1. `in_published_pass` says that the published report measured it: those endpoints make the pass of a burst, and
    metrics of the published claims are about them alone. `lifetime_setting` is the setting with the lifetime of its
    cached answers, if it has any.
    """

    name: str
    method: str
    path: str
    read_share: float = 0.0
    read_write_share: float = 0.0
    in_published_pass: bool = False
    lifetime_setting: str | None = None


# Logins occur now and then during sustained load, as when shifts change.
LOGIN = Endpoint("login", "POST", "/login", 0.05, 0.05, in_published_pass=True)
DASHBOARD = Endpoint(
    "dashboard",
    "GET",
    "/api/dashboard/stats",
    0.45,
    0.35,
    in_published_pass=True,
    lifetime_setting="cache_statistics_ttl_s",
)
SEARCH = Endpoint(
    "search",
    "GET",
    "/api/bags/search",
    0.50,
    0.40,
    in_published_pass=True,
    lifetime_setting="cache_search_ttl_s",
)
SCAN = Endpoint("scan", "POST", "/api/scans", 0.0, 0.20)
# Of the loads with a carrier alone.
SHIPMENT = Endpoint("shipment", "GET", "/api/shipments/{shipment}")
ENDPOINTS = (LOGIN, DASHBOARD, SEARCH, SCAN, SHIPMENT)

NAMES = tuple(endpoint.name for endpoint in ENDPOINTS)
PUBLISHED = tuple(endpoint.name for endpoint in ENDPOINTS if endpoint.in_published_pass)
READS = tuple(endpoint.name for endpoint in ENDPOINTS if endpoint.in_published_pass and endpoint.method == "GET")
READ_SHARES = {endpoint.name: endpoint.read_share for endpoint in ENDPOINTS if endpoint.read_share}
READ_WRITE_SHARES = {endpoint.name: endpoint.read_write_share for endpoint in ENDPOINTS if endpoint.read_write_share}
CACHE_LIFETIME_SETTINGS = {
    endpoint.name: endpoint.lifetime_setting for endpoint in ENDPOINTS if endpoint.lifetime_setting is not None
}
