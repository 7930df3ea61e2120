"""Password hashes: Werkzeug's scrypt, and argon2id."""

import base64
import hashlib
import secrets
from functools import partial
from typing import Literal

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from werkzeug.security import check_password_hash

from . import hash_executor
from .settings import current_settings

Scheme = Literal["scrypt", "argon2id"]

# Werkzeug's default cost; and of OWASP's five equivalent minimums for argon2id (46 MiB × 1 … 7 MiB × 5) the one
# that costs the least CPU here, because its memory stays in the processor's cache: a quarter less than 19 MiB × 2.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
ARGON2_TIME, ARGON2_MEMORY_KIB = 5, 7 * 1024
PREFIXES = {
    "scrypt": f"scrypt:{SCRYPT_N}:{SCRYPT_R}:{SCRYPT_P}$",
    "argon2id": f"$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_TIME},p=1$",
}
# The working memory of one hash: scrypt's array has N blocks of 128 · r bytes (RFC 7914), argon2id's is its parameter.
MEMORY_BYTES = {"scrypt": 128 * SCRYPT_R * SCRYPT_N, "argon2id": ARGON2_MEMORY_KIB * 1024}
SALT_CHARACTERS = 16


def hash_password(password: str, scheme: Scheme, salt: str) -> str:
    """The hash as it is stored, from a salt of 16 characters; the same salt gives the same hash."""
    if scheme == "scrypt":
        memory = 132 * SCRYPT_N * SCRYPT_R * SCRYPT_P
        content, salted = password.encode(), salt.encode()
        digest = hashlib.scrypt(content, salt=salted, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, maxmem=memory)
        return f"{PREFIXES[scheme]}{salt}${digest.hex()}"
    # libsodium's argon2id: the same hash as any other's in two thirds of the time of argon2-cffi's wheels, which do
    # without the processor's wide registers.
    digest = argon2id.kdf(32, password.encode(), salt.encode(), ARGON2_TIME, ARGON2_MEMORY_KIB * 1024)
    return f"{PREFIXES[scheme]}{_base64(salt.encode())}${_base64(digest)}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def new_hash(password: str) -> str:
    """A hash by the deployment's scheme with a random salt; computed in a thread for hashes, as `verify` is."""
    salt = secrets.token_hex(SALT_CHARACTERS // 2)
    return hash_executor.run(hash_password, password, current_settings().password_hash, salt)


def is_outdated(stored: str, scheme: Scheme) -> bool:
    """True if a hash is not of this scheme at its present cost."""
    return not stored.startswith(PREFIXES[scheme])


def verify(stored: str, password: str) -> bool:
    """True if the password fits the hash; waits for a free thread to compute it.

    An argon2id hash must have one lane, as libsodium knows no others.
    """
    return hash_executor.run(_verify, stored, password)


def _verify(stored: str, password: str) -> bool:
    try:
        if not stored.startswith("$argon2id$"):
            return check_password_hash(stored, password)
        return argon2id.verify(stored.encode(), password.encode())
    except (CryptoError, ValueError, TypeError, OverflowError):  # a damaged hash
        return False


def warm_up() -> None:
    """Compute one hash in each thread, so that its memory is allocated."""
    stored = hash_password("", current_settings().password_hash, "0" * SALT_CHARACTERS)
    hash_executor.run_in_every_thread(partial(_verify, stored, "a password"))
