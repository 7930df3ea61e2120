"""A process that reads an object store, so that waiting for it has an end: a deadline kills it, and so does a signal.

Each thread has its own, which lives as long as the thread, its environment is unchanged and its store answers.
"""

import json
import os
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, NamedTuple

from .paths import REPOSITORY
from .store_transfer import ATTEMPTS, FAILED, PROGRESS

START_S = 60.0  # until the process has imported its libraries, on a busy machine
GRACE_S = 1.0  # beyond the time of the attempts, so that a library that keeps to it reports its own reason
TIMED_OUT = "timed-out"


class Answer(NamedTuple):
    """What became of a request: a word of `store_transfer` or `TIMED_OUT`, and the result or a reason.

    The store had made no progress for `silent_s` seconds.
    """

    word: str
    value: Any
    silent_s: float


def call(operation: str, url: str, seconds: float, *arguments: str) -> Answer:
    """Let the process of this thread do an operation of `store_transfer`, as long as it makes progress.

    It is given up, and killed, when it makes none in the time of all attempts of a request.
    """
    process = _process()
    try:
        answer = process.answer({"operation": operation, "arguments": [url, seconds, *arguments]}, seconds)
    except BaseException:  # a signal, too
        process.kill()
        raise
    if answer.word == TIMED_OUT:
        process.kill()
    return answer


class _StoreProcess:
    def __init__(self) -> None:
        self.environ = dict(os.environ)
        self.is_started = False
        paths = [str(REPOSITORY), *filter(None, [self.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.store_transfer"],
            env={**self.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            start_new_session=True,  # a signal of the terminal is for the command, which then ends this one
        )  # fmt: skip
        self.kill = weakref.finalize(self, _kill, self._process)  # which the end of this process calls too

    def is_usable(self) -> bool:
        return self._process.poll() is None and self.environ == dict(os.environ)

    def answer(self, request: dict[str, Any], seconds: float) -> Answer:
        if not self.is_started:
            self._line(START_S)
            self.is_started = True
        self._send(request)
        while True:
            start_s = time.monotonic()
            line = self._line(ATTEMPTS * seconds + GRACE_S)
            silent_s = time.monotonic() - start_s
            if line is None:
                return Answer(TIMED_OUT, "", silent_s)
            word, value = json.loads(line) if line else (FAILED, "the process that reads it ended")
            if word != PROGRESS:
                return Answer(word, value, silent_s)

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its output has ended as well
            self._process.stdin.write(json.dumps(request).encode() + b"\n")

    def _line(self, seconds: float) -> bytes | None:
        """The next line, empty after the last one; None where none comes in this time."""
        assert self._process.stdout is not None
        # A line is written at once, and is short.
        return self._process.stdout.readline() if wait([self._process.stdout.fileno()], seconds) else None


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:  # closes its pipes, and waits for its end
        pass


_of_thread = threading.local()


def _process() -> _StoreProcess:
    """The process of this thread; another one where that has ended, or has another environment."""
    process: _StoreProcess | None = getattr(_of_thread, "process", None)
    if process is None or not process.is_usable():
        process = _of_thread.process = _StoreProcess()
    return process
