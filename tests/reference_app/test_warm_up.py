"""The warm-up of a worker before its first request."""

import sys
import time
import urllib.request
from collections import Counter
from dataclasses import replace

import pytest
from flask import request
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

import reference_app
from loadgen.app_code import AppCode
from loadgen.services import free_port
from loadgen.subprocesses import start
from reference_app import warm_up_requests
from reference_app.settings import Settings
from tests.loop_served import loop_served

PATIENCE_S = 20
MAX_EMPTY_SESSION_BYTES = 40  # of cachelib's own count of files


def totals(answer):
    """The metrics added up over all workers: by name, and for caches by endpoint and outcome."""
    counts = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = {
                name: value
                for name, value in sample.labels.items()
                if name not in ("worker", "db_client_connection_pool_name")
            }
            key = (sample.name, *labels.values())
            counts[key] = counts.get(key, 0) + sample.value
    return counts


@pytest.fixture
def quick(settings, store) -> Settings:
    """Settings with sessions in the store, for several workers."""
    return replace(settings, sessions="shared", redis_url=store.url, hash_limit=1)


def test_a_warmed_up_worker_has_connections_and_no_cached_answers(serve, visit, quick):
    served = serve(replace(quick, server="gthread", threads=4, cache="process", pool_size=3, warm_up=True))
    counts = totals(visit(served).get("/metrics"))
    assert counts["db_client_connection_count", "idle"] == 3
    assert counts["db_client_connection_create_time_seconds_count",] == 3
    assert counts["tracetrack_cache_requests_total", "dashboard", "miss"] == 0


def test_a_worker_without_warm_up_connects_at_its_first_query(serve, visit, quick):
    served = serve(replace(quick, server="gthread", threads=4, pool_size=3))
    assert totals(visit(served).get("/metrics"))["db_client_connection_create_time_seconds_count",] == 1


def test_a_worker_without_its_database_starts(make_app, settings, server):
    app = make_app(replace(settings, database_url=server.url_of("no_such_database"), warm_up=True))
    with pytest.raises(OperationalError):
        reference_app.warm_up(app)
    assert app.test_client().get("/login").status_code == 200


@pytest.mark.parametrize("sessions", ["shared", "cookie", "filesystem", "flask-session-redis"])
def test_a_warm_up_counts_no_request_and_leaves_no_session(make_app, quick, tmp_path, sessions):
    app = make_app(replace(quick, sessions=sessions, session_directory=str(tmp_path), warm_up=True))
    store = app.extensions["store"].client
    before = set(store.keys())
    reference_app.warm_up(app)
    assert app.extensions["worker_slot"].get("requests") == 0
    assert set(store.keys()) <= before
    assert [path for path in tmp_path.iterdir() if path.stat().st_size > MAX_EMPTY_SESSION_BYTES] == []


def test_a_warm_up_without_its_store_ends(make_app, quick):
    app = make_app(replace(quick, redis_url=f"redis://127.0.0.1:{free_port()}", warm_up=True))
    reference_app.warm_up(app)
    assert app.extensions["worker_slot"].get("requests") == 0


@pytest.mark.parametrize("sessions", ["shared", "cookie"])
def test_a_warm_up_in_a_loop_sends_the_same_requests(quick, sessions):
    with loop_served(replace(quick, sessions=sessions)) as app:
        sent = Counter()
        app.before_request(lambda: sent.update([(request.method, request.full_path.removesuffix("?"))]))
        store = app.extensions["store"].blocking.client
        before = set(store.keys())
        app.run(warm_up_requests.send_in_loop)
        assert sent == dict.fromkeys(warm_up_requests.REQUESTS, warm_up_requests.PASSES)
        assert app.extensions["worker_slot"].get("requests") == 0
        assert set(store.keys()) <= before


def served_form(address):
    """The text of the login form, as soon as a server answers at this address."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/login", timeout=10) as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < end_s
            time.sleep(0.05)


@pytest.mark.parametrize("server_kind", ["gthread", "gevent"])
def test_a_server_without_its_database_logs_a_warning_and_serves(quick, tmp_path, server_kind):
    url = f"postgresql://me:hidden@127.0.0.1:{free_port()}/db"
    unreachable = replace(quick, database_url=url, warm_up=True, server=server_kind, deadlines=True)
    address, log = f"127.0.0.1:{free_port()}", tmp_path / "gunicorn.log"
    command = [sys.executable, "-m", "gunicorn", "-c", str(AppCode().configuration)]
    with start("gunicorn", command, log, {**unreachable.to_env(), "TRACETRACK_BIND": address}) as child:
        assert 'name="password"' in served_form(address)
        assert not child.ended()
    assert "not warmed up" in log.read_text()
    assert "hidden" not in log.read_text()
