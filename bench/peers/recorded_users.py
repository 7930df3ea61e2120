"""The users of `fast_users` with a row for each request: the one import that recording needs."""

from bench.peers.fast_users import FastPageUser
from loadgen.generator import recording

__all__ = ["FastPageUser", "recording"]
