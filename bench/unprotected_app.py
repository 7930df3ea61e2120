"""Applications without one of their protections, to measure what that costs. No setting switches them off."""

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app

from reference_app import session_account
from reference_app.security_headers import SecurityHeaders

Account = tuple[str, str, str]

TRUSTED = "bench_trusted_accounts"  # accounts by id that are looked up once


def remove_headers(app: Flask) -> None:
    """Let the application send no headers for browsers."""
    outermost: Any = app.wsgi_app
    assert isinstance(outermost, SecurityHeaders)
    unprotected: Any = outermost.application
    app.wsgi_app = unprotected  # type: ignore[method-assign]


def remove_account_lookup(app: Flask) -> None:
    """Let the application assume that accounts stay as they were at their first request."""
    app.extensions[TRUSTED] = {}
    if session_account._read_account is _read_account:
        session_account._read_account = _read_trusted_account


_read_account = session_account._read_account


def _read_trusted_account(account_id: int) -> Account | None:
    known: dict[int, Account | None] | None = current_app.extensions.get(TRUSTED)
    if known is None:
        return _read_account(account_id)
    if account_id not in known:
        known[account_id] = _read_account(account_id)
    return known[account_id]


REMOVALS: dict[str, Callable[[Flask], None]] = {"headers": remove_headers, "account lookup": remove_account_lookup}
