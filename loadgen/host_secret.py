"""The secret that all hosts of a load share: without it no connection between them comes about.

ZeroMQ's CURVE encrypts a connection, and the client has to know the public key of the server. Here that key pair is
derived from the secret and published nowhere, so that only who has the secret can connect, or answer.
"""

import hashlib
import os
import re
from typing import Any, NamedTuple

import zmq
from zmq.utils import z85

from workbench.errors import UsageError

VARIABLE = "TRACETRACK_HOSTS_SECRET"
VALID = re.compile(r"[A-Za-z0-9_-]{16,200}")
SALT = b"tracetrack-workbench hosts 1"
REMEDY = f"set {VARIABLE} to the same 16 to 200 letters, digits, _ or - on every host, as from: openssl rand -hex 32"


class Keys(NamedTuple):
    """The key pair of the master, in ZeroMQ's own text form (Z85)."""

    public: bytes
    private: bytes


def require() -> Keys:
    """The keys that follow from the secret in the environment. Raises `UsageError` where there is none."""
    if not VALID.fullmatch(secret := os.environ.get(VARIABLE, "")):
        raise UsageError(f"{VARIABLE} {'is too short, or has other characters' if secret else 'is not set'}; {REMEDY}")
    return derive(secret)


def derive(secret: str) -> Keys:
    """The keys of a secret; each guess of it costs some 50 ms."""
    private = z85.encode(hashlib.scrypt(secret.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=32))
    return Keys(zmq.curve_public(private), private)


def guard_server(socket: Any, keys: Keys) -> None:
    """Let a socket that will be bound accept only peers that know its public key."""
    socket.curve_server = True
    socket.curve_publickey, socket.curve_secretkey = keys


def guard_client(socket: Any, keys: Keys) -> None:
    """Let a socket that will be connected talk only to the server with these keys."""
    socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
    socket.curve_serverkey = keys.public
