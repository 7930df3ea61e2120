"""The servers that a run needs: PostgreSQL and Valkey, from wheels or yours by URL, and Debian's PgBouncer."""

from .pgbouncer import Pooler, PoolerSettings, pooler
from .postgres import DatabaseServer, connect, database_server, describe
from .resources import free_port, make_private, require_free_space
from .sent_statement import SentStatement
from .valkey import StoreServer, store_server

__all__ = [
    "DatabaseServer",
    "Pooler",
    "PoolerSettings",
    "SentStatement",
    "StoreServer",
    "connect",
    "database_server",
    "describe",
    "free_port",
    "make_private",
    "pooler",
    "require_free_space",
    "store_server",
]
