"""A run as a Perfetto trace: users, workers, connections and readings on one clock, µs since the start of the run.

What a recording has of a request inside the application is the durations of its parts, not when each began. So the
parts of a request are drawn one after the other on a track of their own, in the order of the columns, and a connection
has the whole time of each request that used it: the hold lies somewhere inside.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import BinaryIO

from workbench.recording import Run
from workbench.request_schema import PARTS

from .distinct_names import distinct_names
from .perfetto_packets import PerfettoWriter
from .perfetto_readings import draw_readings
from .perfetto_run import draw_run
from .perfetto_tracks import Lanes
from .row_windows import rows_in_order

SENT, ENTERED = "start_ms", "(start_ms + queue_ms)"
IDENTITY = ("user", "sequence", "endpoint")
OF_USERS = ("phase", "status", "ok", "error", "cache", "worker", "connection", "bytes", "db_calls", "db_round_trips")
TIMES_OF_USERS = ("response", "queue", "app", *PARTS)
PARTS_NAME = "parts, one after the other by convention"

Names = dict[str, str]


def write_perfetto(run: Run, file: BinaryIO) -> None:
    """Write the trace of the requests and readings of a run that sent any, some at a time."""
    first_us = run.rows.tuples(f"SELECT min({_us(SENT)}) FROM requests")[0][0]
    writer = PerfettoWriter(file, origin_us=min(0, first_us))
    names = distinct_names(endpoint for (endpoint,) in run.rows.tuples("SELECT DISTINCT endpoint FROM requests"))
    draw_run(writer, run)
    _draw_users(writer, run, names)
    _draw_workers(writer, run, names)
    draw_readings(writer, run)


def _us(expression: str) -> str:
    """The SQL of an integer of µs, which were ms."""
    return f"round(1000 * {expression})::BIGINT"


def _flow(user: int | None, sequence: int | None) -> int:
    """The id of the arrow from a user's request to its time in the worker; 0 where it has no identity."""
    return 0 if user is None or sequence is None else (user + 1) << 32 | sequence


def _draw_users(writer: PerfettoWriter, run: Run, names: Names) -> None:
    """A track for each user, with a slice from the send to the end of the response of each request."""
    root = writer.track("users")
    columns = [*IDENTITY, _us(SENT), "latency_us", *(f'"{name}"' for name in OF_USERS)]
    times = [_us(f"{name}_ms") for name in TIMES_OF_USERS]
    keys = ("sequence", *OF_USERS, *(f"{name}_us" for name in TIMES_OF_USERS))
    users: dict[int | None, Lanes] = {}
    for user, sequence, endpoint, start_us, latency_us, *values in rows_in_order(run, SENT, [*columns, *times]):
        if user not in users:
            users[user] = Lanes(writer, root, "no user" if user is None else f"user {user}")
        arguments = dict(zip(keys, (sequence, *values), strict=True))
        end_us = start_us + (latency_us or 0)
        users[user].slice(start_us, end_us, names[endpoint], arguments, flow=_flow(user, sequence))


class _Worker:
    """The tracks of one worker: its requests, and beside each of these the parts of their time."""

    def __init__(self, writer: PerfettoWriter, workers: int, pools: int, number: int | None):
        self._writer = writer
        self._pools = pools
        self._name = "a worker without a number" if number is None else f"worker {number}"
        self._track = writer.track(self._name, workers)
        self._requests = Lanes(writer, self._track, "requests")
        self._parts: dict[int, Lanes] = {}
        self._connections: dict[int, Lanes] = {}

    def draw(self, begin_us: int, end_us: int, name: str, arguments: dict, flow: int, connection: int | None) -> int:
        """Draw a request in the application; returns the place of its track among those of the worker."""
        if connection is not None:
            self._connection(connection).slice(begin_us, end_us, name, arguments)
        return self._requests.slice(begin_us, end_us, name, arguments, flow=flow, ends_flow=True)

    @cached_property
    def _pool(self) -> int:
        """The track of its connections; a worker that uses none has no such track."""
        return self._writer.track(f"pool of {self._name}", self._pools)

    def _connection(self, number: int) -> Lanes:
        if number not in self._connections:
            self._connections[number] = Lanes(self._writer, self._pool, f"connection {number}")
        return self._connections[number]

    def draw_parts(
        self, place: int, begin_us: int, end_us: int, parts_us: Sequence[int | None], statements: int | None
    ) -> None:
        """Draw the parts of a request whose track has this place, as far as they fit into its time."""
        if place not in self._parts:
            number = "" if place == 0 else f" ({place + 1})"
            self._parts[place] = Lanes(self._writer, self._track, f"{PARTS_NAME}{number}")
        for part, duration_us in zip(PARTS, parts_us, strict=True):
            if duration_us:
                until_us = min(begin_us + duration_us, end_us)
                arguments = {"statements": statements} if part == "db" else None
                self._parts[place].slice(begin_us, until_us, part, arguments)
                begin_us = until_us


def _draw_workers(writer: PerfettoWriter, run: Run, names: Names) -> None:
    """The tracks of workers and pools, with the requests whose time in the application is known."""
    roots = writer.track("workers"), writer.track("connections, each with the requests that used it")
    columns = [*IDENTITY, "worker", "connection", "db_calls", _us(ENTERED), _us("app_ms")]
    workers: dict[int | None, _Worker] = {}
    rows = rows_in_order(run, ENTERED, [*columns, *(_us(f"{part}_ms") for part in PARTS)])
    for user, sequence, endpoint, number, connection, statements, begin_us, app_us, *parts_us in rows:
        if app_us is None:
            continue
        if number not in workers:
            workers[number] = _Worker(writer, *roots, number)
        arguments = {"user": user, "sequence": sequence}
        flow, end_us = _flow(user, sequence), begin_us + app_us
        place = workers[number].draw(begin_us, end_us, names[endpoint], arguments, flow, connection)
        workers[number].draw_parts(place, begin_us, end_us, parts_us, statements)
