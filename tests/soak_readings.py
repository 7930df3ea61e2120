"""A soak whose resources are known: noise around a level, and what a leak adds in each second."""

import numpy as np

from reference_app.settings import Settings
from tests import synthetic_runs
from workbench.reading_schema import RESOURCES

MIB = 2**20
SECONDS = 180
LEVELS = {
    "application_bytes": 140 * MIB, "threads": 52, "server_connections": 6, "descriptors": 97, "sessions": 65,
    "temporary_files": 0, "log_bytes": 0, "store_bytes": MIB, "backend_bytes": 20 * MIB,
}  # fmt: skip
NOISE = {"application_bytes": 0.5 * MIB, "sessions": 3.0, "backend_bytes": 0.1 * MIB}
SERVICE_MS = {"login": 10.0, "dashboard": 2.0, "search": 2.0}


def with_soak(run, *, leaks=None, recycles_a_second=0.4, expired_share=0.3, renewed_every_s=2, seconds=SECONDS):
    """Give a built run of the scenario soak its rows and readings.

    `leaks` are what a resource gains in each second, by column. In each second a user logs in and reads the dashboard;
    `expired_share` of the reads find that the session has ended; each `renewed_every_s` seconds a read computes its
    answer anew, where that is 0 the first one alone. A search finds nothing in its cache.
    """
    leaks, random = leaks or {}, np.random.default_rng(7)
    settings = Settings(database_url="", secret_key="", workers=1)
    run.rows = list(_rows(settings, seconds, expired_share, renewed_every_s))
    values = [_values(second, leaks, random) for second in range(seconds)]
    instants = [synthetic_runs.LOAD_START_US + second * 1_000_000 for second in range(seconds)]
    run.process = synthetic_runs.process_readings(instants, settings)
    server = [row for row in run.process if row["role"] == "server"]
    for row, value in zip(server, values, strict=True):
        row["threads"] = value["threads"]
    run.pool = [_pool_row(at_us, second, recycles_a_second, value["server_connections"])
                for second, (at_us, value) in enumerate(zip(instants, values, strict=True))]  # fmt: skip
    names = [column.name for column in RESOURCES if column.name != "at_us"]
    run.resources = [
        {"at_us": at_us, **{name: value[name] for name in names}} for at_us, value in zip(instants, values, strict=True)
    ]
    run.record["counters"] |= {"cache_dashboard_miss": seconds, "cache_search_miss": seconds}
    run.record["scenario"] |= {"duration_s": float(seconds)}
    return run


def _rows(settings, seconds, expired_share, renewed_every_s):
    for second in range(seconds):
        for n, (endpoint, service_ms) in enumerate(SERVICE_MS.items()):
            start_ms = 1000.0 * second + 300 * n
            row = synthetic_runs.request_row(0, 3 * second + n, endpoint, start_ms, service_ms, service_ms, settings)
            is_expired = endpoint == "dashboard" and (second * expired_share) % 1 < expired_share
            yield row | {"cache": _cache(endpoint, second, renewed_every_s)} | ({"status": 401} if is_expired else {})


def _cache(endpoint, second, renewed_every_s):
    if endpoint == "login":
        return "none"
    is_renewed = second % renewed_every_s == 0 if renewed_every_s else second == 0
    return "miss" if endpoint == "search" or is_renewed else "hit"


def _values(second, leaks, random):
    return {
        name: max(0, round(level + random.normal(0, NOISE.get(name, 0.0)) + leaks.get(name, 0.0) * second))
        for name, level in LEVELS.items()
    }


def _pool_row(at_us, second, recycles_a_second, server_connections):
    counts = dict.fromkeys(synthetic_runs.POOL_FIELDS, 0)
    places = {"idle": 0, "overflow": 0, "server_connections": server_connections, "at_us": at_us, "worker": 0}
    return counts | places | {"recycles": round(recycles_a_second * second), "open": 3, "size": 3}
