"""Where the sessions of a deployment are stored, for the monitor, which counts them."""

from hashlib import sha256

from instrumentation.monitor.session_count import SessionStore

from .engine import database_url
from .settings import Settings

LIVING = "SELECT 1 FROM tracetrack.session WHERE expires_at > now()"
# cachelib counts its files in one of them.
COUNT_FILE = sha256(b"__wz_cache_count").hexdigest()


def countable_sessions(settings: Settings) -> SessionStore | None:
    """The store of the sessions; None for those in cookies, which nobody stores."""
    if settings.sessions in ("shared", "flask-session-redis"):
        return SessionStore("valkey", settings.redis_url, f"{settings.store_prefix}session:")
    if settings.sessions == "database":
        url = database_url(settings).set(drivername="postgresql")
        return SessionStore("postgresql", url.render_as_string(hide_password=False), LIVING)
    if settings.sessions == "filesystem":
        return SessionStore("files", settings.session_directory, COUNT_FILE)
    return None
