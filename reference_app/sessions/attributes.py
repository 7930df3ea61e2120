"""What a session's cookie says of itself, the same when it is set and when it is deleted."""

from flask import Flask, request
from flask.sessions import SessionInterface


class OwnAttributes(SessionInterface):
    """Cookies are for TLS only where the request came by it."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def cookie_attributes(self, app: Flask) -> dict:
        return {
            "path": self.get_cookie_path(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "secure": self.get_cookie_secure(app),
        }
