"""Time that the proxy adds to a round trip beyond what it is configured to add, by its delay or by a latency toxic."""

import itertools
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from loadgen.proxy import through
from loadgen.toxics import LATENCY


class Setup(NamedTuple):
    """How long the proxy delays a round trip, by itself and by a latency toxic; and the number of round trips."""

    round_trip_ms: float
    toxic_round_trip_ms: float
    trips: int

    def __str__(self) -> str:
        """The delays in words."""
        toxic = f" and a latency toxic of {self.toxic_round_trip_ms / 2:g} ms each way" * bool(self.toxic_round_trip_ms)
        return f"configured {self.round_trip_ms:g} ms{toxic}"


SETUPS = (Setup(0, 0, 2000), Setup(1, 0, 2000), Setup(28, 0, 300), Setup(0, 2, 2000), Setup(1, 20, 300))
TARGET_P99_MS = 0.3


def main() -> None:
    """Print, for each set-up, the time that the proxy adds beyond what is configured."""
    print(f"proxy, echo over loopback, direct and through it in turn; target: p99 at most {TARGET_P99_MS} ms beyond:")
    for setup in SETUPS:
        added = added_latency_ms(*setup)
        met = "met" if added.p99_ms <= TARGET_P99_MS else "not met"
        print(
            f"  {setup}: {added.median_ms:+.3f} ms (p99 {added.p99_ms:+.3f}, {met}), "
            f"direct {added.direct_median_ms:.3f} ms (p99 {added.direct_p99_ms:.3f}), {setup.trips} round trips"
        )


class AddedLatency(NamedTuple):
    """Round trips of a few bytes over loopback: direct ones, and the time added beyond the configured one.

    The added time is that of each round trip through the proxy, less the configured time and the median of direct ones.
    """

    direct_median_ms: float
    direct_p99_ms: float
    median_ms: float
    p99_ms: float


def added_latency_ms(round_trip_ms: float, toxic_round_trip_ms: float, trips: int) -> AddedLatency:
    """Measure with an echo server, in turn directly and through a proxy that delays a round trip by both times.

    A latency toxic delays by half of `toxic_round_trip_ms` in each direction; with 0 there is none.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        through(listener.getsockname(), round_trip_ms, Path(folder) / "proxy.log") as proxy,
        socket.create_connection(listener.getsockname()) as direct,
        socket.create_connection(proxy.address) as proxied,
    ):
        if toxic_round_trip_ms:
            proxy.add("far", LATENCY, latency_ms=toxic_round_trip_ms / 2)
        echo = threading.Thread(target=_echo, args=(listener,), daemon=True)
        echo.start()
        pairs = [(_trip_ms(direct), _trip_ms(proxied)) for _ in range(trips + 1)][1:]  # the first one connects
    echo.join()
    direct_ms, proxied_ms = zip(*pairs, strict=True)
    direct_median_ms = statistics.median(direct_ms)
    added_ms = [trip_ms - direct_median_ms - round_trip_ms - toxic_round_trip_ms for trip_ms in proxied_ms]
    return AddedLatency(direct_median_ms, _p99(direct_ms), statistics.median(added_ms), _p99(added_ms))


def _p99(times_ms: list[float] | tuple[float, ...]) -> float:
    return statistics.quantiles(times_ms, n=100, method="inclusive")[98]


def _trip_ms(connection: socket.socket) -> float:
    start_s = time.perf_counter()
    connection.sendall(b"ping")
    connection.recv(64)
    return (time.perf_counter() - start_s) * 1000


def _echo(listener: socket.socket) -> None:
    """Echo two connections in turn until one closes."""
    with listener.accept()[0] as first, listener.accept()[0] as second:
        for connection in itertools.cycle((first, second)):
            message = connection.recv(64)
            if not message:
                return
            connection.sendall(message)
