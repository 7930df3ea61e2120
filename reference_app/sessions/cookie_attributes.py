"""Attributes of a session's cookie, the same when it is set and when it is deleted."""

from typing import Any

from flask import Flask, request
from flask.sessions import SessionInterface


class CookieAttributes(SessionInterface):
    """A mixin for session interfaces: cookies are for TLS only if the request came by it."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def cookie_attributes(self, app: Flask) -> dict[str, Any]:
        """The attributes as arguments of `set_cookie` and `delete_cookie`."""
        return {
            "path": self.get_cookie_path(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "secure": self.get_cookie_secure(app),
        }
