"""The choice of the engine, without a cluster."""

import sys

import pytest

from workbench import engines
from workbench.engines import worker_facts
from workbench.errors import UserError


@pytest.fixture(autouse=True)
def no_scheduler(monkeypatch):
    monkeypatch.delenv(engines.SCHEDULER, raising=False)
    yield
    engines._connected.cache_clear()


def test_without_a_scheduler_there_is_no_cluster():
    assert engines.cluster() is None


def test_without_dask_one_line_says_what_to_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.delitem(sys.modules, "workbench.engines.dask_cluster", raising=False)
    monkeypatch.setenv(engines.SCHEDULER, "tcp://127.0.0.1:1")
    with pytest.raises(UserError, match=r"need Dask, and .* is not installed; run make scale"):
        engines.cluster()


def test_the_option_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv(engines.SCHEDULER, "tcp://127.0.0.1:1")
    engines.use("duckdb")
    assert engines.cluster() is None


def test_a_worker_with_other_code_or_versions_is_named():
    same = worker_facts.worker_facts()
    assert worker_facts.differing(same) == ""
    assert worker_facts.differing(same | {"duckdb": "0.1"}) == "duckdb"
    assert worker_facts.differing(same | {"code of workbench": "0"}) == "code of workbench"
    assert worker_facts.differing({}) == "Python"
