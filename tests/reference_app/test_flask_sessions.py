"""The published sessions in files: expired ones are removed first, and living ones that are removed are counted."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from instrumentation.worker_metrics import WorkerMetrics
from loadgen import deployments
from reference_app.counters import COUNTERS
from reference_app.sessions.session_files import SessionFiles
from reference_app.store import StoreUnavailable
from tests.reference_app.pool_connections import metrics
from tests.reference_app.sign_in import STATISTICS, logged_in


@pytest.fixture
def settings(settings):
    return replace(settings, password_hash="argon2id", session_threshold=3)


@pytest.fixture
def slot():
    slot = WorkerMetrics.private(COUNTERS).slot(0)
    slot.reset()
    return slot


def evictions(app):
    return metrics(app)["session_evictions"]


def counted_evictions(slot):
    return slot.memory[slot.places["session_evictions"]]


def living(tmp_path):
    return sum(b"user001" in file.read_bytes() for file in (tmp_path / "sessions").iterdir())


def test_the_published_deployment_keeps_500_sessions_of_an_hour():
    published = deployments.settings_for("as-measured")
    assert (published.sessions, published.session_threshold, published.session_lifetime_s) == ("filesystem", 500, 3600)


def test_a_living_session_that_is_removed_is_counted(app, tmp_path):
    clients = [logged_in(app) for _ in range(6)]
    assert evictions(app) == 6 - living(tmp_path) == 2
    statuses = [client.get(STATISTICS).status_code for client in clients]
    assert statuses.count(401) >= 2
    # A read writes its session too, and so may remove another one.
    assert evictions(app) == 6 - living(tmp_path)
    sample = f'tracetrack_session_evictions_total{{worker="worker-0"}} {evictions(app)}.0'
    assert sample in app.test_client().get("/metrics").text


def test_a_session_that_is_removed_and_rewritten_is_not_counted(tmp_path, slot):
    files = SessionFiles(str(tmp_path), 1, slot)
    files.set("soonest", {"user": 1}, 100)
    files.set("later", {"user": 2}, 200)
    files.set("soonest", {"user": 3}, 300)
    assert (files.get("soonest"), files.get("later")) == ({"user": 3}, {"user": 2})
    assert counted_evictions(slot) == 0
    files.set("new", {"user": 4}, 300)
    assert files.get("later") is None
    assert counted_evictions(slot) == 1


def test_removed_expired_sessions_are_not_counted(make_app, settings):
    app = make_app(replace(settings, session_lifetime_s=1))
    for _ in range(4):
        logged_in(app)
    time.sleep(2.1)
    assert logged_in(app).get(STATISTICS).status_code == 200
    assert evictions(app) == 0


def test_without_a_threshold_no_session_is_removed(make_app, settings):
    app = make_app(replace(settings, session_threshold=0))
    clients = [logged_in(app) for _ in range(6)]
    assert {client.get(STATISTICS).status_code for client in clients} == {200}
    assert evictions(app) == 0


def test_every_eviction_is_counted_once_with_concurrent_writers(tmp_path, slot):
    files = SessionFiles(str(tmp_path), 20, slot)

    def write(writer):
        for number in range(50):
            with suppress(StoreUnavailable):  # another writer removed it before its size was read
                files.set(f"{writer}-{number}", {"user": number}, 3600)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    left = len(list(files._list_dir()))
    assert counted_evictions(slot) == 200 - left > 0


def test_only_the_owner_can_read_the_file_of_a_living_session(app, settings, tmp_path):
    logged_in(app)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "sessions").iterdir()} == {0o600}
