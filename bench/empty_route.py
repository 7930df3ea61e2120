"""The application with one route more, which does nothing but know who asks: what a request costs at the least.

gunicorn serves it as `bench.empty_route:create_app()`.
"""

from flask import Flask, jsonify

import reference_app
from reference_app.guards import login_required

PATH = "/api/bench/empty"
WSGI_APP = f"{__name__}:create_app()"


def create_app() -> Flask:
    app = reference_app.create_app()
    app.add_url_rule(PATH, view_func=empty)
    return app


@login_required
def empty():
    return jsonify(success=True)
