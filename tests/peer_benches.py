"""Results of benches against peers whose estimates are known."""

from reports.peers.peer_results import AccuracyRun, CapacityRun, PageRun, Peer, PeerResults

ROUNDS = 4
ENVIRONMENT = {
    "cpu_model": "a processor", "cpu_count": 2, "memory_bytes": 2**34, "commit": "0123456789abcdef", "python": "3.11.7"
}  # fmt: skip
SETTINGS = {
    "rounds": ROUNDS, "measured_s": 6.0, "connections": 50, "rate_rps": 400.0, "duration_s": 10.0, "stall_at_s": 4.0,
    "stall_s": 1.0, "mean_service_ms": 10.0,
}  # fmt: skip
TRUE_MS = {"p50": 8.0, "p95": 500.0, "p99": 900.0, "p99.9": 990.0}


def bench(name="20260101-120000", **changes):
    """A bench in which recording sends 95 % and wrk eleven times as much, and wrk misses the stall."""
    known = {
        "bench": name,
        "started": "2026-01-01T12:00:00.000Z",
        "environment": ENVIRONMENT,
        "settings": SETTINGS,
        "server": "nginx 1.22.1",
        "status": "complete",
        "generators": (
            Peer(name="workbench", label="workbench, loadgen run", version="0123456789", rate_kind="open load"),
            Peer(name="recorded", label="FastHttpUser with recording", version="2.47"),
            Peer(name="fasthttp", label="Locust FastHttpUser", version="2.47", rate_kind="rate of each user"),
            Peer(name="wrk", label="wrk", version="4.1.0", rate_kind="closed load"),
            Peer(name="hey", label="hey", rate_kind="rate of each connection", missing="apt-get install hey"),
        ),
        "makers": (Peer(name="workbench", label="workbench, page of a run"), Peer(name="pandas", label="pandas")),
        "capacity": tuple(_capacity()),
        "accuracy": tuple(_accuracy()),
        "pages": tuple(
            PageRun(maker=maker, rows=10_000, seconds=seconds, cpu_s=seconds, peak_mib=200.0, round=number)
            for number in range(ROUNDS)
            for maker, seconds in (("workbench", 1.5), ("pandas", 0.9))
        ),
    }
    return PeerResults(**known | changes)


def _capacity():
    requests = {"fasthttp": 60_000, "recorded": 57_000, "wrk": 660_000}
    for number in range(ROUNDS):
        for name, count in requests.items():
            server_cpu_s = 5.9 if name == "wrk" else 1.0
            yield CapacityRun(
                generator=name, requests=count + number, seconds=6.0, cpu_s=5.0, server_cpu_s=server_cpu_s, round=number
            )


def _accuracy():
    reported_ms = {
        "workbench": {"p50": 8.1, "p95": 500.5, "p99": 901.0, "p99.9": 991.0},
        "fasthttp": {"p50": 8.0, "p95": 40.0, "p99": 1000.0, "p99.9": 1000.0},
        "wrk": {"p50": 7.0, "p95": 25.0, "p99": 45.0},
    }
    for number in range(ROUNDS):
        for name, reported in reported_ms.items():
            yield AccuracyRun(
                generator=name, stall=True, sent=4000, due=4000, reported_ms=reported, true_ms=TRUE_MS, round=number
            )
