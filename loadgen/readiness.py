"""Whether an application answers: in whatever way, or with success at the path that shows that it is ready."""

import http.client
import socket
import ssl
from urllib.parse import urlsplit

OK = range(200, 400)


def any_certificate() -> ssl.SSLContext:
    """A TLS context that takes any certificate: the user classes decide which to trust."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def listens(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether a connection to a port is accepted, whatever answers there."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def problem(url: str, path: str = "", timeout_s: float = 5.0) -> str:
    """Why the application at a URL is not ready; empty if it is.

    At `path` it has to answer with 2xx or 3xx, and a redirect is not followed; with an empty one any answer will do.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=timeout_s, context=any_certificate())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=timeout_s)
    )
    try:
        connection.request("GET", path or "/", headers={"Connection": "close"})
        status = connection.getresponse().status
        return "" if not path or status in OK else f"{path} answers {status}"
    except http.client.HTTPException as error:
        return f"what answers is not HTTP: {type(error).__name__}"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    finally:
        connection.close()
