"""The servers of a run: PostgreSQL and Valkey, from wheels or yours by URL, Debian's PgBouncer, and our own carrier."""

from .pgbouncer import Pooler, PoolerSettings, pooler
from .postgres import DatabaseServer, connect, database_server, describe
from .resources import free_port, make_private, require_free_space
from .sent_statement import SentStatement
from .upstream_process import UpstreamServer, upstream_server
from .valkey import StoreServer, store_server

__all__ = [
    "DatabaseServer",
    "Pooler",
    "PoolerSettings",
    "SentStatement",
    "StoreServer",
    "UpstreamServer",
    "connect",
    "database_server",
    "describe",
    "free_port",
    "make_private",
    "pooler",
    "require_free_space",
    "store_server",
    "upstream_server",
]
