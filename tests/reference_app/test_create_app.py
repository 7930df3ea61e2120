"""The application of each deployment serves a login, the dashboard and a search, and times them if it is set to.

Deployments are smaller where that changes nothing: two workers, and as many connections as the tests' server has.
"""

from dataclasses import replace

import pytest

from loadgen import app_environment, dataset, deployments, run_database
from tests.brief_server import serve_briefly
from tests.reference_app.sign_in import STATISTICS, try_login

NAMES = (
    "as-measured", "as-claimed", "as-advised", "gevent-blocking", "tuned", "tuned-without-cache", "tuned-without-pool",
    "tuned-without-index", "tuned-without-argon2", "tuned-without-aggregate", "tuned-without-workers",
    "tuned-without-shared-sessions", "tuned-without-hash-limit", "tuned-with-shared-cache",
    "tuned-with-cookie-sessions",
)  # fmt: skip
SMALL = dataset.SCALES["small"]
MAX_WORKERS = 2
SMALLER = {
    "as-advised": {"pool_size": 10, "pool_max_overflow": 20},
    "gevent-blocking": {"pool_size": 10, "pool_max_overflow": 20},
    "tuned-without-pool": {"threads": 16},
}


@pytest.fixture(params=NAMES)
def served(request, server, tmp_path):
    settings = deployments.settings_for(request.param, scale="small")
    workers = min(settings.workers, MAX_WORKERS)
    settings = replace(settings, workers=workers, max_connections=100, **SMALLER.get(request.param, {}))
    template = dataset.ensure_template(server, "small", settings.indexes)
    with (
        run_database.clone(server, template, "deployments", settings) as database,
        app_environment.set_up(
            replace(settings, database_url=server.application_url_of(database)), tmp_path
        ) as environment,
        serve_briefly(environment.settings, tmp_path / "gunicorn.log") as running,
    ):
        yield running


def test_each_deployment_serves_correct_responses(served, visit):
    visitor = visit(served).login("user007")
    assert "user007" in visitor.get("/").text
    statistics = visitor.get(STATISTICS).json
    assert statistics["user_context"]["username"] == "user007"
    assert (statistics["stats"]["total_bags"], statistics["stats"]["total_scans"]) == (SMALL.bags, SMALL.scans)
    answer = visitor.get("/api/bags/search?q=M444-0000042").json
    assert [bag["qr_id"] for bag in answer["bags"]] == ["M444-0000042"]


def test_without_timing_responses_are_the_same_but_for_server_timing(make_app, settings):
    client = make_app(replace(settings, server_timing=False, cache="process")).test_client()
    answers = [try_login(client), *(client.get(path) for path in (STATISTICS, "/api/bags/search?q=M444", "/health"))]
    assert [answer.status_code for answer in answers] == [302, 200, 200, 200]
    assert not any("Server-Timing" in answer.headers for answer in answers)
    assert all("X-Request-ID" in answer.headers for answer in answers)
