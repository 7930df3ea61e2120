"""Bencher Metric Format: every value of an arm with the ends of its interval."""

import json

import jsonschema
import pytest

from analysis.exports.bencher_json import bencher_text
from analysis.metrics import arm_estimates

# What Bencher documents of the format.
METRIC = {
    "type": "object",
    "required": ["value"],
    "additionalProperties": False,
    "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
}
FORMAT = {
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": 1024},
    "additionalProperties": {
        "type": "object",
        "propertyNames": {"minLength": 1, "maxLength": 64},
        "additionalProperties": METRIC,
    },
}


@pytest.fixture
def experiment(builder):
    blocks = [builder.run("tuned", "burst-25", block=block, slower=1 + block / 10) for block in range(4)]
    return builder.experiment(*blocks, builder.run("as-measured", "burst-25"))


def test_the_text_has_the_documented_form(experiment):
    content = json.loads(bencher_text(experiment))
    jsonschema.validate(content, FORMAT)
    assert {"tuned/burst-25", "tuned/burst-25/login", "tuned/burst-25/reads", "as-measured/burst-25"} <= content.keys()


def test_values_and_intervals_are_those_of_the_workbench(experiment):
    content = json.loads(bencher_text(experiment))
    duration = arm_estimates.duration_s(experiment, "tuned", "burst-25")
    assert content["tuned/burst-25"]["duration_s"] == {
        "value": duration.value, "lower_value": duration.low, "upper_value": duration.high,
    }  # fmt: skip
    mean = arm_estimates.latency(experiment, "tuned", "burst-25", "login")
    assert content["tuned/burst-25/login"]["mean_ms"]["value"] == mean.value


def test_one_block_gives_values_without_an_interval(experiment):
    content = json.loads(bencher_text(experiment))
    assert set(content["as-measured/burst-25"]["duration_s"]) == {"value"}


def test_a_percentile_in_dropped_arrivals_is_left_out(builder):
    run = builder.run("tuned", "open-8")
    run.record["generator"] |= {"dropped": {"measure": 5}, "started_tasks": {"measure": 20}}
    content = json.loads(bencher_text(builder.experiment(run)))
    jsonschema.validate(content, FORMAT)
    of_search = content["tuned/open-8/search"]
    assert "median_ms" in of_search
    assert not {"p99_ms", "mean_ms", "response_p99_ms"} & of_search.keys()


def test_names_that_would_be_shown_as_the_same_stay_apart(builder):
    run = builder.run("tuned", "burst-25")
    for row in run.rows:
        row["endpoint"] += "\x1b[31m" if row["user"] % 2 else "\u202e"
    content = json.loads(bencher_text(builder.experiment(run)))
    assert {"tuned/burst-25/login", "tuned/burst-25/login (2)"} <= content.keys()
    assert all(name.isprintable() for name in content)
