"""Posts that another site makes a browser send are refused, by what browsers say of themselves.

`Sec-Fetch-Site` where there is one, else `Origin` against the host that was asked; a client that sends neither is no
browser and has nobody's cookies. Source: the algorithm of Go's `net/http.CrossOriginProtection`.
"""

from urllib.parse import urlsplit

from flask import Flask, abort, request

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OWN_SITE = ("same-origin", "none")  # none: the user did it by hand


def is_cross_site(site: str | None, origin: str | None, host: str) -> bool:
    """Whether a request with these headers (None: absent) comes from a page of another origin."""
    if site is not None:
        return site not in OWN_SITE
    if origin is not None:
        return (_host(origin) or None) != host.lower()
    return False


def _host(origin):
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _refuse_other_sites():
    headers = request.headers
    if request.method not in SAFE_METHODS and is_cross_site(
        headers.get("Sec-Fetch-Site"), headers.get("Origin"), request.host
    ):
        abort(403, "this request was made by a page of another site")


def init_app(app: Flask) -> None:
    app.before_request(_refuse_other_sites)
