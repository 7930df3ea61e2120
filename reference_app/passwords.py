"""Password hashes: Werkzeug's scrypt and argon2id, and how many may be computed at once."""

import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from typing import Literal

from flask import Flask, current_app
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from werkzeug.security import check_password_hash

from instrumentation import server_timing

from .settings import Settings

Scheme = Literal["scrypt", "argon2id"]

# Werkzeug's default cost; and of OWASP's five equivalent minimums for argon2id (46 MiB × 1 … 7 MiB × 5) the one
# that costs the least CPU here, because its memory stays in the processor's cache: a quarter less than 19 MiB × 2.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
ARGON2_TIME, ARGON2_MEMORY_KIB = 5, 7 * 1024
PREFIXES = {
    "scrypt": f"scrypt:{SCRYPT_N}:{SCRYPT_R}:{SCRYPT_P}$",
    "argon2id": f"$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_TIME},p=1$",
}
SALT_CHARACTERS = 16
NICENESS = 10


def hash_password(password: str, scheme: Scheme, salt: str) -> str:
    """The hash as it is stored. The salt (16 characters) is the caller's: a dataset comes out the same twice."""
    if scheme == "scrypt":
        cost = {"n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P, "maxmem": 132 * SCRYPT_N * SCRYPT_R * SCRYPT_P}
        digest = hashlib.scrypt(password.encode(), salt=salt.encode(), **cost)
        return f"{PREFIXES[scheme]}{salt}${digest.hex()}"
    # libsodium's argon2id: the same hash as any other's in two thirds of the time of argon2-cffi's wheels, which do
    # without the processor's wide registers.
    digest = argon2id.kdf(32, password.encode(), salt.encode(), ARGON2_TIME, ARGON2_MEMORY_KIB * 1024)
    return f"{PREFIXES[scheme]}{_base64(salt.encode())}${_base64(digest)}"


def _base64(content):
    return base64.b64encode(content).decode().rstrip("=")


def fresh(password: str) -> str:
    """A hash by the deployment's scheme with a salt of its own; waits for a free place as `verify` does."""
    salt = secrets.token_hex(SALT_CHARACTERS // 2)
    return _in_a_place(hash_password, password, current_app.settings.password_hash, salt)


def is_outdated(stored: str, scheme: Scheme) -> bool:
    """Whether a hash is not of this scheme at its present cost."""
    return not stored.startswith(PREFIXES[scheme])


def verify(stored: str, password: str) -> bool:
    """Whether the password is the hash's, waiting for a free place to compute it. Booked as `hash`.

    An argon2id hash must have one lane, as libsodium knows no others.
    """
    return _in_a_place(_verify, stored, password)


def _in_a_place(compute: Callable, *arguments):
    places: Executor | None = current_app.extensions["hash_places"]
    with server_timing.part("hash"):
        return compute(*arguments) if places is None else places.submit(_politely, compute, *arguments).result()


def _politely(compute, *arguments):
    """Behind the requests: on Linux each thread has a niceness of its own, and a read need not wait for hashes."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    return compute(*arguments)


def _verify(stored, password):
    try:
        if not stored.startswith("$argon2id$"):
            return check_password_hash(stored, password)
        return argon2id.verify(stored.encode(), password.encode())
    except (CryptoError, ValueError, TypeError, OverflowError):  # a damaged hash
        return False


@cache
def decoy(scheme: Scheme) -> str:
    """A hash of no account: verifying against it makes an unknown user take as long as a known one."""
    return hash_password("no such account", scheme, "decoydecoydecoy0")


def warm_up() -> None:
    """Have each place hash once, so that its memory is there."""
    settings = current_app.settings
    places: Executor | None = current_app.extensions["hash_places"]
    if places is not None:
        one = decoy(settings.password_hash)
        for hashed in [places.submit(_politely, _verify, one, "") for _ in range(settings.hash_limit)]:
            hashed.result()


def _places(settings):
    """Real threads, also where the server replaces threads by greenlets: a hash on the loop would stop every request.

    They are the hashes' own: memory that was touched once is used again by the next hash, where a request's thread
    would have to ask the kernel for it page by page.
    """
    if not settings.hash_limit:
        return None
    if settings.server == "gevent":
        from gevent.threadpool import ThreadPoolExecutor as RealThreadPoolExecutor  # gevent is not every server's

        return RealThreadPoolExecutor(settings.hash_limit)
    return ThreadPoolExecutor(settings.hash_limit, "hash")


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["hash_places"] = _places(settings)
    decoy(settings.password_hash)
