"""Names and defaults of experiments; `test_experiment_resume` carries one out."""

import pytest

from loadgen import experiment
from loadgen.plan import make_plan
from workbench.errors import UserError


def test_an_existing_experiment_is_never_recorded_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(UserError, match="experiment mine exists already"):
        experiment.plan_for("mine", "smoke", None, 1)
    with pytest.raises(UserError, match="experiment mine exists already"):
        experiment.execute(make_plan("smoke", None, 1), "mine")
    assert list((tmp_path / "runs" / "mine").iterdir()) == []


def test_plan_for_a_name_that_cannot_be_an_id_is_refused():
    with pytest.raises(UserError, match="cannot be an experiment's id"):
        experiment.plan_for("../mine", None, None, None)


def test_plan_for_a_new_experiment_takes_the_defaults_and_a_fresh_seed(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETRACK_DATA_DIR", str(tmp_path))
    plans = [experiment.plan_for("mine", None, None, None) for _ in range(5)]
    assert plans == [make_plan("quick", None, plan.seed) for plan in plans]
    assert len({plan.seed for plan in plans}) > 1
    assert experiment.plan_for(None, "smoke", "production", 4) == make_plan("smoke", "production", 4)
