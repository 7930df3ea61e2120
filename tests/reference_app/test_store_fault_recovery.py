"""What `docs/OPERATIONS.md` promises while the store of the sessions fails under load, on the settings of `tuned`."""

import time
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy import make_url

from loadgen import deployments, proxy
from tests.reference_app.black_hole import black_hole
from tests.reference_app.faulty_load import SUCCESSES, FaultyLoad

FAULT_S, RECOVERY_S = 2, 2
MAX_REQUEST_S = 3


@pytest.fixture
def between(own_store, tmp_path):
    url = make_url(own_store.url)
    with proxy.through((url.host, url.port), 0, tmp_path / "proxy.log") as running:
        yield running


@pytest.fixture
def load(serve, visit, settings, own_store, between):
    host, port = between.address
    tuned = deployments.settings_for(
        "tuned",
        database_url=settings.database_url,
        secret_key=settings.secret_key,
        redis_url=make_url(own_store.url).set(host=host, port=port).render_as_string(hide_password=False),
        workers=2,
        scale="small",
        statistics_query="aggregated",
        login_throttle=False,
        cpu_affinity=False,
    )
    served = serve(tuned)
    return FaultyLoad(visit(served).login(), served.url)


@contextmanager
def refusing(between, **_):
    between.add("down", "down")
    yield
    between.remove("down")


@contextmanager
def frozen(own_store, **_):
    with own_store.frozen():
        yield


@contextmanager
def full(own_store, **_):
    with redis.Redis.from_url(own_store.url) as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "256mb")


@pytest.mark.parametrize("fault", [refusing, black_hole, frozen, full], ids=lambda fault: fault.__name__)
def test_each_failure_is_a_clean_refusal_and_the_recovery_is_quick(load, own_store, between, own_rows, fault):
    load.send_for(1)
    with fault(own_store=own_store, between=between):
        load.send_for(FAULT_S)
    ended_s = time.monotonic()
    load.send_for(RECOVERY_S + 1)
    results = load.results()
    own_rows("DELETE FROM tracetrack.scan WHERE idempotency_key LIKE 'fault %%'")
    assert all(sent.is_clean for sent in results)
    assert max(sent.seconds for sent in results) < MAX_REQUEST_S
    assert {sent.status for sent in results if sent.sent_s > ended_s + RECOVERY_S} <= SUCCESSES
    assert {sent.status for sent in results} >= {200, 503}
