"""Password hashes: Werkzeug's scrypt and argon2id, and how many may be computed at once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret
from flask import Flask, current_app
from werkzeug.security import check_password_hash

from . import timing
from .settings import Settings

Scheme = Literal["scrypt", "argon2id"]

# Werkzeug's default cost; and of OWASP's five equivalent minimums for argon2id (46 MiB × 1 … 7 MiB × 5) the one
# that costs the least CPU here, because its memory stays in the processor's cache: a quarter less than 19 MiB × 2.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
ARGON2_TIME, ARGON2_MEMORY_KIB, ARGON2_LANES = 5, 7 * 1024, 1

_argon2 = PasswordHasher(ARGON2_TIME, ARGON2_MEMORY_KIB, ARGON2_LANES)


def hash_password(password: str, scheme: Scheme, salt: str) -> str:
    """The hash as it is stored. The salt is the caller's, so that a dataset comes out the same twice."""
    if scheme == "scrypt":
        cost = {"n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "maxmem": 132 * SCRYPT_N * SCRYPT_R * SCRYPT_P}
        digest = hashlib.scrypt(password.encode(), salt=salt.encode(), **cost)
        return f"scrypt:{SCRYPT_N}:{SCRYPT_R}:{SCRYPT_P}${salt}${digest.hex()}"
    return hash_secret(
        password.encode(), salt.encode(), ARGON2_TIME, ARGON2_MEMORY_KIB, ARGON2_LANES, 32, Type.ID
    ).decode()


def verify(stored: str, password: str) -> bool:
    """Whether the password is the hash's, waiting for a free place to compute it. Booked as `hash`."""
    places: ThreadPoolExecutor | None = current_app.extensions["hash_places"]
    with timing.part("hash"):
        if places is None:
            return _verify(stored, password)
        return places.submit(_verify, stored, password).result()


def _verify(stored, password):
    if not stored.startswith("$argon2"):
        return check_password_hash(stored, password)
    try:
        return _argon2.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def decoy(scheme: Scheme) -> str:
    """A hash of no account: verifying against it makes an unknown user take as long as a known one."""
    return hash_password("no such account", scheme, "decoydecoydecoy0")


def init_app(app: Flask, settings: Settings) -> None:
    """The places to hash in are threads of their own: memory that was touched once is used again by the next
    hash, where a request's thread would have to ask the kernel for it page by page."""
    limit = settings.hash_limit
    app.extensions["hash_places"] = ThreadPoolExecutor(limit, "hash") if limit else None
    decoy(settings.password_hash)
