"""The command line of each kind of server, by the setting `server`."""

from collections.abc import Callable

from reference_app.settings import Settings

from .app_code import AppCode


def command(settings: Settings, code: AppCode, application: str = "") -> list[str]:
    """The command that serves a deployment with this code.

    `application` replaces the deployment's own WSGI application; the notation is gunicorn's: `module:create_app()`.
    """
    return COMMANDS.get(settings.server, _gunicorn)(code) + ([application] if application else [])


def _gunicorn(code: AppCode) -> list[str]:
    return [code.python, "-m", "gunicorn", "-c", str(code.configuration)]


def _granian(code: AppCode) -> list[str]:
    return [code.python, "-m", "reference_app.granian_server"]


COMMANDS: dict[str, Callable[[AppCode], list[str]]] = {"granian": _granian}  # gunicorn has all other kinds of workers
