"""A client that costs little: the same bytes over a few connections, and a look at each answer."""

import selectors
import socket
from dataclasses import dataclass

from .paired_apps import HEADER
from .served_worker import CREDENTIALS, Worker

_CLOSE, _LENGTH, _HEAD_END = b"\r\nConnection: close\r\n", b"\r\nContent-Length: ", b"\r\n\r\n"


class WrongAnswer(RuntimeError):
    """What came is not what was asked for, so that something else would be measured than was meant."""


@dataclass(frozen=True)
class Question:
    """A request as it is sent, how its answer must begin, and what it must contain."""

    request: bytes
    begin: bytes
    proof: bytes

    @classmethod
    def get(cls, worker: Worker, path: str, proof: bytes = b"") -> "Question":
        return cls(_head("GET", worker, path, f"Cookie: {worker.cookie}"), b"HTTP/1.1 200 ", proof)

    @classmethod
    def cached(cls, worker: Worker, path: str) -> "Question":
        """One whose answer is in the cache from now on: each one must be the first again, with its time of making."""
        question = cls.get(worker, path)
        with Connections(worker, 1) as connections:
            answer = connections.ask(question, 1)
        return cls.get(worker, path, answer.partition(_HEAD_END)[2])

    @classmethod
    def login(cls, worker: Worker) -> "Question":
        form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(CREDENTIALS)}"
        return cls(_head("POST", worker, "/login", form) + CREDENTIALS, b"HTTP/1.1 302 ", b"\r\nLocation: /\r\n")

    def check(self, answer: bytes) -> None:
        if not (answer.startswith(self.begin) and self.proof in answer):
            raise WrongAnswer(answer[:2000].decode("latin-1"))


def _head(method, worker, path, headers):
    host = "{}:{}".format(*worker.address)
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{HEADER}: {worker.twin}\r\n{headers}\r\n\r\n".encode()


class Connections:
    """So many requests are on the way at a time. Connections are opened when needed, and kept if the server keeps them.

    A context manager.
    """

    def __init__(self, worker: Worker, count: int):
        self._address = worker.address
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._idle: list[socket.socket] = []
        self._answers: dict[socket.socket, bytes] = {}

    def ask(self, question: Question, times: int) -> bytes:
        """Ask so many times altogether; the last answer. Raises `WrongAnswer`."""
        answer, unasked = b"", times
        while unasked or self._answers:
            while unasked and len(self._answers) < self._count:
                self._send(question.request)
                unasked -= 1
            for key, _ in self._selector.select():
                if self._receive(key.fileobj):
                    answer = self._take(key.fileobj)
                    question.check(answer)
        return answer

    def _send(self, request):
        opened = self._idle.pop() if self._idle else self._open()
        self._answers[opened] = b""
        opened.sendall(request)

    def _open(self):
        opened = socket.create_connection(self._address)
        self._selector.register(opened, selectors.EVENT_READ)
        return opened

    def _receive(self, opened):
        """Whether the answer is whole now."""
        received = opened.recv(65536)
        if not received:
            raise WrongAnswer("the server closed the connection")
        self._answers[opened] += received
        return _is_whole(self._answers[opened])

    def _take(self, opened):
        answer = self._answers.pop(opened)
        if _CLOSE in answer:
            self._close(opened)
        else:
            self._idle.append(opened)
        return answer

    def _close(self, opened):
        self._selector.unregister(opened)
        opened.close()

    def __enter__(self) -> "Connections":
        return self

    def __exit__(self, *exception):
        for opened in (*self._idle, *self._answers):
            self._close(opened)
        self._selector.close()


def _is_whole(answer):
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return False
    length = answer.index(_LENGTH, 0, head_end + 2) + len(_LENGTH)
    return len(answer) - head_end - len(_HEAD_END) >= int(answer[length : answer.index(b"\r", length)])
