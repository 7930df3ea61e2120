"""Refuses posts that a page of another site makes a browser send.

Browsers say where a request comes from: in `Sec-Fetch-Site`, or else in `Origin`, which is compared with the requested
host. A client that sends neither is no browser and carries no other user's cookies. Source: the algorithm of Go's
`net/http.CrossOriginProtection`. As there, HTTP and HTTPS of one host count as one, because behind a proxy the
application does not know which of them the browser used.
"""

from urllib.parse import urlsplit

from flask import Flask, abort, request

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
ALLOWED_SITES = ("same-origin", "none")  # none: the user typed the address
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_cross_site(site: str | None, origin: str | None, host: str) -> bool:
    """True if a request with these headers (None: absent) comes from a page of another origin than `host`."""
    if site is not None:
        return site not in ALLOWED_SITES
    return origin is not None and not _names_host(origin, host)


def _names_host(origin: str, host: str) -> bool:
    """True if the origin is of the host; the default port of its scheme may be written, or left out, on either side."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = DEFAULT_PORTS.get(parts.scheme)
    if not (port and host):
        return False
    return parts.netloc.lower().removesuffix(port) == host.lower().removesuffix(port)


def _refuse_cross_site() -> None:
    headers = request.headers
    if request.method not in SAFE_METHODS and is_cross_site(
        headers.get("Sec-Fetch-Site"), headers.get("Origin"), request.host
    ):
        abort(403, "this request was made by a page of another site")


def init_app(app: Flask) -> None:
    """Check every request before its view."""
    app.before_request(_refuse_cross_site)
