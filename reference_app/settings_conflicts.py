"""Settings that cannot work together, and what to set instead."""

from collections.abc import Callable
from typing import Any, NamedTuple

# A single worker may have a long queue to answer; only a worker that hangs is to be ended.
DEFAULT_WORKER_TIMEOUT_S = 120
MIN_SYNC_TIMEOUT_S = 30


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what it accepts."""


class Conflict(NamedTuple):
    """Settings that cannot be used together: when they meet (by the fields of `Settings`), and the message."""

    applies: Callable[[Any], bool]
    message: str


CONFLICTS = (
    Conflict(
        # It reports between requests only. The loops of the others report while requests take long.
        lambda settings: settings.server == "sync" and 0 < settings.worker_timeout_s < MIN_SYNC_TIMEOUT_S,
        f"server is sync and worker_timeout_s is under {MIN_SYNC_TIMEOUT_S}; a sync worker that waits in a request "
        f"counts as stuck, so set worker_timeout_s to at least {MIN_SYNC_TIMEOUT_S}",
    ),
    Conflict(
        lambda settings: settings.server == "granian" and settings.worker_timeout_s != DEFAULT_WORKER_TIMEOUT_S,
        "worker_timeout_s is set and server is granian, which does not watch its workers; leave worker_timeout_s at "
        f"{DEFAULT_WORKER_TIMEOUT_S}",
    ),
    Conflict(
        lambda settings: settings.preload and settings.server == "gevent",
        "preload is on and server is gevent; its locks would be created before gevent replaces them, "
        "so set preload to false",
    ),
    Conflict(
        lambda settings: settings.preload and settings.server == "granian",
        "preload is on and server is granian, which loads in each worker; set preload to false",
    ),
    Conflict(
        # A read in another thread cannot bound it: Granian 2.8 waits at the end of a request for a read that is under
        # way, holding the interpreter's lock, so one slow client would stop the whole worker.
        lambda settings: settings.body_timeout_s and settings.server == "granian",
        "body_timeout_s is set and server is granian, which has no deadline for a body; set body_timeout_s to 0 and "
        "put a proxy that buffers requests in front",
    ),
    Conflict(
        lambda settings: settings.even_connections and settings.server != "gthread",
        "even_connections is on, which is for the server gthread only; set even_connections to false",
    ),
    Conflict(
        lambda settings: settings.preload and settings.server == "uvicorn",
        "preload is on and server is uvicorn; its pool belongs to the loop of one worker, so set preload to false",
    ),
    Conflict(
        lambda settings: settings.server == "uvicorn" and settings.driver != "psycopg3",
        "server is uvicorn and driver is psycopg2, whose waits would stop the event loop; set driver to psycopg3",
    ),
    Conflict(
        lambda settings: settings.server == "gevent" and settings.driver == "psycopg3",
        "server is gevent and driver is psycopg3, whose waits would stop all greenlets; set driver to psycopg2",
    ),
    Conflict(
        lambda settings: settings.deadlines and settings.driver == "psycopg3",
        "deadlines is on and driver is psycopg3; they bound the waits of psycopg2 only, so set deadlines to false",
    ),
    Conflict(
        lambda settings: settings.database_timeout_s and not (settings.deadlines or settings.server == "uvicorn"),
        "database_timeout_s is set and deadlines is off, so that it would end no wait that is under way; set deadlines "
        "to true, or database_timeout_s to 0",
    ),
    Conflict(
        lambda settings: settings.retry_lost and not settings.pool_pre_ping,
        "retry_lost is on and pool_pre_ping is off, so that the second connection may be lost as well; set "
        "pool_pre_ping to true",
    ),
    Conflict(
        lambda settings: settings.server == "uvicorn" and settings.unpickles,
        "server is uvicorn and sessions is filesystem or flask-session-redis, whose waits would stop the event loop; "
        "set sessions to shared or cookie",
    ),
    Conflict(
        lambda settings: settings.server == "uvicorn" and settings.threads != 1,
        "server is uvicorn, which has no threads for requests; set threads to 1",
    ),
    Conflict(
        lambda settings: settings.server == "uvicorn" and settings.monitor,
        "server is uvicorn and monitor is on, which records the requests of WSGI servers; set monitor to false",
    ),
    Conflict(
        lambda settings: settings.server == "uvicorn" and not settings.hash_limit,
        "server is uvicorn and hash_limit is 0; a hash in the event loop would stop every request, so set hash_limit "
        "to at least 1",
    ),
    Conflict(
        lambda settings: bool(settings.admission_limit) != bool(settings.admission_login_limit),
        "only one of admission_limit and admission_login_limit is set; requests of the other class could take every "
        "thread, so set both",
    ),
    Conflict(
        lambda settings: settings.admission_limit and settings.server == "uvicorn",
        "admission_limit is set and server is uvicorn; admission control is for WSGI servers, so set admission_limit "
        "and admission_login_limit to 0",
    ),
    Conflict(
        lambda settings: settings.admission_limit and settings.server == "sync",
        "admission_limit is set and server is sync, whose waiting requests no worker has seen yet; set server to "
        "gthread",
    ),
    Conflict(
        lambda settings: (
            settings.admission_limit
            and settings.server in ("gthread", "granian")
            and settings.admission_limit + settings.admission_login_limit >= settings.threads
        ),
        "admission_limit and admission_login_limit together are not below threads, so that none would be free to "
        "refuse; set threads higher",
    ),
    Conflict(
        lambda settings: settings.pool == "fair" and settings.server == "uvicorn",
        "pool is fair and server is uvicorn, whose pool is fair by itself; set pool to queue",
    ),
    Conflict(
        lambda settings: settings.pool == "fair" and not settings.pool_timed,
        "pool is fair and pool_timed is off, but the fair pool is timed; set pool_timed to true",
    ),
    Conflict(
        lambda settings: settings.hash_wait_ms and not settings.hash_limit,
        "hash_wait_ms is set and hash_limit is 0, with which no hash waits; set hash_limit to at least 1",
    ),
)


def require_none(settings: Any) -> None:
    """Raise `SettingsError` for the first conflict among the settings."""
    for conflict in CONFLICTS:
        if conflict.applies(settings):
            raise SettingsError(conflict.message)
