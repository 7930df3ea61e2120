"""The connection budget: the sum, the refusal, and the settings that would fit."""

import subprocess
import sys
from dataclasses import replace

import pytest

from loadgen.app_code import AppCode
from reference_app import connection_budget
from reference_app.connection_budget import Budget, BudgetError


@pytest.mark.parametrize(
    ("changed", "needed"),
    [
        ({"pool_size": None}, 50),
        ({"pool_size": None, "pool_profile": "rds", "workers": 8}, 720),
        ({"pool_size": 3, "pool_max_overflow": 0, "workers": 2}, 6),
        ({"pool": "none", "workers": 2, "threads": 16}, 32),
        ({"pool": "none", "workers": 2, "server": "gevent", "worker_connections": 500}, 1000),
    ],
)
def test_connections_allowed_is_the_sum_over_all_workers(settings, changed, needed):
    assert replace(settings, **changed).connections_allowed() == needed


def test_the_calculation_comes_with_settings_that_would_fit(settings):
    budget = Budget(replace(settings, pool_size=None, pool_profile="rds", workers=8), max_connections=100, reserved=3)
    assert not budget.fits()
    assert budget.calculation() == "8 workers × (40 + 50) = 720 connections, and the server has 100 - 3 reserved = 97"
    assert "TRACETRACK_POOL_SIZE=12 " in budget.advice()
    assert "max_connections to 723" in budget.advice()
    assert replace(budget, max_connections=723).fits()


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"pool": "none", "server": "gthread", "workers": 2, "threads": 64}, "TRACETRACK_THREADS=48,"),
        ({"pool": "none", "server": "gevent", "workers": 2}, "TRACETRACK_WORKER_CONNECTIONS=48,"),
        ({"workers": 200}, "TRACETRACK_WORKERS to at most 97,"),
    ],
)
def test_the_advice_names_the_setting_that_limits_the_deployment(settings, changed, advice):
    assert advice in Budget(replace(settings, **changed), max_connections=100, reserved=3).advice()


def test_the_advice_fits(settings):
    budget = Budget(replace(settings, workers=8, pool_size=12, pool_max_overflow=0), max_connections=100, reserved=3)
    assert budget.fits()


def test_the_limits_are_read_from_the_server(settings):
    budget = connection_budget.read_budget(settings)
    assert (budget.max_connections, budget.reserved) == (100, 3)
    with pytest.raises(BudgetError, match="720"):
        connection_budget.require_budget(replace(settings, workers=8, pool_size=90, pool_max_overflow=0))


def test_a_server_over_budget_does_not_start(settings):
    over = replace(settings, workers=8, pool_size=40, pool_max_overflow=50)
    command = [sys.executable, "-m", "gunicorn", "-c", str(AppCode().configuration)]
    environ = {**over.to_env(), "TRACETRACK_BIND": "127.0.0.1:0"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith("over the connection budget: 8 workers × (40 + 50) = 720")
    assert "Traceback" not in done.stderr
