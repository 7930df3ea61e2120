"""Posts that another site makes a browser send are refused, by what browsers say of themselves.

`Sec-Fetch-Site` where there is one, else `Origin` against the host that was asked; a client that sends neither is no
browser and has nobody's cookies. Source: the algorithm of Go's `net/http.CrossOriginProtection`. As there, HTTP and
HTTPS of one host are one, because behind a proxy nobody knows which of them the browser used.
"""

from urllib.parse import urlsplit

from flask import Flask, abort, request

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OWN_SITE = ("same-origin", "none")  # none: the user did it by hand
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_cross_site(site: str | None, origin: str | None, host: str) -> bool:
    """Whether a request with these headers (None: absent) comes from a page of another origin."""
    if site is not None:
        return site not in OWN_SITE
    return origin is not None and not _is_of(origin, host)


def _is_of(origin, host):
    """Whether it names the host; the default port of its scheme may be written, or left out, on either side."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = DEFAULT_PORTS.get(parts.scheme)
    if not (port and host):
        return False
    return parts.netloc.lower().removesuffix(port) == host.lower().removesuffix(port)


def _refuse_other_sites():
    headers = request.headers
    if request.method not in SAFE_METHODS and is_cross_site(
        headers.get("Sec-Fetch-Site"), headers.get("Origin"), request.host
    ):
        abort(403, "this request was made by a page of another site")


def init_app(app: Flask) -> None:
    app.before_request(_refuse_other_sites)
