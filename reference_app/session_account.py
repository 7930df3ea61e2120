"""The account behind a session, looked up in the database at each request.

A session holds for an account as it was at the login. It ends when the account is deactivated or removed, or gets
another role or another password. The session knows the password by a keyed digest of its hash, so that neither a
cookie nor a store reveals anything about it.
"""

import hmac
from typing import Any

from flask import session

from .database import Row, lookup
from .settings import current_settings

User = dict[str, Any]

ACCOUNT = 'SELECT username, password_hash, role FROM tracetrack."user" WHERE id = %(id)s AND active'
# For sessions that are in the cookie only, so that a logout cannot remove them from a store.
ACCOUNT_UNLESS_ENDED = f"{ACCOUNT} AND NOT EXISTS (SELECT FROM tracetrack.ended_session WHERE id = %(session_id)s)"
KEY = b"tracetrack-credential:"


def log_in(account: Row, password_hash: str) -> None:
    """Let the session be that of an account whose password was checked against this hash."""
    session["user"] = {
        "id": account["id"],
        "username": account["username"],
        "role": account["role"],
        "credential": _credential(password_hash),
    }


def current_user() -> User | None:
    """The session's user (id, username and role) as in the database; None if no user is logged in.

    A session that no longer holds for its account is cleared.
    """
    match session.get("user"):
        case {"id": int(account_id), "role": str(role), "credential": str(credential)}:
            account = _read_account(account_id)
        case _:
            return None
    if account:
        username, password_hash, present_role = account
        if present_role == role and hmac.compare_digest(_credential(password_hash), credential):
            return {"id": account_id, "username": username, "role": role}
    session.clear()
    return None


def _read_account(account_id: int) -> tuple[str, str, str] | None:
    """The name, password hash and role of an active account, unless the session has ended."""
    session_id = getattr(session, "revocation_id", "")
    statement = ACCOUNT_UNLESS_ENDED if session_id else ACCOUNT
    return lookup(statement, {"id": account_id, "session_id": session_id})


def _credential(password_hash: str) -> str:
    """A digest of the hash, by the deployment's key: 128 bits in hexadecimal digits."""
    key = KEY + current_settings().secret_key.encode()
    return hmac.digest(key, password_hash.encode(), "sha256")[:16].hex()
