"""What an experiment has executed before: once for a deployment, and what is executed for others."""

import json

import pytest

from loadgen import earlier_plans
from loadgen.earlier_plans import EarlierPlans

PLAN = {
    "values": {"q": "BAG"},
    "calls": 1,
    "total_ms": 1.0,
    "nodes": [{"depth": 0}],
    "failure": "",
    "execution_ms": 1.0,
}
RUNS = {
    "1-01-tuned-burst-50": ("tuned", "burst-50", ["a"]),
    "1-02-as-measured-burst-50": ("as-measured", "burst-50", ["a", "b"]),
    "1-03-tuned-burst-25": ("tuned", "burst-25", ["c"]),
    "1-04-tuned-reads": ("tuned", "reads", ["e"]),
    "2-01-tuned-burst-50": ("tuned", "burst-50", ["a"]),
    "2-02-tuned-missing-table": ("tuned", "missing-table", ["d"]),
    "2-03-tuned-single": ("tuned", "single", []),
}


@pytest.fixture
def experiment(tmp_path):
    entries = [{"run": run, "deployment": name, "scenario": load, "arm": ""} for run, (name, load, _) in RUNS.items()]
    (tmp_path / "experiment.json").write_text(json.dumps({"runs": entries}))
    for run, (_, _, statements) in RUNS.items():
        (tmp_path / run).mkdir()
        (tmp_path / run / "run.json").write_text('{"valid": true}')
        plans = [PLAN | {"statement": statement} for statement in statements]
        (tmp_path / run / "plans.json").write_text(json.dumps({"plans": plans}))
    return tmp_path


def of_run(experiment, deployment="tuned", scenario="single"):
    return earlier_plans.of_run(experiment / "2-03-tuned-single", deployment, scenario)


def test_the_first_run_of_the_deployment_counts_and_not_one_whose_data_were_changed(experiment):
    earlier = of_run(experiment)
    assert earlier.runs == {"a": "1-01-tuned-burst-50", "c": "1-03-tuned-burst-25"}
    assert earlier.values == {"a": {"q": "BAG"}, "b": {"q": "BAG"}}


def test_a_load_with_other_search_terms_has_plans_of_its_own(experiment):
    earlier = of_run(experiment, scenario="burst-50-mix")
    assert (earlier.runs, earlier.values) == ({"e": "1-04-tuned-reads"}, {})


def test_a_run_that_is_not_valid_or_has_damaged_plans_does_not_count(experiment):
    (experiment / "1-01-tuned-burst-50" / "run.json").write_text('{"valid": false}')
    (experiment / "1-03-tuned-burst-25" / "plans.json").write_text("{")
    assert of_run(experiment).runs == {"a": "2-01-tuned-burst-50"}


def test_a_load_on_changed_data_and_a_run_by_itself_have_plans_of_their_own(experiment, tmp_path):
    assert of_run(experiment, scenario="missing-table") == EarlierPlans()
    (experiment / "experiment.json").unlink()
    assert of_run(experiment) == EarlierPlans()
