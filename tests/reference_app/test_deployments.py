"""Each deployment that is measured serves as it is composed: a login, the dashboard and a search, right by content.

Smaller where that changes nothing: two workers, and no more connections than the server of the tests has.
"""

from dataclasses import replace

import pytest

from loadgen import app_environment, application, dataset, deployments

NAMES = (
    "as-measured", "as-claimed", "as-advised", "gevent-blocking", "tuned", "tuned-without-cache", "tuned-without-pool",
    "tuned-without-index", "tuned-without-argon2", "tuned-without-aggregate", "tuned-without-workers",
    "tuned-without-shared-sessions", "tuned-without-hash-limit", "tuned-with-shared-cache",
    "tuned-with-cookie-sessions",
)  # fmt: skip
SMALL = dataset.SCALES["small"]
MOST_WORKERS = 2
SMALLER = {
    "as-advised": {"pool_size": 10, "pool_max_overflow": 20},
    "gevent-blocking": {"pool_size": 10, "pool_max_overflow": 20},
    "tuned-without-pool": {"threads": 16},
}


@pytest.fixture(params=NAMES)
def served(request, server, tmp_path):
    settings = deployments.find(request.param, scale="small")
    workers = min(settings.workers, MOST_WORKERS)
    settings = replace(settings, workers=workers, max_connections=100, **SMALLER.get(request.param, {}))
    template = dataset.ensure_template(server, "small", settings.indexes)
    with (
        dataset.clone(server, template, "deployments", settings) as database,
        app_environment.around(replace(settings, database_url=server.url_of(database)), tmp_path) as around,
        application.serve(around.settings, tmp_path / "gunicorn.log") as running,
    ):
        yield running


def test_it_answers_rightly(served, visit):
    visitor = visit(served).login("user007")
    assert "user007" in visitor.get("/").text
    statistics = visitor.get("/api/dashboard/stats").json
    assert statistics["user_context"]["username"] == "user007"
    assert (statistics["stats"]["total_bags"], statistics["stats"]["total_scans"]) == (SMALL.bags, SMALL.scans)
    answer = visitor.get("/api/bags/search?q=M444-0000042").json
    assert [bag["qr_id"] for bag in answer["bags"]] == ["M444-0000042"]
