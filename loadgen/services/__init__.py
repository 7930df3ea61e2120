"""The servers that a run needs: PostgreSQL and Valkey, started from wheels, or yours by URL."""

from .postgres import DatabaseServer, connect, database_server, describe
from .resources import free_port, make_private, require_free_space
from .sent_statement import SentStatement
from .valkey import StoreServer, store_server

__all__ = [
    "DatabaseServer",
    "SentStatement",
    "StoreServer",
    "connect",
    "database_server",
    "describe",
    "free_port",
    "make_private",
    "require_free_space",
    "store_server",
]
