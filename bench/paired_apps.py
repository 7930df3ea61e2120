"""Two applications in one worker, alike but for some settings: a request's header says which of them answers it.

Two processes of the same program differ by some per cent from their birth, more than what is to be measured; two
applications in one process do not. gunicorn serves them as `wsgi_app()` writes it.
"""

from dataclasses import replace

from flask import Flask

import reference_app
from reference_app.settings import Settings

HEADER = "X-Twin"
WITHOUT = "without"


def wsgi_app(**without) -> str:
    """`create_app` with these settings of the second application, as gunicorn takes it."""
    return f"{__name__}:create_app({', '.join(f'{name}={value!r}' for name, value in without.items())})"


def create_app(**without) -> Flask:
    """The deployment of the environment, and beside it the one with other settings."""
    settings = Settings.from_env()
    other = reference_app.create_app(replace(settings, **without)).wsgi_app
    app = reference_app.create_app(settings)
    own = app.wsgi_app
    variable = "HTTP_" + HEADER.upper().replace("-", "_")

    def application(environ, start_response):
        answers = other if environ.get(variable) == WITHOUT else own
        return answers(environ, start_response)

    app.wsgi_app = application
    return app
