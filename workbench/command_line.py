"""The arguments of this process, which every user of the machine can read."""

import json
import os
import sys

from .redaction import redacted

ARGUMENTS = "TRACETRACK_ARGUMENTS"  # a variable of the environment, which only the same user can read


def hide_secrets() -> None:
    """Where an argument has a secret, start this program anew, in the same process, with `***` in its place.

    `sys.argv` has the secret there; the table of processes does not.
    """
    if arguments := os.environ.pop(ARGUMENTS, ""):
        sys.argv[1:] = json.loads(arguments)
        return
    shown = [redacted(argument) for argument in sys.argv[1:]]
    if shown != sys.argv[1:]:
        os.environ[ARGUMENTS] = json.dumps(sys.argv[1:])
        interpreter_options = sys.orig_argv[1 : len(sys.orig_argv) - len(shown)]
        os.execv(sys.executable, [sys.executable, *interpreter_options, *shown])  # noqa: S606 -- itself
