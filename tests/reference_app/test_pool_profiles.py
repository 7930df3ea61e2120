"""The profiles of the pool: their effect, and their detection by the database's host name."""

import socket
import time

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import TimeoutError

from reference_app.database import connection
from reference_app.pool_profiles import detect, is_proxy
from tests.reference_app.pool_connections import backend, backend_of, held, metrics

RDS_HOST = "tracetrack.c1a2b3.eu-central-1.rds.amazonaws.com"


@pytest.mark.parametrize(("profile", "idle_s", "size", "limit"), [("local", 5, 30, 50), ("rds", 30, 40, 90)])
def test_a_profile_is_in_force(start, profile, idle_s, size, limit):
    """Its sizes by the connections that can be had and that stay, its keepalives by the socket."""
    app = start(pool_profile=profile, pool_size=None, tcp_user_timeout_ms=7000, pool_timeout_s=0.1)
    with held(limit) as backends:
        assert len(set(backends)) == limit
        with pytest.raises(TimeoutError):
            backend()
    assert metrics(app)["open"] == size
    assert metrics(app)["limit"] == limit
    with connection() as opened:
        wire = socket.fromfd(opened.connection.dbapi_connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        with wire:
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == idle_s
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000


@pytest.mark.parametrize(("profile", "recycle_s"), [("local", 1800), ("rds", 280)])
def test_a_profile_replaces_connections_at_its_age(start, profile, recycle_s):
    start(pool_profile=profile)
    for age_s, is_replaced in ((recycle_s - 5, False), (recycle_s + 5, True)):
        with connection() as opened:
            before = backend_of(opened)
            opened.connection._connection_record.starttime = time.time() - age_s
        assert (backend() != before) == is_replaced


@pytest.mark.parametrize(
    ("host", "profile", "proxy"),
    [
        ("db.internal", "local", False),
        ("127.0.0.1", "local", False),
        (RDS_HOST, "rds", False),
        (RDS_HOST.upper(), "rds", False),
        ("tt.cluster-ro-c1a2b3.us-east-1.rds.amazonaws.com", "rds", False),
        ("tt.proxy-c1a2b3.us-east-1.rds.amazonaws.com", "rds", True),
        ("ro.endpoint.proxy-c1a2b3.us-east-1.rds.amazonaws.com", "rds", True),
        ("tt.c1a2b3.rds.cn-north-1.amazonaws.com.cn", "rds", False),
        ("tt.proxy-c1a2b3.rds.cn-north-1.amazonaws.com.cn", "rds", True),
        ("rds.amazonaws.com.example.org", "local", False),
        ("cards.amazonaws.com", "local", False),
        ("proxy-x.example.org", "local", False),
        ("/db?host=" + RDS_HOST, "rds", False),
    ],
)
def test_amazons_host_names_are_detected(host, profile, proxy):
    url = f"postgresql://{host}" if host.startswith("/") else f"postgresql://u:p@{host}:5432/db"
    assert (detect(url), is_proxy(url)) == (profile, proxy)


@pytest.fixture
def rds_url(settings):
    """The test server under the name that an RDS instance has."""
    url = make_url(settings.database_url)
    named = url.set(host=RDS_HOST, query={"hostaddr": url.host})
    return named.render_as_string(hide_password=False)


@pytest.fixture
def rds_role(server):
    observer = server.connect()
    with observer.cursor() as cursor:
        cursor.execute("CREATE ROLE rds_superuser")
        yield
        cursor.execute("DROP ROLE rds_superuser")
    observer.close()


def profile_of(app):
    return app.test_client().get("/health").json["pool_profile"]


def test_an_rds_database_is_detected_by_its_name_and_confirmed_by_its_role(start, rds_url, rds_role):
    app = start(database_url=rds_url, pool_size=None)
    assert profile_of(app) == {"name": "rds", "found_by": "host name", "confirmed": True}
    assert metrics(app)["limit"] == 90


def test_the_setting_overrides_an_unknown_host_name(start, rds_role):
    app = start(pool_profile="rds", pool_size=None)
    assert profile_of(app) == {"name": "rds", "found_by": "setting", "confirmed": True}


def test_health_shows_whether_the_server_confirms_the_profile(start, rds_url):
    assert profile_of(start(database_url=rds_url))["confirmed"] is False
    assert profile_of(start()) == {"name": "local", "found_by": "host name", "confirmed": True}
