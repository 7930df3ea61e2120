"""The table of endpoints agrees with the application, and each of its columns of shares adds up."""

import json

import pytest

from workbench import endpoints
from workbench.endpoints import ENDPOINTS
from workbench.paths import REPOSITORY

PATHS = json.loads((REPOSITORY / "reference_app" / "openapi.json").read_text())["paths"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_an_endpoint_is_one_of_the_application(endpoint):
    assert endpoint.method.lower() in PATHS[endpoint.path]


@pytest.mark.parametrize("shares", [endpoints.READ_SHARES, endpoints.READ_WRITE_SHARES], ids=["reads", "with writes"])
def test_the_shares_of_a_load_add_up(shares):
    assert sum(shares.values()) == pytest.approx(1.0)


def test_the_published_pass_and_its_reads_are_those_of_the_published_report():
    assert endpoints.PUBLISHED == ("login", "dashboard", "search")
    assert endpoints.READS == ("dashboard", "search")
