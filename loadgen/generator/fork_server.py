"""A fork server for the load generator: it imports Locust once, and each run gets a process that is forked from it.

To import Locust takes longer than a short load. A forked process has its own copy of everything, and nothing in it has
been used: no hub of gevent, no user classes, no configuration, no request.

Standard input is a socket. Each line from it is a JSON object: the `arguments` of the generator, its whole environment
(`environ`), and the file that its output is appended to (`log`). The answers are lines too: the id of the forked
process, and its exit code once it has ended, negative for a signal. There is one process at a time. The server ends
with the command that started it, and the forked process ends with the server.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping

# Kept before Locust is imported: gevent's versions would start a hub in this process, and no hub survives a fork.
from os import fork, waitpid
from typing import Any, NoReturn

from ..subprocesses import die_with_parent

PRELOADED = ("locust.main", "locust.contrib.fasthttp", "pandas")
GENERATOR = f"{__package__}.__main__"  # imported after the fork: it reads its configuration from the environment
REQUESTS, ANSWERS = 0, 0  # the socket


def main() -> None:
    """Import what a generator needs, and fork a process for each request, until the socket ends."""
    server = os.getpid()
    preload()
    with open(REQUESTS, "rb", closefd=False) as requests:
        for line in requests:
            pid = fork()
            if pid == 0:
                _become_generator(json.loads(line), server)
            _answer(os.waitstatus_to_exitcode(waitpid(pid, 0)[1]))


def preload() -> None:
    """Import Locust and what it imports late, and keep the collector of garbage from touching shared pages."""
    for name in PRELOADED:
        importlib.import_module(name)
    importlib.import_module(f"{__package__}.recorder").prepare()
    gc.collect()
    gc.freeze()


def _answer(number: int) -> None:
    os.write(ANSWERS, f"{number}\n".encode())


def _become_generator(request: Mapping[str, Any], server: int) -> NoReturn:
    """Run the generator in this process as if it had been started for it, and end with its exit code."""
    os.setsid()
    die_with_parent(server, signal.SIGTERM)
    _answer(os.getpid())
    _redirect(request["log"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.argv = [sys.argv[0], *request["arguments"]]
    code = _exit_code()
    # As Python at the end of a program, but without freeing all that was imported, which takes a tenth of a second.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _redirect(log: str) -> None:
    """Give this process an empty standard input, and let its output go to the end of a file."""
    files = (os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666))
    for standard, file in zip((0, 1, 2), (files[0], files[1], files[1]), strict=True):
        os.dup2(file, standard)
    for file in files:
        os.close(file)


def _exit_code() -> int:
    """Run Locust, and return the exit code with which the program would end."""
    try:
        importlib.import_module(GENERATOR).main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
