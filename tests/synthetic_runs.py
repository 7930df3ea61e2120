"""Rows and readings of runs whose times are known, as the load generator and the collectors leave them on disk."""

from collections.abc import Iterator, Mapping, Sequence

from analysis import queueing
from loadgen.collectors.collector import POOL_FIELDS
from loadgen.scenarios import Scenario
from reference_app.settings import Settings
from workbench.request_schema import MEASURE, WARM_UP

PART_SHARES = {"pool": 0.01, "db": 0.5, "hash": 0.2, "cache": 0.0, "session": 0.04, "loop": 0.0}  # of the service time
LOAD_START_US = 2_000_000
READINGS = 5

Sent = tuple[int, str, float, float, str]  # user, endpoint, start (ms), latency (ms), phase


def request_rows(scenario: Scenario, service_ms: Mapping[str, float], settings: Settings) -> list[dict]:
    """The rows of a scenario on one first-come-first-served worker, which a request holds for its `service_ms`."""
    if scenario.kind == "start":
        return []
    if scenario.kind == "burst":
        burst = queueing.replay_burst(service_ms, scenario.users).itertuples(index=False)
        requests = [(user, endpoint, start_ms, latency_ms, MEASURE) for user, endpoint, start_ms, latency_ms in burst]
    else:
        requests = list(_of_one_user(scenario, service_ms))
    sequences: dict[int, int] = {}
    rows = []
    for user, endpoint, start_ms, latency_ms, phase in requests:
        sequences[user] = sequences.get(user, 0) + 1
        row = request_row(user, sequences[user], endpoint, start_ms, latency_ms, service_ms[endpoint], settings)
        rows.append(row | {"phase": phase})
    return rows


def _of_one_user(scenario: Scenario, service_ms: Mapping[str, float]) -> Iterator[Sent]:
    """Requests without a pause between them; those of the warm-up take three times as long."""
    steps = list(scenario.shares) if scenario.kind == "sustained" else list(scenario.steps)
    steps += ["shipment"] if scenario.tracking_users else []
    measured = [step for _ in range(max(scenario.passes, 10)) for step in steps]
    warm_up = [*(["login"] if "login" not in steps else []), *steps]
    now_ms = 0.0
    for number, endpoint in enumerate([*warm_up, *measured]):
        is_measured = number >= len(warm_up)
        latency_ms = service_ms[endpoint] * (1 if is_measured else 3)
        yield 0, endpoint, now_ms, latency_ms, MEASURE if is_measured else WARM_UP
        now_ms += latency_ms


def request_row(
    user: int, sequence: int, endpoint: str, start_ms: float, latency_ms: float, service_ms: float, settings: Settings
) -> dict:
    """A successful request that waited, then held a worker for `service_ms`."""
    statements = 2 if endpoint == "dashboard" else 1
    app_us, latency_us = round(1000 * service_ms), round(1000 * latency_ms)
    start_us = LOAD_START_US + round(1000 * start_ms)
    parts = {f"{part}_us": round(share * app_us) for part, share in PART_SHARES.items()}
    return {
        "user": user, "sequence": sequence, "endpoint": endpoint, "phase": MEASURE, "scheduled_us": start_us,
        "user_wait_us": None, "start_us": start_us, "latency_us": latency_us, "response_us": latency_us,
        "status": {"login": 302, "scan": 201}.get(endpoint, 200), "ok": True, "error": None, "bytes": 200,
        "queue_us": latency_us - app_us, **parts,
        "db_calls": statements, "db_round_trips": statements + (3 if settings.reads == "transaction" else 1),
        "cache": "none" if settings.cache == "off" or endpoint in ("login", "scan") else "hit",
        "app_us": app_us, "worker": user % settings.workers, "connection": 1,
    }  # fmt: skip


def reading_instants_us(rows: Sequence[dict]) -> list[int]:
    """Instants of `READINGS` readings, from the first send to the last response."""
    last_us = max(row["start_us"] + row["latency_us"] for row in rows)
    return [LOAD_START_US + n * (last_us - LOAD_START_US) // (READINGS - 1) for n in range(READINGS)]


def process_readings(instants_us: Sequence[int], settings: Settings) -> list[dict]:
    """The generator uses a tenth of a core, the server nine tenths, the database two tenths."""
    return [
        {
            "at_us": at_us, "role": role, "processes": 1 + settings.workers, "threads": 4,
            "cpu_us": round(share * (at_us - LOAD_START_US)), "pss_bytes": 2**20 * (mib + n),
        }
        for n, at_us in enumerate(instants_us)
        for role, share, mib in (("generator", 0.1, 90), ("server", 0.9, 60), ("database", 0.2, 50))
    ]  # fmt: skip


def database_readings(
    instants_us: Sequence[int], rows: Sequence[dict], settings: Settings, scenario: Scenario
) -> list[dict]:
    """Each worker has one connection, checked by a pre-ping before each use but the first."""
    connections = settings.workers
    failed = sum(row["endpoint"] == "dashboard" for row in rows) if scenario.unavailable else 0
    readings = [("activity", "idle", "Client", connections, at_us) for at_us in instants_us]
    deltas = [
        ("database", "all", "sessions", connections, instants_us[-1]),
        ("database", "all", "commits", len(rows), instants_us[-1]),
        ("database", "all", "rollbacks", len(rows) + failed, instants_us[-1]),
        ("statement", "SELECT $1", "calls", len(rows) - connections, instants_us[-1]),
        ("statement", "SELECT $1", "total_ms", 0.01 * len(rows), instants_us[-1]),
        ("statement", "BEGIN", "calls", len(rows), instants_us[-1]),
    ]
    names = ("source", "name", "metric", "value", "at_us")
    return [dict(zip(names, (*row[:3], float(row[3]), row[4]), strict=True)) for row in (*readings, *deltas)]


def pool_readings(instants_us: Sequence[int], rows: Sequence[dict], settings: Settings) -> list[dict]:
    """Each worker opens one connection in 10 ms; each use holds it for 4 ms, after a wait of 1 ms."""
    return [
        dict.fromkeys(POOL_FIELDS, 0)
        | {
            "at_us": at_us, "worker": worker, "size": settings.pool_size, "open": 1, "checked_out": 1,
            "limit": settings.pool_size + settings.pool_max_overflow, "most_checked_out": 1, "most_pending": 2,
            "acquires": uses, "wait_ns": 1_000_000 * uses, "longest_wait_ns": (3 + worker) * 1_000_000,
            "uses": uses, "use_ns": 4_000_000 * uses, "longest_use_ns": 9_000_000, "creates": 1,
            "create_ns": 10_000_000, "idle": 0, "overflow": 0, "server_connections": settings.workers,
        }
        for n, at_us in enumerate(instants_us)
        for worker in range(settings.workers)
        for uses in [n * len(rows) // (READINGS - 1) // settings.workers]
    ]  # fmt: skip
