"""Modules that run in Locust's own processes: pacing of the users, their requests, and a row for each of those."""

import os

# Before anything imports Arrow: its own allocator gives back to the kernel what it does not use at the moment, and to
# get it again takes milliseconds of a flush.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
