"""Two applications in one worker that differ in some settings; a header of the request chooses the one that answers.

Two processes of the same program differ by some per cent from their start, more than the effects to be measured; two
applications in one process do not. gunicorn serves them as `wsgi_app()` names them.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Flask

import reference_app
from reference_app.settings import Settings

from .unprotected_app import REMOVALS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEADER = "X-Bench-Application"
CHANGED = "changed"  # the header's value for the second application; any other is for the first


def wsgi_app(**changes: Any) -> str:
    """The expression for gunicorn that creates both applications; `changes` are those of `create_app`."""
    return f"{__name__}:create_app({', '.join(f'{name}={value!r}' for name, value in changes.items())})"


def create_app(removed: str = "", **changes: Any) -> Flask:
    """The application of the environment's settings, and beside it one with these settings changed.

    `removed` names a protection that the second one lacks, of `unprotected_app.REMOVALS`.
    """
    settings = Settings.from_env()
    second = reference_app.create_app(replace(settings, **changes))
    if removed:
        REMOVALS[removed](second)
    changed = second.wsgi_app
    app = reference_app.create_app(settings)
    unchanged = app.wsgi_app
    variable = "HTTP_" + HEADER.upper().replace("-", "_")

    def choose(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        application = changed if environ.get(variable) == CHANGED else unchanged
        return application(environ, start_response)

    # Flask documents this assignment for middleware, but declares wsgi_app as a method.
    app.wsgi_app = choose  # type: ignore[method-assign]
    return app
