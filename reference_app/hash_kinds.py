"""The kinds of password hashes that the accounts have, and the work of a failed login, which is the same for all names.

A kind is a scheme at a cost: `scrypt:32768:8:1$`. After a change of the scheme accounts keep their old hash until their
next login, and a hash of another kind takes another time. A failed login therefore computes one hash of each kind in
use: its account's own, and decoys for the others, or decoys for all of them if there is no such account.
"""

import re
import threading
import time

from flask import Flask, current_app

from . import passwords
from .database import lookup
from .settings import Settings

REREAD_S = 60.0  # so often a worker looks for kinds that it has not met; imported accounts bring them
MAX_READ = 8  # the most frequent kinds: each costs every failed login a hash
SCRYPT, PBKDF2 = r"scrypt:[0-9]+:[0-9]+:[0-9]+\$", r"pbkdf2:[a-z0-9_]+:[0-9]+\$"
ARGON2ID = r"\$argon2id\$v=19\$m=[0-9]+,t=[0-9]+,p=1\$"
IN_USE = f"""
    SELECT string_agg(kind, ' ') FROM (
        SELECT substring(password_hash from '^(?:{SCRYPT}|{PBKDF2}|{ARGON2ID})') AS kind
        FROM tracetrack."user" GROUP BY 1 ORDER BY count(*) DESC LIMIT {MAX_READ}
    ) AS counted
"""
_WHOLE = re.compile(rf"({SCRYPT}|{PBKDF2})[^$]+\$[0-9a-f]+|({ARGON2ID})[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")


def kind_of(stored: str) -> str:
    """The kind of a stored hash; empty for one that is damaged or of a scheme that no login knows."""
    match = _WHOLE.fullmatch(stored)
    return (match[1] or match[2]) if match else ""


def decoy(kind: str) -> str:
    """A hash of this kind that no password fits, and that takes as long to verify as any other."""
    if kind.startswith("$argon2id$"):
        return f"{kind}ZGVjb3lkZWNveWRlY295MA${'A' * 43}"
    return f"{kind}decoydecoydecoy0${'0' * 128}"


class HashKinds:
    """The kinds that this worker knows to be in use."""

    def __init__(self, own: str):
        self._kinds = {own}
        self._read_s = -REREAD_S
        self._lock = threading.Lock()

    def known(self) -> list[str]:
        """The kinds, read from the database once a minute. Raises SQLAlchemy's errors."""
        with self._lock:
            is_due = time.monotonic() - self._read_s >= REREAD_S
            self._read_s = time.monotonic() if is_due else self._read_s
        if is_due and (row := lookup(IN_USE, {})):
            self._kinds = self._kinds | set((row[0] or "").split())
        return sorted(self._kinds)

    def add(self, kind: str) -> None:
        """Add a kind that an account turned out to have."""
        if kind and kind not in self._kinds:
            self._kinds = self._kinds | {kind}


def fits(stored: str, password: str) -> bool:
    """True if the password fits the account's hash; an empty one, of no account, fits none and computes nothing."""
    kind = kind_of(stored)
    current_app.extensions["hash_kinds"].add(kind)
    return bool(kind) and passwords.verify(stored, password)


def complete_failure(stored: str, password: str) -> None:
    """Compute what `fits` left out, so that all failed logins compute the same."""
    own = kind_of(stored)
    for kind in current_app.extensions["hash_kinds"].known():
        if kind != own:
            passwords.verify(decoy(kind), password)


def init_app(app: Flask, settings: Settings) -> None:
    """Begin with the kind that the deployment stores."""
    app.extensions["hash_kinds"] = HashKinds(passwords.PREFIXES[settings.password_hash])
