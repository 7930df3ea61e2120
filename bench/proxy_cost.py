"""Time that the latency proxy adds to a round trip beyond the time that it is configured to add."""

import itertools
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from loadgen.proxy import through

ROUND_TRIPS = ((0.0, 2000), (1.0, 1000), (28.0, 100))  # configured ms, and number of round trips


def main() -> None:
    """Print, for each configured round trip, the time that the proxy adds beyond it."""
    print("latency proxy, echo over loopback, direct and through it in turn:")
    for round_trip_ms, trips in ROUND_TRIPS:
        added = added_latency_ms(round_trip_ms, trips)
        print(
            f"  configured {round_trip_ms:>2g} ms  {added.median_ms:+.3f} ms (p99 {added.p99_ms:+.3f}), "
            f"direct {added.direct_median_ms:.3f} ms (p99 {added.direct_p99_ms:.3f}), {trips} round trips"
        )


class AddedLatency(NamedTuple):
    """Round trips of a few bytes over loopback: direct ones, and the time added beyond the configured one."""

    direct_median_ms: float
    direct_p99_ms: float
    median_ms: float
    p99_ms: float


def added_latency_ms(round_trip_ms: float, trips: int) -> AddedLatency:
    """Measure with an echo server, in turn directly and through a proxy with this round trip."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as listener,
        through(listener.getsockname(), round_trip_ms, Path(folder) / "proxy.log") as proxy,
        socket.create_connection(listener.getsockname()) as direct,
        socket.create_connection(proxy.address) as proxied,
    ):
        echo = threading.Thread(target=_echo, args=(listener,), daemon=True)
        echo.start()
        pairs = [(_trip_ms(direct), _trip_ms(proxied)) for _ in range(trips + 1)][1:]  # the first one connects
    echo.join()
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    p99s = [statistics.quantiles(times, n=100, method="inclusive")[98] for times in zip(*pairs, strict=True)]
    return AddedLatency(medians[0], p99s[0], medians[1] - medians[0] - round_trip_ms, p99s[1] - p99s[0] - round_trip_ms)


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
