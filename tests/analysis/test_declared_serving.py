"""Predictions of an application of one's own, which says how it serves: from an open load of one request a task."""

import pytest

from analysis.queueing.changed_settings import changed_settings
from analysis.queueing.preconditions import PredictionError, settings_of
from analysis.queueing.what_if import DeploymentModel
from tests.calibrated_runs import reported_python_ms, spend_cpu

SERVING = {"server": "gthread", "workers": 1, "threads": 1}


def shop(builder, scenario="open-10", tasks=None, **serving):
    """A run of an arm that is a command with users of its own; `tasks` that were started, one for each request."""
    run = builder.run("tuned", scenario)
    started = tasks or sum(row["phase"] == "measure" for row in run.rows)
    run.record["generator"] |= {"cpu_ms": 0.0, "started_tasks": {"measure": started}}
    spend_cpu(run, "server", reported_python_ms(run))
    source = {"kind": "command", "command": "serve", "folder": "/shop"}
    run.record["deployment"] = {"name": "shop", "settings": {"command": "serve", **serving}, "source": source}
    run.record["locustfile"] = "users.py"
    run.record["scenario"]["shares"] = {}
    arms = {"arms": [{"name": "shop", **source}]}
    (opened,) = builder.experiment(run, name=f"pool-{serving.get('pool_size', 0)}", comparison=arms).runs
    return opened


def test_settings_that_it_does_not_have_are_neutral_and_others_are_its_own(builder):
    settings = settings_of(shop(builder, **SERVING, pool_size=3))
    assert {name: settings[name] for name in SERVING} == SERVING
    assert (settings["pool"], settings["pool_size"], settings["cache"], settings["hash_limit"]) == (
        "queue",
        3,
        "off",
        0,
    )
    assert settings_of(shop(builder, **SERVING))["pool"] == "none"


def test_latency_is_predicted_and_falls_with_its_workers(builder):
    run = shop(builder, **SERVING)
    model = DeploymentModel.from_run(run)
    assert (model.server.workers, model.server.threads, model.server.connections) == (1, 1, None)
    measured = dict(zip(run.by_endpoint["endpoint"], run.by_endpoint["requests"], strict=True))
    assert model.load.shares == measured
    wider = DeploymentModel.from_run(run, changed_settings(run, {"workers": 4}))
    narrow_ms, wide_ms = (each.predict("open", 600).slowest_ms for each in (model, wider))
    assert 0 < wide_ms < narrow_ms


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenario": "sustained-20"}, "how long users of a locustfile wait is not known"),
        ({"tasks": 7}, r"a task of the locustfile sends [\d.e+]+ requests"),
        ({"server": ""}, "no record of the settings server"),
    ],
)
def test_what_the_model_does_not_have_is_refused(builder, change, message):
    serving = SERVING | ({"server": change["server"]} if "server" in change else {})
    serving = {name: value for name, value in serving.items() if value}
    options = {name: value for name, value in change.items() if name != "server"}
    with pytest.raises(PredictionError, match=message):
        DeploymentModel.from_run(shop(builder, **options, **serving))
