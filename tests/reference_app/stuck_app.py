"""The application with a path that holds the interpreter's lock of its worker for good."""

import ctypes

from flask import Flask

from reference_app import create_app as create_reference_app
from reference_app.settings import Settings

WSGI_APP = f"{__name__}:create_app()"
LONGER_THAN_A_TEST_S = 600


def create_app(settings: Settings | None = None) -> Flask:
    app = create_reference_app(settings)
    # PyDLL calls without releasing the lock: no other thread of the worker runs until the function returns.
    app.add_url_rule("/stuck", "stuck", lambda: str(ctypes.PyDLL(None).sleep(LONGER_THAN_A_TEST_S)))
    return app
