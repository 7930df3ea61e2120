"""How the users check certificates, where the command line says so and not the user classes."""

import ssl
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from locust import FastHttpUser, User
from locust.clients import HttpSession

from .interface import INSECURE


def install(choice: str, user_classes: Iterable[type[User]]) -> None:
    """Check certificates not at all (`INSECURE`), or by the authority in a file; leave it to the classes if empty."""
    if not choice:
        return
    is_checked = choice != INSECURE

    def context(**_: object) -> ssl.SSLContext:  # its caller names authorities of its own
        return ssl.create_default_context(cafile=choice)

    HttpSession.request = _verifying(HttpSession.request, choice if is_checked else False)  # type: ignore[method-assign]
    for user_class in user_classes:
        if issubclass(user_class, FastHttpUser):
            user_class.insecure = not is_checked
            if is_checked:
                user_class.ssl_context_factory = staticmethod(context)


def _verifying(request: Callable[..., Any], verify: str | bool) -> Callable[..., Any]:
    """The `request` of a session of requests, with what its caller says first."""

    @wraps(request)
    def send(self: Any, *arguments: Any, **options: Any) -> Any:
        return request(self, *arguments, **{"verify": verify, **options})

    return send
