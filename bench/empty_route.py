"""The application with one more route, which only requires a login: the least that a request can cost.

gunicorn serves it as `bench.empty_route:create_app()`.
"""

from flask import Flask, Response, jsonify

import reference_app
from reference_app.guards import login_required

PATH = "/api/bench/empty"
WSGI_APP = f"{__name__}:create_app()"


def create_app() -> Flask:
    """The application of the environment's settings, with the empty route."""
    app = reference_app.create_app()
    app.add_url_rule(PATH, view_func=empty)
    return app


@login_required
def empty() -> Response:
    """Answer without any work."""
    return jsonify(success=True)
