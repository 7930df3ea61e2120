"""The connection of a worker to its run."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import zmq

from workbench.errors import UsageError, UserError

from .. import host_secret
from . import host_messages
from .clock_relation import ClockRelation, Round, relate
from .host_messages import BEAT_S, SILENCE_S, Message

HOST, PORT = re.compile(r"[A-Za-z0-9._-]+"), re.compile(r"[0-9]{1,9}")
MAX_PORT = 65_535
DEFAULT_PORT = 5557  # of the run; its Locust has the next one
ROUNDS, ROUND_PAUSE_S, ROUND_TIMEOUT_S = 60, 0.005, 2.0
MAX_MEASURING_S = 6.0
JOIN_EVERY_S = 1.0
SUSPICIOUS_S = 5.0
OTHER = f"it is another program, or has another secret: {host_secret.REMEDY}"


class RunLost(UserError):
    """The run ended, or does not answer any more."""


def parse_address(given: str) -> tuple[str, int]:
    """Host and port of `HOST` or `HOST:PORT`. Raises `UsageError` for anything else."""
    host, colon, port = given.partition(":")
    if not HOST.fullmatch(host) or (colon and not PORT.fullmatch(port)):
        raise UsageError(f"{given!r} is no address; it looks like HOST or HOST:PORT, with a name or an IPv4 address")
    if port and not 0 < int(port) < MAX_PORT:
        raise UsageError(f"{given!r} has no port between 1 and 65534, the next of which is Locust's")
    return host, int(port or DEFAULT_PORT)


class RunChannel:
    """Messages to and from the run at this address.

    `received_ns` is when the last one came (monotonic ns), `stopped` the reason for which the run ends before its time.
    """

    def __init__(self, host: str, port: int, keys: host_secret.Keys):
        self.host, self.port = host, port
        self.received_ns = 0
        self.stopped = ""
        self._heard_s = self._beat_s = time.monotonic()
        self._socket: zmq.Socket = zmq.Context.instance().socket(zmq.DEALER)
        host_messages.prepare(self._socket)
        host_secret.guard_client(self._socket, keys)
        self._socket.connect(f"tcp://{host}:{port}")

    @property
    def place(self) -> str:
        """The address in a message."""
        return f"{self.host}:{self.port}"

    def close(self) -> None:
        """End the connection; what was sent just before still goes out."""
        self._socket.close()

    def send(self, kind: str, content: bytes = b"", **fields: Any) -> None:
        """Send a message; one that finds the queue full, as on a line that is cut, is dropped."""
        with suppress(zmq.Again):
            self._socket.send_multipart(host_messages.frames(kind, content, **fields), zmq.NOBLOCK)

    def beat(self) -> None:
        """Say that this worker is there, once a second. Raises `RunLost` if the run has been silent for too long."""
        now_s = time.monotonic()
        if now_s - self._beat_s >= BEAT_S:
            self._beat_s = now_s
            self.send("beat")
        if now_s - self._heard_s > SILENCE_S:
            raise RunLost(f"the run at {self.place} was silent for {SILENCE_S:.0f} s")

    def receive(self, timeout_s: float) -> Message | None:
        """The next message, if one comes in time. Raises `RunLost` if it says that this worker is refused."""
        if not self._socket.poll(round(1000 * timeout_s)):
            return None
        received = self._socket.recv_multipart()
        self.received_ns = time.monotonic_ns()
        self._heard_s = time.monotonic()
        try:
            message = host_messages.parse(received)
        except ValueError:
            return None
        if message.kind == "refused":
            raise RunLost(f"the run at {self.place} refused this host: {message.fields.get('reason')}")
        if message.kind == "stop":
            self.stopped = str(message.fields.get("reason"))
        return message

    def join(self, wait_s: float, report: Callable[[str], None], **fields: Any) -> Message:
        """Join the run, and return its welcome; wait so long for it. Raises `UserError` if none comes.

        `report` gets a line where something accepts connections and does not answer.
        """
        begin_s = time.monotonic()
        end_s, has_reported, reason = begin_s + wait_s, False, ""
        while (now_s := time.monotonic()) < end_s:
            self.send("join", wall_s=time.time(), **fields)
            message = self.receive(JOIN_EVERY_S)
            if message and message.kind == "welcome":
                return message
            reason = self._connect_error()
            if not (reason or has_reported) and now_s - begin_s > SUSPICIOUS_S:
                has_reported = True
                report(f"{self.place} accepts connections and does not answer yet; {OTHER}")
        if not reason:
            raise UserError(f"{self.place} accepts connections and did not answer within {wait_s:.0f} s: {OTHER}")
        raise UserError(
            f"no run answers at {self.place} within {wait_s:.0f} s ({reason}); start it there with python -m "
            f"loadgen run --hosts, and open its ports {self.port} and {self.port + 1} to this host"
        )

    def _connect_error(self) -> str:
        """Why no connection can be made; empty if one can."""
        try:
            with socket.create_connection((self.host, self.port), timeout=2):
                return ""
        except OSError as error:
            return error.strerror or str(error) or type(error).__name__

    def measure_clock(self) -> ClockRelation:
        """Relate this host's monotonic clock to the run's. Raises `RunLost` if no probe is answered."""
        rounds: list[Round] = []
        end_s = time.monotonic() + MAX_MEASURING_S
        for number in range(ROUNDS):
            rounds += self._probe(number)
            if time.monotonic() > end_s:
                break
            time.sleep(ROUND_PAUSE_S)
        if not rounds:
            raise RunLost(f"the run at {self.place} answers no probe of its clock")
        return relate(rounds)

    def _probe(self, number: int) -> Iterator[Round]:
        """Yield a round, if its answer comes in time."""
        sent_ns = time.monotonic_ns()
        self.send("probe", number=number)
        end_s = time.monotonic() + ROUND_TIMEOUT_S
        while (left_s := end_s - time.monotonic()) > 0:
            message = self.receive(left_s)
            if message and message.kind == "probe" and message.fields.get("number") == number:
                received, answered = message.fields["received"], message.fields["answered"]
                yield Round(sent_ns, received, answered, self.received_ns)
                return


@contextmanager
def connected(host: str, port: int, keys: host_secret.Keys) -> Iterator[RunChannel]:
    """A channel for the block; the run hears why the block ends by an error."""
    channel = RunChannel(host, port, keys)
    try:
        yield channel
    except RunLost:
        raise
    except BaseException as error:
        channel.send("left", reason=str(error).split("\n")[0] or type(error).__name__)
        raise
    finally:
        channel.close()
